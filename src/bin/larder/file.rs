//! Reads the variables out of a wrangler configuration file.

use std::path::PathBuf;

use serde_json::{Map, Value};

/// Where the configuration is.
#[derive(clap::Args)]
pub(crate) struct Source {
    /// wrangler.toml, or wrangler.json with or without comments.
    #[arg(default_value = "wrangler.toml")]
    file: PathBuf,
    /// The environment whose variables count: [env.NAME.vars]. wrangler inherits none from the top.
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
}

/// The variables of a deployment.
pub(crate) type Vars = Map<String, Value>;

impl Source {
    /// The variables.
    ///
    /// # Errors
    ///
    /// A sentence that names the file and what to do.
    pub(crate) fn read(&self) -> Result<Vars, String> {
        let name = self.file.display();
        let text = std::fs::read_to_string(&self.file)
            .map_err(|error| format!("{name} cannot be read: {error}; give the path of a wrangler configuration"))?;
        let whole = self.parse(&text).map_err(|error| format!("{name}: {error}"))?;
        let vars = match &self.env {
            None => whole.get("vars"),
            Some(environment) => {
                let table = whole.pointer(&format!("/env/{environment}"));
                table.ok_or_else(|| format!("{name} has no [env.{environment}]"))?.get("vars")
            }
        };
        match vars {
            None => Ok(Vars::new()),
            Some(Value::Object(vars)) => Ok(vars.clone()),
            Some(_) => Err(format!("{name}: vars is not a table")),
        }
    }

    fn parse(&self, text: &str) -> Result<Value, String> {
        let is_json = self.file.extension().is_some_and(|extension| extension == "json" || extension == "jsonc");
        if !is_json {
            return toml::from_str(text).map_err(|error| error.to_string());
        }
        let parsed = jsonc_parser::parse_to_serde_value(text, &jsonc_parser::ParseOptions::default());
        parsed.map_err(|error| error.to_string())
    }
}
