//! The HTTP door.

fn main() -> std::process::ExitCode {
    runtime::main("gateway", gateway::run)
}
