//! The command line: looks at a configuration before it is deployed.

#[cfg(not(target_arch = "wasm32"))]
mod check;
#[cfg(not(target_arch = "wasm32"))]
mod file;
#[cfg(not(target_arch = "wasm32"))]
mod routes;

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    use clap::Parser as _;
    Cli::parse().run()
}

/// The binary is native; this only keeps the crate buildable for the Worker's target.
#[cfg(target_arch = "wasm32")]
fn main() {}

/// Larder: Django's cache framework, moved to the edge.
#[cfg(not(target_arch = "wasm32"))]
#[derive(clap::Parser)]
#[command(version)]
enum Cli {
    /// Says what is wrong with a configuration, and what to know about it.
    Check(file::Source),
    /// Shows what becomes of requests, route by route, with every default filled in.
    Routes(file::Source),
}

#[cfg(not(target_arch = "wasm32"))]
impl Cli {
    fn run(self) -> std::process::ExitCode {
        let (source, command): (_, fn(&file::Vars) -> bool) = match self {
            Self::Check(source) => (source, check::check),
            Self::Routes(source) => (source, routes::routes),
        };
        match source.read() {
            Ok(vars) if command(&vars) => std::process::ExitCode::SUCCESS,
            Ok(_) => std::process::ExitCode::FAILURE,
            Err(error) => {
                eprintln!("larder: {error}");
                std::process::ExitCode::from(2)
            }
        }
    }
}
