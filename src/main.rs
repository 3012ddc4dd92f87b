//! Arguments, logs, the command, the exit code.

fn main() -> std::process::ExitCode {
    claw::cli::main()
}
