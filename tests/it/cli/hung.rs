//! A file system in the workspace that never answers: what touches it waits, and the turn goes by its own clock.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::place::{Place, Ran, calls, says};

/// Mounts a file system whose server reads no request, and becomes the command: in a mount namespace of its own, so that nothing else
/// on the machine can wait for it.
const MOUNT: &str = r#"
import ctypes, os, sys
device = os.open("/dev/fuse", os.O_RDWR)
os.set_inheritable(device, True)
options = b"fd=%d,rootmode=40000,user_id=0,group_id=0" % device
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b"hung", sys.argv[1].encode(), b"fuse.hung", 0, options) != 0:
    sys.exit("mount: " + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[2], sys.argv[2:])
"#;

fn beside_a_hung_mount(place: &Place, arguments: &[&str]) -> Command {
    let claw = place.claw(arguments);
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "python3", "-c", MOUNT]);
    command.arg(place.project().join("hung")).arg(claw.get_program()).args(claw.get_args());
    command
        .current_dir(place.project())
        .env_clear()
        .envs(claw.get_envs().filter_map(|(key, value)| Some((key, value?))));
    command.stdin(std::process::Stdio::null());
    command
}

fn check(tool: &str, input: Value) {
    let place = Place::new(&[("main.rs", "fn main() {}\n"), ("hung/placeholder", "")]);
    std::fs::remove_file(place.project().join("hung/placeholder")).unwrap();
    place.output(&["trust"]).exits(0);
    std::fs::create_dir_all(place.user_config().parent().unwrap()).unwrap();
    std::fs::write(place.user_config(), "permission_mode = \"auto\"\n[limits]\nturn_timeout_s = 4\n").unwrap();
    let script = place.script(&[calls(&[(tool, input)]), says("Never said.")]);
    let began = Instant::now();
    let arguments = ["run", "--script", script.to_str().unwrap(), "--output", "stream-json", "Look around"];
    let ran = Ran::of(beside_a_hung_mount(&place, &arguments).output().unwrap());
    let took = began.elapsed();
    let events: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let end = events.last().unwrap_or_else(|| panic!("{tool}: {}", ran.stderr));
    assert_eq!((&end["type"], &end["status"]), (&json!("turn_end"), &json!("limit")), "{tool}: {events:#?}");
    let result = events.iter().find(|event| event["type"] == "tool_result").unwrap();
    assert_eq!((&result["tool"], &result["ok"]), (&json!(tool), &json!(false)), "{tool}: each call has its result");
    assert!((Duration::from_secs(4)..Duration::from_secs(30)).contains(&took), "{tool}: {took:?}");
}

#[test]
fn s16_a_file_system_that_never_answers_holds_up_no_more_than_the_turn() {
    check("read_file", json!({"path": "hung/a.txt"}));
    check("search", json!({"pattern": "main"}));
    check("list_files", json!({"path": "hung"}));
    check("edit_file", json!({"path": "hung/a.txt", "old_string": "a", "new_string": "b"}));
    check("shell", json!({"command": "ls"}));
}
