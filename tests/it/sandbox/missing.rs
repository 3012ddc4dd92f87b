//! Where a part is missing, or only half there, nothing is run and the reason is told.

use std::fs;
use std::path::Path;
use std::process::Command;

use claw::sandbox::{Confinement, NOT_CONFINED, Sandbox};
use serde_json::Value;

use super::rig::{NOBODY, Ran, Rig, User, each, is_root, open};

/// `claw inspect sandbox`, as the user, with bubblewrap around it that takes something away first.
fn inspect(rig: &Rig, around: &[&str]) -> Value {
    let mut argv: Vec<String> = Vec::new();
    if rig.user == User::Nobody {
        let id = NOBODY.to_string();
        argv.extend(["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups"].map(str::to_owned));
    }
    argv.extend(around.iter().map(|word| word.to_string()));
    argv.extend([rig.at("bin/claw").display().to_string()]);
    argv.extend(["inspect", "sandbox", "--json"].map(str::to_owned));
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).current_dir("/").env_clear().env("PATH", "/usr/bin:/bin").env("HOME", rig.at("home"));
    let said = Ran::from(command.output().unwrap()).ok();
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[test]
fn the_proof_holds_here() {
    each(|rig| {
        let proof = inspect(rig, &[]);
        assert_eq!(proof["holds"], true, "as {:?}: {proof:#}", rig.user);
        let forbidden =
            proof["proof"]["acts"].as_array().unwrap().iter().filter(|act| act["forbidden"] == true).count();
        assert!(forbidden > 50, "{forbidden} acts");
    });
    let proof = Rig::new(User::Own).sandbox.prove();
    assert!(proof.holds() && proof.summary().contains("none succeeded"), "{proof:?}");
}

#[test]
fn s01_without_bubblewrap_nothing_runs() {
    each(|rig| {
        let told = inspect(rig, &["bwrap", "--dev-bind", "/", "/", "--ro-bind", "/dev/null", "/usr/bin/bwrap", "--"]);
        assert_eq!(told["holds"], false);
        assert!(told["unavailable"]["reason"].as_str().unwrap().contains("bubblewrap is not installed"), "{told}");
        assert_eq!(told["unavailable"]["mend"], "install the package `bubblewrap`");
    });
}

#[test]
fn s01_without_user_namespaces_nothing_runs() {
    each(|rig| {
        let told = inspect(rig, &["bwrap", "--dev-bind", "/", "/", "--unshare-user", "--disable-userns", "--"]);
        assert_eq!(told["holds"], false, "{told:#}");
        assert_eq!(told["proof"]["acts"].as_array().unwrap().len(), 1, "{told:#}");
        assert_eq!(told["proof"]["acts"][0]["name"], "run a command");
        assert!(told["proof"]["mend"].as_str().unwrap().contains("user namespaces"), "{told:#}");
    });
}

#[test]
fn s01_a_broker_that_is_missing_or_is_no_program_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("claw");
    let told = |path: &Path| Sandbox::with_broker(path.to_owned()).unwrap_err().to_string();
    assert!(told(&file).contains("`claw`"), "{}", told(&file));
    fs::write(&file, "").unwrap();
    open(&file, 0o644);
    assert!(told(&file).contains("can not be executed"), "{}", told(&file));
    assert!(told(Path::new("claw")).contains("`claw`"));
}

#[test]
fn s01_a_broker_that_is_another_program_proves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("claw");
    fs::write(&file, "#!/bin/sh\necho 'not the broker'\n").unwrap();
    open(&file, 0o755);
    let proof = Sandbox::with_broker(file).unwrap().prove();
    assert!(!proof.holds() && proof.acts.len() == 1, "{proof:?}");
}

#[test]
fn s01_a_landlock_that_is_too_old_runs_nothing() {
    each(|rig| {
        let rig_of_later = Rig { sandbox: rig.sandbox.clone().requiring_landlock(1000), ..Rig::new(rig.user) };
        let ran = rig_of_later.sh("echo ran > file; echo ran");
        assert_eq!((ran.code, ran.out.as_str()), (Some(NOT_CONFINED), ""), "{ran:?}");
        assert!(ran.err.contains("Landlock has version") && ran.err.contains("1000 is needed"), "{ran:?}");
    });
}

#[test]
fn s01_the_broker_runs_nothing_where_bubblewrap_did_not_start_it() {
    each(|rig| {
        let broker = rig.at("bin/claw").display().to_string();
        let version = env!("CARGO_PKG_VERSION");
        let direct =
            Ran::from(Command::new(&broker).args(["sandbox-exec", version, "--", "echo", "ran"]).output().unwrap());
        assert_eq!((direct.code, direct.out.as_str()), (Some(NOT_CONFINED), ""), "{direct:?}");
        // With a policy that is whole, it still looks where it is.
        let command = rig.command(&rig.confinement(), &["echo", "ran"]);
        let words: Vec<_> = command.as_std().get_args().map(ToOwned::to_owned).collect();
        let at = words.iter().position(|word| word == "sandbox-exec").unwrap();
        let whole = Ran::from(Command::new(&broker).args(&words[at..]).output().unwrap());
        assert_eq!((whole.code, whole.out.as_str()), (Some(NOT_CONFINED), ""), "{whole:?}");
        assert!(whole.err.contains("started by bubblewrap"), "{whole:?}");
        // And whether it is what its caller is.
        let other = Ran::from(Command::new(&broker).args(["sandbox-exec", "0.0.0"]).output().unwrap());
        assert!(other.code == Some(NOT_CONFINED) && other.err.contains("its caller is 0.0.0"), "{other:?}");
    });
}

#[test]
fn s14_a_command_does_not_start_outside() {
    each(|rig| {
        std::os::unix::fs::symlink("/", rig.at("shadow/out")).unwrap();
        let refused = |cwd: std::path::PathBuf| {
            let confinement = Confinement { cwd, ..rig.confinement() };
            rig.sandbox.command(&confinement, &["true".into()]).unwrap_err().to_string()
        };
        for cwd in ["", "home", "workspace/..", "workspace-evil", "workspace/out", "workspace/absent"] {
            let told = refused(rig.at(cwd));
            assert!(told.contains("can not start in"), "{cwd}: {told}");
        }
        let below = Confinement { cwd: rig.at("workspace/.git"), ..rig.confinement() };
        assert_eq!(rig.run_in(&below, &["cat", "config"]).ok(), super::rig::CANARY);
    });
}

#[test]
fn doctor_tells_of_the_sandbox() {
    let rig = Rig::new(if is_root() { User::Nobody } else { User::Own });
    let mut command = Command::new(rig.at("bin/claw"));
    let command =
        command.args(["doctor", "--json"]).current_dir(rig.at("workspace")).env("CLAW_STATE_DIR", rig.at("home"));
    let report: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    let check = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == "sandbox").unwrap().clone();
    assert_eq!(check["status"], "ok", "{check}");
    assert!(check["message"].as_str().unwrap().contains("none succeeded"), "{check}");
}
