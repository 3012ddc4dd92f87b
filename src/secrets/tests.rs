//! What is found, what is not, and that it is found once.

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    let masked = mask(text);
    assert_eq!(masked.text, expected);
    assert_eq!(mask(&masked.text).found, [], "what is masked is masked again: {expected}");
    assert_eq!(text.matches('\n').count(), expected.matches('\n').count(), "lines stay lines");
}

#[test]
fn x01_what_is_a_secret_by_the_name_before_it() {
    check("password = \"hunter22\"", "password = \"[secret: password]\"");
    check("DB_PASSWORD=s3cr3tPa55!", "DB_PASSWORD=[secret: password]");
    check("export API_KEY=9f8e7d6c5b4a39281706f5e4d3c2b1a0", "export API_KEY=[secret: named secret]");
    check("  client_secret: 9f8e7d6c5b4a39281706f5e4d3c2b1a0", "  client_secret: [secret: named secret]");
    check(r#"{"api_key": "Zx81-kQ9pLw3", "n": 1}"#, r#"{"api_key": "[secret: named secret]", "n": 1}"#);
    check(r#""{\"token\": \"q8ZP1kQ9pLw3v7Xy\"}""#, r#""{\"token\": \"[secret: named secret]\"}""#);
    check("const TOKEN: &str = \"q8ZP1kQ9pLw3v7Xy\";", "const TOKEN: &str = \"[secret: named secret]\";");
    check("os.environ[\"TOKEN\"] = 'q8ZP1kQ9pLw3v7Xy'", "os.environ[\"TOKEN\"] = '[secret: named secret]'");
    check("define('DB_PASSWORD', 'k9!fooB4r');", "define('DB_PASSWORD', '[secret: password]');");
    check("tool --token q8ZP1kQ9pLw3v7Xy --x", "tool --token [secret: named secret] --x");
    check("<password>k9!fooB4r</password>", "<password>[secret: password]</password>");
    check("GET /x?token=q8ZP1kQ9pLw3v7Xy&y=1", "GET /x?token=[secret: named secret]&y=1");
    check("https://me:hunter22@example.org/x.git", "https://me:[secret: password in a URL]@example.org/x.git");
    check("postgres://u:p4ss:w@db:5432/x", "postgres://u:[secret: password in a URL]@db:5432/x");
    check("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer [secret: credentials of a header]");
    check(
        "-H 'authorization: Basic dXNlcjpwYXNzd29yZA=='",
        "-H 'authorization: Basic [secret: credentials of a header]'",
    );
}

#[test]
fn x01_what_is_encoded_is_masked_where_it_stands() {
    let token = "ghp_q8ZP1kQ9pLw3v7XyT2mN5bV6cR4dS0fGhJkL";
    let hex: String = token.bytes().map(|byte| format!("{byte:02x}")).collect();
    check(&format!("a {hex} b"), "a [secret: GitHub token] b");
    check("a Z2hwX3E4WlAxa1E5cEx3M3Y3WHlUMm1ONWJWNmNSNGRTMGZHaEprTA== b", "a [secret: GitHub token]== b");
    check(
        "eCA9IDEKeSA9IDIKdG9rZW4gPSAiZ2hwX3E4WlAxa1E5cEx3M3Y3WHlU\nMm1ONWJWNmNSNGRTMGZHaEprTCIKeiA9IDMK\n",
        "eCA9IDEKeSA9IDIKdG9rZW4gPSAi[secret: GitHub token]\nIKeiA9IDMK\n",
    );
    check("k=ghp%5Fq8ZP1kQ9pLw3v7XyT2mN5bV6cR4dS0fGhJkL", "k=[secret: GitHub token]");
}

#[test]
fn x01_private_keys_keep_their_lines() {
    let body = "MIIEowIBAAKCAQEA7bq3VVyRbYqzWn5cJ7Cq8N0pZx1k9vQz3uXy2sTgHhKfLmPq";
    let key = |body: &str| format!("a\n-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\nz");
    check(&key(&format!("{body}\n{body}\nAbCd==")), &key("[secret: private key]\n\n"));
    check(&key(&format!("Proc-Type: 4,ENCRYPTED\n\n{body}")), &key("[secret: private key]\n\n"));
    check(
        &format!("\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n{body}\\n-----END PRIVATE KEY-----\\n\","),
        "\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n[secret: private key]-----END PRIVATE KEY-----\\n\",",
    );
    check(
        &format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n{body}"),
        "-----BEGIN OPENSSH PRIVATE KEY-----\n[secret: private key]\n",
    );
    let code = "if text.contains(\"-----BEGIN PRIVATE KEY-----\") {\n    read(text, \"-----END PRIVATE KEY-----\");\n}";
    check(code, code);
    let prose = "It starts with -----BEGIN PRIVATE KEY----- and goes on.\n\nThe end is another line.\n";
    check(prose, prose);
}

#[test]
fn what_is_no_secret_stays() {
    for line in [
        "password = os.environ[\"X\"]",
        "token: String,",
        "secret = None",
        "let token = self.next_token(kind);",
        "let token = lexer.tokens2[3];",
        "api_key = \"your-api-key-here\"",
        "API_KEY=${API_KEY}",
        "API_KEY=<paste it here>",
        "password: changeme123",
        "token_url = \"https://example.org/oauth2/v1/token\"",
        "\"token_type\": \"urn:ietf:params:oauth:token-type:access_token\"",
        "secret_name: my-secret-name-2",
        "password = \"xxxxxxxxxxxx\"",
        "    \"integrity\": \"sha512-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08==\",",
        "checksum = \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"",
        "commit da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "id: 550e8400-e29b-41d4-a716-446655440000",
        "<img src=\"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk\">",
        "let risk_live_test = sk_index(task-list-of-all-things);",
        "class=\"sk-some-long-name-of-a-style\"",
        "https://docs.rs/regex/latest/regex/struct.Regex.html#method.new",
        "git clone git@github.com:rust-lang/rust.git",
        "http://127.0.0.1:11434/v1",
        "postgres://user:password@localhost/x",
        "https://$USER:$PASS@host/",
        "fn authorization(header: &str) -> Bearer { basic(header) }",
        "Authorization: Bearer <token>",
        "Authorization: Bearer $TOKEN",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "if tokens[i].kind == TokenKind::Ident2 && token != other_token {",
        "primary_key=\"customers_2024_pkey\"",
    ] {
        check(line, line);
    }
}

#[test]
fn marks_are_known_again() {
    let text = "a [secret: value] b [secret: no such kind] [secret: GitHub token]";
    assert_eq!(marks(text).collect::<Vec<_>>(), ["[secret: value]", "[secret: GitHub token]"]);
    assert_eq!(added_mark("", text), Some("[secret: value]"));
    assert_eq!(added_mark(text, text), None);
    assert_eq!(added_mark("[secret: value]", "[secret: value] [secret: value]"), Some("[secret: value]"));
}

#[test]
fn a_text_that_was_made_to_be_slow_is_not() {
    let started = std::time::Instant::now();
    for piece in [
        "token",
        "token=",
        "://a:",
        "-----BEGIN PRIVATE KEY-----\nAAAA",
        "sk-",
        "authorization: ",
        "password=\"",
        "eyJ",
        "M",
        ".a",
        "Z2hwX3E4WlAxa1E5cEx3M3Y3WHlUMm1ONWJWNmNSNGRTMGZHaEprTA==\n",
        "%41",
        "6768705f",
        "67 68 ",
    ] {
        let _ = mask(&piece.repeat((1 << 20) / piece.len()));
    }
    let _ = mask(&format!("{}password = \"q8ZP1kQ9pLw3v7Xy\"", "-----BEGIN PRIVATE KEY-----".repeat(4096)));
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
