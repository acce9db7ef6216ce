//! `larder check`.

use larder::policy::{Config, advise, inactive};

use super::file::Vars;

/// Prints every mistake and every remark. `false` if there is a mistake.
pub(crate) fn check(vars: &Vars) -> bool {
    match Config::read(vars) {
        Ok(config) => {
            for advice in advise(vars, &config) {
                println!("note: {advice}");
            }
            println!("ok: {} routes, {} caches", config.table.routes.len(), config.caches.len());
            true
        }
        Err(errors) => {
            for error in &errors {
                eprintln!("error: {error}");
            }
            for advice in inactive(vars) {
                println!("note: {advice}");
            }
            eprintln!("{} mistakes; a Worker deployed with them passes every request to the origin", errors.len());
            false
        }
    }
}
