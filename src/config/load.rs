//! Reading the settings from their sources, and saying where each one came from.

use std::path::{Path, PathBuf};

use config::builder::DefaultState;
use config::{ConfigBuilder, File, FileFormat, Value, ValueKind};
use serde_json::json;

use super::environment::{self, Environment};
use super::nearest::nearest;
use super::{Config, ConfigError};
use crate::credential::is_secret;
use crate::dialect::Dialects;
use crate::extend::Extensions;
use crate::setting::SettingError;

/// Where the settings come from; kept, so that a reload can read them again.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// Built-in settings of a command (such as `jeton dev`), in TOML, below the file.
    pub preset: Option<String>,
    /// Flags: the name of a setting and its value.
    pub flags: Vec<(&'static str, String)>,
    /// What the embedding program adds, which the settings may then name.
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
/// What is wrong, where it stands, and the rule.
pub fn load(source: &Source) -> Result<Loaded, ConfigError> {
    let mut builder = config::Config::builder();
    if let Some(preset) = &source.preset {
        builder = builder.add_source(File::from_str(preset, FileFormat::Toml));
    }
    if let Some(path) = &source.file {
        builder = add_file(builder, path)?;
    }
    builder = builder.add_source(Environment);
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

/// Reads the settings by their types. What the environment says is text, until one of them is found to be a list.
fn typed(mut merged: config::Config) -> Result<Config, ConfigError> {
    loop {
        let error = match merged.clone().try_deserialize() {
            Ok(config) => {
                let read = serde_json::to_value(&config).unwrap_or_default();
                return check_numbers("", &merged.cache, &read).map(|()| config);
            }
            Err(error) => error,
        };
        // each turn makes one text of the environment a list, which it stays
        if !split_list(&mut merged, &error)? {
            return Err(wrong(&error, &merged));
        }
    }
}

/// Refuses what `config` makes a number although it is none: `true` would be 1, and 7.9 would be 8.
fn check_numbers(name: &str, given: &Value, read: &serde_json::Value) -> Result<(), ConfigError> {
    match (&given.kind, read) {
        (ValueKind::Table(table), serde_json::Value::Object(members)) => table.iter().try_for_each(|(key, value)| {
            let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
            members.get(key).map_or(Ok(()), |read| check_numbers(&name, value, read))
        }),
        (ValueKind::Array(values), serde_json::Value::Array(members)) => {
            let mut pairs = values.iter().zip(members).enumerate();
            pairs.try_for_each(|(index, (value, read))| check_numbers(&format!("{name}[{index}]"), value, read))
        }
        (ValueKind::Boolean(_) | ValueKind::Float(_) | ValueKind::String(_), serde_json::Value::Number(_)) => {
            let value = given.to_string();
            if value.parse::<i128>().is_ok() {
                return Ok(());
            }
            Err(SettingError::new(name, value, "must be a whole number").into())
        }
        _ => Ok(()),
    }
}

/// Splits the text that `error` is about, if it is from the environment and a list is wanted there.
fn split_list(merged: &mut config::Config, error: &config::ConfigError) -> Result<bool, ConfigError> {
    let Some(key) = key_of(error).filter(|_| error.to_string().contains("expected a sequence")) else {
        return Ok(false);
    };
    let found = key.split('.').try_fold(&mut merged.cache, |value, part| match &mut value.kind {
        ValueKind::Table(table) => table.get_mut(part),
        _ => None,
    });
    let Some(found) = found.filter(|found| environment::is_origin(found.origin())) else { return Ok(false) };
    let ValueKind::String(text) = &found.kind else { return Ok(false) };
    let list = environment::list(text, found.origin()).map_err(|rule| {
        let from = found.origin().unwrap_or_default();
        ConfigError::Value(format!("{key}: {rule} (set by {from}; the value may hold secrets and is not shown)"))
    })?;
    found.kind = ValueKind::Array(list);
    Ok(true)
}

fn key_of(error: &config::ConfigError) -> Option<&str> {
    use config::ConfigError::{At, Type};
    if let At { key: Some(key), .. } | Type { key: Some(key), .. } = error { Some(key) } else { None }
}

/// What is wrong, with the value it is about: not every parser behind serde repeats what it was given.
fn wrong(error: &config::ConfigError, settings: &config::Config) -> ConfigError {
    let message = error.to_string();
    if let Some(unknown) = between(&message, "unknown field `", "`") {
        return ConfigError::Value(with_nearest(&message, unknown));
    }
    let Some(key) = key_of(error) else { return ConfigError::Value(message) };
    let value = settings.get_string(key).ok();
    if value.as_deref().is_some_and(is_secret) || is_secret(&message) {
        return ConfigError::Value(format!("{key}: what stands there looks like a secret, and is none of its values"));
    }
    if message.contains("variant constructor") {
        // `config` does not say which ones there are
        let again = settings.clone().try_deserialize().ok().map(serde_json::from_value::<Config>);
        if let Some(Err(rule)) = again {
            return ConfigError::Value(format!("{rule} for key `{key}`"));
        }
    }
    match value.filter(|value| !message.contains(value)) {
        Some(value) => ConfigError::Value(format!("{message} (it is {value})")),
        None => ConfigError::Value(message),
    }
}

/// The message about an unknown field, with the known one that is nearest, and the variable that set it.
fn with_nearest(message: &str, unknown: &str) -> String {
    // serde lists them behind what it met: each between backticks
    let known = message.split_once(", expected ").map_or("", |(_, known)| known);
    let known = known.split(" for key ").next().unwrap_or_default().split('`').skip(1).step_by(2);
    let near = nearest(unknown, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let from = environment::naming(unknown).map(|variable| format!(" (set by {variable})")).unwrap_or_default();
    format!("{message}{from}{near}")
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
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
    /// The effective settings with their origins, for people: no secret, and no hash of one.
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
