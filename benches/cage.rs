//! What a sandbox costs a command: `cargo bench --bench cage`. Each round spawns it plain and confined, one after the other, so
//! that whatever else the machine does meanwhile slows both.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use claw::sandbox::{Access, Confinement, Limits, Mount, Sandbox, environment, tool_caches};

const ROUNDS: usize = 100;
const STARTING: &str = "i=0; while [ $i -lt 1000 ]; do /bin/true; i=$((i+1)); done";

fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::with_broker(PathBuf::from(env!("CARGO_BIN_EXE_claw")))?;
    let start = Instant::now();
    let proof = sandbox.prove();
    let proving = start.elapsed();
    if !proof.holds() {
        return Err(proof.summary().into());
    }
    let folder = tempfile::tempdir()?;
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let confinement = Confinement {
        mounts: vec![Mount { from: folder.path().into(), to: "/project".into(), access: Access::Writable }],
        cwd: "/project".into(),
        env: environment(std::env::vars_os()),
        network: false,
        caches: tool_caches(&home),
        limits: Limits::default(),
    };
    let argv = ["/bin/true".into()];
    let (mut plain, mut confined) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        plain.push(time(&mut std::process::Command::new("/bin/true"))?);
        confined.push(time(sandbox.command(&confinement, &argv)?.as_std_mut())?);
    }
    plain.sort();
    confined.sort();
    let at = |times: &[Duration], percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    let mut out = std::io::stdout();
    for percent in [50, 95] {
        let (plain, confined) = (at(&plain, percent), at(&confined, percent));
        let over = confined.saturating_sub(plain);
        writeln!(out, "confined command, p{percent}: {confined:.1?}, plain {plain:.1?}: {over:.1?} over")?;
    }
    // What starts inside waits for the broker to count it. Confined commands come behind others: so does the plain one here.
    let argv = ["/bin/sh", "-c", STARTING].map(std::ffi::OsString::from);
    let behind = format!("echo 10 > /proc/self/autogroup; {STARTING}");
    let (mut plain, mut confined) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS / 10 {
        plain.push(time(
            std::process::Command::new("setsid").args(["-w", "nice", "-n", "10", "/bin/sh", "-c", &behind]),
        )?);
        confined.push(time(sandbox.command(&confinement, &argv)?.as_std_mut())?);
    }
    plain.sort();
    confined.sort();
    let (plain, confined) = (at(&plain, 50), at(&confined, 50));
    let ratio = confined.as_secs_f64() / plain.as_secs_f64();
    writeln!(out, "1,000 processes one after the other, p50: {confined:.1?}, plain {plain:.1?}: x {ratio:.2}")?;
    writeln!(out, "proof of the sandbox, {} acts: {proving:.1?}", proof.acts.len())?;
    Ok(())
}

fn time(command: &mut std::process::Command) -> Result<Duration, Box<dyn Error>> {
    let start = Instant::now();
    let ended = command.stdout(std::process::Stdio::null()).status()?;
    if ended.success() { Ok(start.elapsed()) } else { Err(format!("it ended with {ended}").into()) }
}
