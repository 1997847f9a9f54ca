//! Reading the settings from their sources, and saying where each one came from.

use std::path::{Path, PathBuf};

use config::builder::DefaultState;
use config::{ConfigBuilder, File, FileFormat, Value, ValueKind};
use serde_json::json;

use super::environment::EnvironmentSource;
use super::typed::typed;
use super::{Config, ConfigError};
use crate::dialect::Dialects;
use crate::extend::Extensions;

/// Sources of the settings, kept so that a reload can read them again.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// Built-in settings of a command (such as `jeton dev`), in TOML, below the file.
    pub preset: Option<String>,
    /// Flags: the name of a setting and its value.
    pub flags: Vec<(&'static str, String)>,
    /// Additions of an embedding program, which the settings may name.
    pub extensions: Extensions,
}

/// Settings with the origin of each.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Each setting that is not its default, with the source that set it.
    pub origins: Vec<(String, String)>,
}

/// Reads the settings: defaults, preset, file, environment, flags.
///
/// # Errors
/// The fault, its place, and the rule.
pub fn load(source: &Source) -> Result<Loaded, ConfigError> {
    let mut builder = config::Config::builder();
    if let Some(preset) = &source.preset {
        builder = builder.add_source(File::from_str(preset, FileFormat::Toml));
    }
    if let Some(path) = &source.file {
        builder = add_file(builder, path)?;
    }
    builder = builder.add_source(EnvironmentSource);
    for (setting, value) in &source.flags {
        builder =
            builder.set_override(setting, value.as_str()).map_err(|error| ConfigError::Value(error.to_string()))?;
    }
    let builder = add_vendor_defaults(builder, &source.extensions.all_dialects())?;
    let merged = builder.build().map_err(|error| ConfigError::Value(error.to_string()))?;
    let mut origins = Vec::new();
    collect_origins("", &merged.cache, &mut origins);
    origins.sort();
    let config = typed(merged)?;
    config.check()?;
    Ok(Loaded { config, origins })
}

/// Parses the file by itself first: the TOML parser points at line and column, which is lost once sources are merged.
fn add_file(builder: ConfigBuilder<DefaultState>, path: &Path) -> Result<ConfigBuilder<DefaultState>, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    if let Err(error) = text.parse::<toml::Table>() {
        return Err(ConfigError::Syntax { path: path.to_owned(), message: error.to_string() });
    }
    Ok(builder.add_source(File::from(path).format(FileFormat::Toml)))
}

/// Puts the defaults of each issuer's dialect below everything else that speaks of the issuer.
fn add_vendor_defaults(
    mut builder: ConfigBuilder<DefaultState>,
    dialects: &Dialects,
) -> Result<ConfigBuilder<DefaultState>, ConfigError> {
    let wrong = |error: config::ConfigError| ConfigError::Value(error.to_string());
    let merged = builder.build_cloned().map_err(wrong)?;
    for (id, settings) in merged.get_table("issuers").unwrap_or_default() {
        let name = settings.into_table().ok().and_then(|mut table| table.remove("dialect")?.into_string().ok());
        let known = name.and_then(|name| dialects.by_name(&name));
        // an id that is no name is refused where ids are checked
        let Some(dialect) = known.filter(|_| is_name(&id)) else { continue };
        for (setting, value) in dialect.defaults() {
            let value = Value::new(Some(&format!("the dialect {}", dialect.name())), *value);
            builder = builder.set_default(format!("issuers.{id}.{setting}"), value).map_err(wrong)?;
        }
    }
    Ok(builder)
}

fn is_name(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn collect_origins(name: &str, value: &Value, origins: &mut Vec<(String, String)>) {
    match &value.kind {
        ValueKind::Table(table) => {
            for (key, value) in table {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                collect_origins(&name, value, origins);
            }
        }
        ValueKind::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                collect_origins(&format!("{name}[{index}]"), value, origins);
            }
        }
        _ => origins.push((name.to_owned(), value.origin().unwrap_or("a flag").to_owned())),
    }
}

impl Loaded {
    /// Returns the effective settings with their origins, for people: no secret, and no hash of one.
    pub fn describe(&self) -> serde_json::Value {
        let mut config = serde_json::to_value(&self.config).unwrap_or_default();
        redact(&mut config);
        let origins: serde_json::Map<_, _> =
            self.origins.iter().map(|(name, origin)| (name.clone(), json!(origin))).collect();
        json!({ "config": config, "origins": origins, "note": "what is not listed under origins is a default" })
    }
}

fn redact(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                if name == "argon2" { *value = json!("<redacted>") } else { redact(value) }
            }
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(redact),
        _ => {}
    }
}
