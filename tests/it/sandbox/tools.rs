//! Ordinary work goes on inside: builds and tests, offline, with what the user's package managers have.

use std::fs;
use std::path::{Path, PathBuf};

use claw::sandbox::{Confinement, environment, tool_caches};

use super::rig::{Ran, Rig, User, each};

fn write(rig: &Rig, files: &[(&str, &str)]) {
    for (name, content) in files {
        let path = rig.at("shadow").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    rig.give(&rig.at("shadow"));
}

/// With the home, the tools and the environment of whoever runs the tests.
fn as_at_home(rig: &Rig) -> Confinement {
    let home = PathBuf::from(std::env::var_os("HOME").expect("HOME"));
    Confinement { env: environment(std::env::vars_os()), caches: tool_caches(&home), ..rig.confinement() }
}

#[test]
fn cargo_test_runs_offline() {
    let rig = Rig::new(User::Own);
    write(
        &rig,
        &[
            ("Cargo.toml", "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
            (
                "src/lib.rs",
                "pub fn two() -> u32 {\n    2\n}\n\n#[test]\nfn two_is_two() {\n    assert_eq!(two(), 2);\n}\n",
            ),
        ],
    );
    let ran = rig.run_in(&Confinement { limits: Default::default(), ..as_at_home(&rig) }, &["cargo", "test"]);
    let seen = format!("{}{}", ran.out, ran.err);
    assert!(ran.code == Some(0) && seen.contains("1 passed"), "{seen}");
    assert!(rig.at("shadow/target/debug").is_dir() && !rig.at("workspace/target").exists());
    // Names in messages are those of the workspace, not of the shadow.
    fs::write(rig.at("shadow/src/lib.rs"), "pub fn two() -> u32 {\n    \"2\"\n}\n").unwrap();
    let failed = rig.run_in(&as_at_home(&rig), &["cargo", "build"]);
    assert!(
        failed.code == Some(101) && failed.err.contains("mismatched types") && !failed.err.contains("shadow"),
        "{failed:?}"
    );
}

#[test]
fn python_tests_run() {
    each(|rig| {
        write(
            rig,
            &[
                ("slug.py", "def slug(text):\n    return text.lower()\n"),
                (
                    "test_slug.py",
                    "import unittest\nimport multiprocessing as m\nfrom slug import slug\n\nclass T(unittest.TestCase):\n    def test_slug(self):\n        self.assertEqual(slug('A'), 'a')\n\n    def test_pool(self):\n        with m.Pool(2) as pool:\n            self.assertEqual(pool.map(abs, [-1, 2]), [1, 2])\n",
                ),
            ],
        );
        let ran = rig.run(&["python3", "-m", "unittest"]);
        assert!(ran.code == Some(0) && ran.err.contains("Ran 2 tests"), "{ran:?}");
    });
    let rig = Rig::new(User::Own);
    let ran = rig.run_in(&as_at_home(&rig), &["python3", "-c", "print('the user\\'s own Python')"]);
    assert_eq!(ran.ok(), "the user's own Python\n");
}

#[test]
fn npm_test_runs() {
    each(|rig| {
        write(
            rig,
            &[
                (
                    "package.json",
                    "{\"name\": \"tiny\", \"version\": \"1.0.0\", \"scripts\": {\"test\": \"node --test\"}}",
                ),
                (
                    "tiny.test.js",
                    "const test = require('node:test'), assert = require('node:assert'), http = require('node:http');\ntest('server', (t, done) => {\n  const server = http.createServer((request, response) => response.end('hello')).listen(0, '127.0.0.1', () =>\n    http.get({ port: server.address().port, host: '127.0.0.1' }, response => { assert.equal(response.statusCode, 200); server.close(); response.resume(); done(); }));\n});\n",
                ),
            ],
        );
        let confinement = match rig.user {
            User::Own => as_at_home(rig),
            User::Nobody => rig.confinement(),
        };
        let ran = rig.run_in(&confinement, &["npm", "test"]);
        assert!(ran.code == Some(0) && ran.out.contains("pass 1"), "as {:?}: {ran:?}", rig.user);
    });
}

#[test]
fn git_reads_the_repository_and_can_not_change_it() {
    each(|rig| {
        let git = |arguments: &[&str]| {
            super::rig::outside(
                "git",
                &[&["-c", "safe.directory=*", "-C", rig.at("workspace").to_str().unwrap()], arguments].concat(),
            )
        };
        fs::remove_file(rig.at("workspace/.git/config")).unwrap();
        git(&["init", "-q", "."]);
        git(&["add", "file"]);
        git(&["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "first"]);
        rig.give(&rig.at("workspace"));
        assert_eq!(rig.sh("git log --format=%s; git status --short; git diff").ok(), "first\n");
        fs::write(rig.at("shadow/file"), "changed\n").unwrap();
        assert_eq!(rig.sh("git status --short").ok(), " M file\n");
        let changed = rig.sh("git -c user.name=x -c user.email=x@x commit -qam second");
        assert!(changed.code != Some(0) && changed.err.contains("Read-only file system"), "{changed:?}");
    });
}

#[test]
fn caches_are_seen_and_not_written() {
    let rig = Rig::new(User::Own);
    let home = rig.at("home");
    for file in [".cargo/registry/index", ".cargo/credentials.toml", ".npm/_cacache/x", ".npmrc", ".ssh/id_rsa"] {
        fs::create_dir_all(home.join(file).parent().unwrap()).unwrap();
        fs::write(home.join(file), "x").unwrap();
    }
    let confinement = Confinement { caches: tool_caches(Path::new(&home)), ..rig.confinement() };
    let ran = rig.run_in(
        &confinement,
        &[
            "sh",
            "-c",
            "cd; find . -type f | sort; echo y > .cargo/registry/index; echo z > .cargo/lock && cat .cargo/lock",
        ],
    );
    assert_eq!(ran.out, "./.cargo/registry/index\n./.npm/_cacache/x\nz\n", "{}", ran.err);
    assert!(ran.err.contains("Read-only file system"), "{}", ran.err);
    assert!(!home.join(".cargo/lock").exists());
}

#[test]
fn what_a_command_writes_is_the_users_own() {
    each(|rig| {
        rig.sh("echo new > made; mkdir folder; chmod 750 made").ok();
        let owner = |path: &str| std::os::unix::fs::MetadataExt::uid(&fs::metadata(rig.at(path)).unwrap());
        assert_eq!(owner("shadow/made"), owner("shadow/file"));
        assert_eq!(owner("shadow/folder"), owner("shadow/file"));
    });
}

#[test]
fn a_folder_that_is_mounted_where_none_was_is_made() {
    let rig = Rig::new(User::Own);
    assert!(!rig.at("shadow/.git").exists());
    rig.run(&["true"]).ok();
    assert_eq!(fs::read_dir(rig.at("shadow/.git")).unwrap().count(), 0, "an empty folder, in which the mount stood");
    let _: Ran = rig.run(&["true"]);
}
