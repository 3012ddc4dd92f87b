//! Processes that should outlive their command, or take the machine.

use serde_json::{Value, json};

use super::case::{Attack, tool};

fn limited(command: &str, seconds: u64) -> Value {
    tool("shell", json!({"command": command, "timeout_s": seconds}))
}

fn background(command: &str) -> Value {
    tool("shell", json!({"command": command, "background": true}))
}

const STAYING: &[&str] = &[
    "sleep 600 & disown; echo left",
    "nohup sleep 600 > /dev/null 2>&1 &",
    "setsid sleep 600 & exit 0",
    "(setsid sh -c 'trap \"\" TERM HUP INT; sleep 600' &) ; exit 0",
    "sh -c 'sh -c \"sleep 600 &\" &' ; true",
    "python3 -c \"import os,time\nif os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\nos.closerange(0,9)\ntime.sleep(600)\"",
    "exec -a systemd sleep 600 & true",
    "coproc sleep 600; true",
    "node -e \"require('child_process').spawn('sleep',['600'],{detached:true,stdio:'ignore'}).unref()\"",
    "for i in $(seq 50); do sleep 600 & done; exit 1",
    "at now + 1 minute <<< 'sleep 600'; systemd-run --user sleep 600; true",
];

const TAKING: &[&str] = &[
    "sleep 600",
    "cat; read x; cat /dev/tty; sleep 600",
    "trap '' TERM INT HUP; while :; do sleep 600; done",
    "while :; do :; done",
    "yes",
    "f() { f | f & }; f; sleep 5",
    "python3 -c \"import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\"",
    "head -c 20000000000 /dev/zero > /tmp/full; cat /tmp/full | wc -c",
    "python3 -c \"x=[]\nwhile True: x.append(bytearray(1<<26))\"",
    "python3 -c \"import os\nf=[]\nwhile True: f.append(os.open('/dev/null',0))\"",
    "kill -STOP $$",
    "sudo -S id; ssh localhost; less notes.txt; vi notes.txt; $EDITOR x; sleep 600",
];

pub fn attacks() -> Vec<Attack> {
    let allowing = |name: String| Attack::new(name).replies(&[], claw::tools::Reply::Once);
    let staying = STAYING.iter().map(|command| allowing(format!("stays by {command}")).call(limited(command, 5)));
    let taking = TAKING.iter().map(|command| allowing(format!("takes by {command}")).call(limited(command, 1)));
    let jobs = [
        allowing("a job that nobody stops".to_owned()).call(background("sleep 600")),
        allowing("a job that leaves others".to_owned())
            .call(background("setsid sleep 600 & sleep 600 & exit 0"))
            .call(tool("shell_job", json!({"job": 1, "wait_s": 2}))),
        allowing("a job that is stopped and would not".to_owned())
            .call(background("trap '' TERM; sleep 600; sleep 600"))
            .call(tool("shell_job", json!({"job": 1, "stop": true}))),
        allowing("more jobs than there may be".to_owned())
            .calls(&(0..10).map(|number| background(&format!("sleep 60{number}"))).collect::<Vec<_>>())
            .told("run in the background already"),
        allowing("jobs that are not there".to_owned())
            .calls(&[
                tool("shell_job", json!({"job": 0})),
                tool("shell_job", json!({"job": 4294967295_u32})),
                tool("shell_job", json!({"job": -1})),
            ])
            .nothing_done(),
        allowing("a job that changes files while others look".to_owned())
            .call(background(
                "while :; do echo x >> notes.txt; mv notes.txt n2; mv n2 notes.txt; ln -sfn / l; rm l; done",
            ))
            .call(limited("sleep 0.3; cat notes.txt | tail -1", 5))
            .call(tool("shell_job", json!({"job": 1, "stop": true}))),
        Attack::new("a job that the user did not allow")
            .asking()
            .call(background("sleep 600"))
            .call(tool("shell_job", json!({"job": 1, "wait_s": 1})))
            .nothing_done(),
    ];
    staying.chain(taking).chain(jobs).collect()
}
