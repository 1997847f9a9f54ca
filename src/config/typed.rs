//! Reading merged settings by their types, and wording what a type refuses.

use config::{Value, ValueKind};

use super::environment;
use super::nearest::nearest;
use super::{Config, ConfigError};
use crate::credential::is_secret;
use crate::setting::SettingError;

/// Reads the settings by their types. What the environment says is text, until one of them is found to be a list.
pub(super) fn typed(mut merged: config::Config) -> Result<Config, ConfigError> {
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

/// Words the error with the value that it is about: not every parser behind serde repeats the value.
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

/// Returns the message about an unknown field, with the known one that is nearest, and the variable that set it.
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
