//! Files whose values are secrets by their name.

use claw::secrets::{is_secret_file, mask_values, shown};

#[test]
fn x03_secret_files_in_any_spelling() {
    for name in [
        ".env",
        "a/b/.env",
        ".ENV",
        ".Env.Local",
        ".env.production",
        ".e\u{200b}nv",
        ".env.",
        ".env ",
        "．ｅｎｖ",
        ".env::$DATA",
        "a\\.env",
        "prod.env",
        ".envrc",
        "id_rsa",
        "keys/ID_RSA",
        "id_ed25519",
        "id_rsa.old",
        "server.pem",
        "SERVER.PEM",
        "tls.key",
        "a.p12",
        "a.pfx",
        "a.jks",
        ".npmrc",
        ".pypirc",
        ".netrc",
        "_netrc",
        "kubeconfig",
        ".kube/config",
        "home/.kube/config",
        ".docker/config.json",
        ".aws/credentials",
        ".ssh/id_work",
        ".ssh/deploy",
        "credentials.json",
        "service-account.json",
        "service_account-prod.json",
        "secrets.toml",
        "secrets.yaml",
        "config/secrets.yml",
        "secrets.json",
        ".git-credentials",
        ".htpasswd",
        "terraform.tfstate",
        "prod.tfvars",
        "prod.auto.tfvars",
        "wp-config.php",
        ".cargo/credentials.toml",
        ".pgpass",
        ".\u{212a}ube/config",
        "secret\u{17f}.toml",
    ] {
        assert!(is_secret_file(name), "{name:?}");
    }
    for name in [
        "",
        "src/main.rs",
        ".env.example",
        ".env.sample",
        ".env.template",
        ".env.dist",
        "example.env",
        "environment.ts",
        "env",
        "src/env.rs",
        "id_rsa.pub",
        "config.json",
        "kube/config",
        "docker/config.json",
        "secrets.rs",
        "secrets.py",
        "keys.md",
        "package.json",
        "tokens.json",
        ".ssh/known_hosts",
        ".ssh/config",
        "terraform.tfvars.example",
        "credentials.rs",
        "key",
        "pem",
    ] {
        assert!(!is_secret_file(name), "{name:?}");
    }
}

#[track_caller]
fn check(path: &str, text: &str, expected: &str) {
    let expected = expected.replace("[*]", "[secret: value]");
    assert_eq!(mask_values(path, text), expected, "{path}");
    assert_eq!(mask_values(path, &expected), expected, "{path}: what is masked stays");
    assert_eq!(shown(Some(path), text).text, expected, "{path}: the door");
    assert_eq!(text.matches('\n').count(), expected.matches('\n').count(), "{path}: lines stay lines");
}

#[test]
fn x03_names_are_shown_and_values_are_not() {
    check(
        ".env",
        "# the database\nDB_HOST=localhost\nexport DB_PASSWORD='hunter 2'\nEMPTY=\n\nQUOTED=\"a # b\"\n#OLD=hunter2\nNAME: value\n",
        "# the database\nDB_HOST=[*]\nexport DB_PASSWORD='[*]'\nEMPTY=\n\nQUOTED=\"[*]\"\n#OLD=[*]\nNAME: [*]\n",
    );
    check(".env", "KEY=\"first\nsecond=x\nthird\"\nNEXT=1\n", "KEY=\"[*]\n[*]\n[*]\"\nNEXT=[*]\n");
    check(".env", "KEY=a\r\nB=c\r\nhunter2\r\n", "KEY=[*]\r\nB=[*]\r\n[*]\r\n");
    check(
        ".npmrc",
        "registry=https://r.example.org/\n//r.example.org/:_authToken=abc\n; a comment\n",
        "registry=[*]\n//r.example.org/:_authToken=[*]\n; a comment\n",
    );
    check(".pypirc", "[pypi]\nusername = __token__\npassword = pw\n", "[pypi]\nusername = [*]\npassword = [*]\n");
    check(
        ".netrc",
        "machine example.org login me password hunter2\nmachine b.org\n  login you\n  password pw\n",
        "machine example.org login me password [*]\nmachine b.org\n  login you\n  password [*]\n",
    );
    check(
        ".kube/config",
        "apiVersion: v1\nusers:\n- name: admin\n  user:\n    token: abc # x\n    client-key-data: |\n      AAAA\n      BBBB\n    list: [a, b]\n",
        "apiVersion: [*]\nusers:\n- name: [*]\n  user:\n    token: [*]\n    client-key-data: |\n      [*]\n      [*]\n    list: [*]\n",
    );
    check(
        ".docker/config.json",
        "{\n  \"auths\": {\"r.example.org\": {\"auth\": \"bWU6cHc=\"}},\n  \"n\": [1, true, null, \"a\\\"b\"]\n}\n",
        "{\n  \"auths\": {\"r.example.org\": {\"auth\": \"[*]\"}},\n  \"n\": [[*], [*], null, \"[*]\"]\n}\n",
    );
    check("secrets.json", "{\"a\": \"never ends", "{\"a\": \"[*]");
    check(".aws/credentials", "[default]\naws_access_key_id = A\n", "[default]\naws_access_key_id = [*]\n");
    check(
        "secrets.toml",
        "# c\n[db]\nurl = \"x\"\nn = 3\nlist = [\n  \"a:b\",\n]\ntext = \"\"\"\nline = 1\n\"\"\"\n",
        "# c\n[db]\nurl = \"[*]\"\nn = [*]\nlist = [\n  \"[*]\",\n]\ntext = \"\"\"\n[*]\n\"\"\"\n",
    );
    check(
        "prod.tfvars",
        "db_password = \"x\"\ntags = {\n  a = \"b\"\n}\n",
        "db_password = \"[*]\"\ntags = {\n  a = \"[*]\"\n}\n",
    );
    check(
        "id_rsa",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\naC1rZXk=\n-----END OPENSSH PRIVATE KEY-----\n",
        "-----BEGIN OPENSSH PRIVATE KEY-----\n[*]\n[*]\n-----END OPENSSH PRIVATE KEY-----\n",
    );
    check(".git-credentials", "https://me:hunter2@example.org\n", "https://me:[*]@example.org\n");
    check(".htpasswd", "me:$apr1$x$y\n", "me:[*]\n");
    check(".pgpass", "host:5432:db:me:pw\n", "host:5432:db:me:[*]\n");
    check(
        "wp-config.php",
        "<?php\ndefine('DB_PASSWORD', 'pw');\n$x = \"y\";\n",
        "<?php\ndefine('DB_PASSWORD', '[*]');\n$x = \"[*]\";\n",
    );
    check("terraform.tfstate", "{\"version\": 4, \"secret\": \"x\"}", "{\"version\": [*], \"secret\": \"[*]\"}");
}

#[test]
fn x03_no_value_of_a_broken_file_is_shown() {
    for path in [
        ".env",
        ".npmrc",
        ".netrc",
        ".kube/config",
        "credentials.json",
        "secrets.toml",
        "id_rsa",
        ".pgpass",
        "secrets.yaml",
    ] {
        for text in [
            "hunter2",
            "\"hunter2",
            "  hunter2\n",
            "a = 'hunter2",
            "{\"a\": hunter2",
            "a: >\n hunter2\n hunter2",
            "a:\n  - hunter2\n",
            "A=x\nhunter2\nB=y",
            "\u{feff}A=hunter2",
            "A=hunter2\rB=hunter2\r",
            "é=hunter2é",
            "a: {b: hunter2}",
            "a = \"\"\"\nhunter2",
            "password hunter2",
            "= hunter2",
            ": hunter2",
            "{\"a\": \"x\\",
        ] {
            let shown = mask_values(path, text);
            assert!(!shown.contains("hunter2"), "{path}: {text:?} is shown as {shown:?}");
        }
    }
}
