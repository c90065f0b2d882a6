//! The operators' API.

fn main() -> std::process::ExitCode {
    runtime::main("ops", ops::run)
}
