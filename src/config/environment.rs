//! The environment as a source of settings: `JETON__STORE__PATH` sets `store.path`. Every value is text until the type of
//! its setting reads it: `007` is a path, a number or a duration by where it stands, and never changed on the way.

use std::collections::BTreeMap;

use config::{ConfigError, Map, Source, Value, ValueKind};

use super::Config;
use super::nearest::nearest;
use crate::issuer::IssuerSettings;

/// Prefix of every variable of jeton.
const OURS: &str = "JETON_";
/// Separator of the parts of a setting; also stands before the first.
const SEPARATOR: &str = "__";
/// Variables that commands read besides settings.
const OF_COMMANDS: [&str; 5] =
    ["JETON_CONFIG", "JETON_ADMIN_URL", "JETON_ADMIN_TOKEN", "JETON_ADMIN_TOKEN_FILE", "JETON_ISSUER"];

/// The settings in the environment of this process.
#[derive(Clone, Debug)]
pub(super) struct EnvironmentSource;

impl Source for EnvironmentSource {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let mut found = Map::new();
        for (variable, value) in std::env::vars_os() {
            let Some(setting) = variable.to_str().and_then(setting) else { continue };
            let variable = variable.to_string_lossy();
            // the value may be a secret that was put into the wrong variable
            let value =
                value.into_string().map_err(|_| ConfigError::Message(format!("{variable} is no UTF-8 text")))?;
            let origin = format!("the environment ({variable})");
            found.insert(setting, Value::new(Some(&origin), ValueKind::String(value)));
        }
        Ok(found)
    }
}

/// Returns the setting that a variable sets.
fn setting(variable: &str) -> Option<String> {
    let path = variable.strip_prefix(OURS)?.strip_prefix('_')?;
    Some(path.to_ascii_lowercase().replace(SEPARATOR, "."))
}

/// Returns the variable that sets `setting`.
pub(super) fn variable(setting: &str) -> String {
    format!("{OURS}_{}", setting.to_ascii_uppercase().replace('.', SEPARATOR))
}

/// Returns the variable in the environment that has `part` as a part of its setting.
pub(super) fn naming(part: &str) -> Option<String> {
    let named = |variable: &String| setting(variable).is_some_and(|path| path.split('.').any(|own| own == part));
    std::env::vars_os().filter_map(|(variable, _)| variable.into_string().ok()).find(named)
}

/// Returns whether `origin` is the environment, so that a value from there is text.
pub(super) fn is_origin(origin: Option<&str>) -> bool {
    origin.is_some_and(|origin| origin.starts_with("the environment ("))
}

/// Splits `text` into a list: a JSON array, or parts between commas.
///
/// # Errors
/// If it begins as JSON and is no array. Nothing of the text is in the message: it may hold the hash of a secret.
pub(super) fn list(text: &str, origin: Option<&str>) -> Result<Vec<Value>, String> {
    if text.trim_start().starts_with('{') {
        return Err("a list of tables is JSON between [ and ]".to_owned());
    }
    if !text.trim_start().starts_with('[') {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let origin = origin.map(str::to_owned);
        return Ok(parts.map(|part| Value::new(origin.as_ref(), ValueKind::String(part.to_owned()))).collect());
    }
    let json: Vec<serde_json::Value> =
        serde_json::from_str(text).map_err(|error| format!("a list that begins with [ must be JSON: {error}"))?;
    Ok(json.into_iter().map(|value| from_json(value, origin)).collect())
}

fn from_json(value: serde_json::Value, origin: Option<&str>) -> Value {
    let kind = match value {
        serde_json::Value::Null => ValueKind::Nil,
        serde_json::Value::Bool(value) => ValueKind::Boolean(value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => ValueKind::I64(number),
            (None, Some(number)) => ValueKind::U64(number),
            (None, None) => ValueKind::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => ValueKind::String(text),
        serde_json::Value::Array(values) => {
            ValueKind::Array(values.into_iter().map(|value| from_json(value, origin)).collect())
        }
        serde_json::Value::Object(members) => {
            ValueKind::Table(members.into_iter().map(|(name, value)| (name, from_json(value, origin))).collect())
        }
    };
    Value::new(origin.map(str::to_owned).as_ref(), kind)
}

/// Checks that every variable that begins with `JETON_` is one that jeton reads; those that Kubernetes makes for a Service
/// named `jeton` are passed over.
///
/// # Errors
/// The first that is not, with the nearest one that is.
pub(crate) fn check_environment() -> Result<(), String> {
    let mut unknown: Vec<String> = Vec::new();
    for (variable, value) in std::env::vars_os() {
        let (Some(variable), value) = (variable.to_str(), value.to_string_lossy()) else { continue };
        let Some(rest) = variable.strip_prefix(OURS).filter(|rest| !rest.starts_with('_')) else { continue };
        if !OF_COMMANDS.contains(&variable) && !is_of_service(rest, &value) {
            unknown.push(variable.to_owned());
        }
    }
    unknown.sort();
    let Some(variable) = unknown.first() else { return Ok(()) };
    let known = known_variables(variable);
    // `__` and `_` look the same to who types them
    let plain: BTreeMap<String, &String> = known.iter().map(|name| (name.replace(SEPARATOR, "_"), name)).collect();
    let typed = variable.replace(SEPARATOR, "_");
    let near = nearest(&typed, plain.keys().map(String::as_str)).and_then(|near| plain.get(near));
    let near = near.map_or_else(|| ".".to_owned(), |near| format!("; did you mean `{near}`?"));
    Err(format!(
        "the environment has {variable}, which jeton does not know{near} Settings are named like {}",
        self::variable("store.path")
    ))
}

/// Returns the variables that commands read and those of the settings that have a default, including the settings of
/// the issuer that `variable` may mean.
fn known_variables(variable: &str) -> Vec<String> {
    let mut config = serde_json::to_value(Config::default()).unwrap_or_default();
    let issuer = variable.strip_prefix("JETON_ISSUERS_").and_then(|rest| rest.split('_').find(|part| !part.is_empty()));
    if let Some(issuer) = issuer {
        let settings = serde_json::to_value(IssuerSettings::default()).unwrap_or_default();
        config["issuers"] = serde_json::json!({ issuer.to_ascii_lowercase(): settings });
    }
    let mut found: Vec<String> = OF_COMMANDS.map(str::to_owned).to_vec();
    flatten("", &config, &mut found);
    found
}

fn flatten(path: &str, value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&path, value, found);
            }
        }
        _ => found.push(variable(path)),
    }
}

/// Returns whether `name`, without `JETON_`, is a variable that Kubernetes sets in every pod beside a Service named
/// `jeton` or `jeton-...`.
fn is_of_service(name: &str, value: &str) -> bool {
    let parts: Vec<&str> = name.split('_').collect();
    // the name of the Service may have the words of the shape in it
    (0..parts.len()).any(|at| is_shape_of_service(&parts[at..], value.contains("://")))
}

fn is_shape_of_service(parts: &[&str], is_address: bool) -> bool {
    match parts {
        ["SERVICE", "HOST"] | ["SERVICE", "PORT", ..] => true,
        ["PORT"] => is_address,
        ["PORT", number, "TCP" | "UDP" | "SCTP", rest @ ..] => {
            number.bytes().all(|byte| byte.is_ascii_digit())
                && match rest {
                    [] => is_address,
                    ["ADDR" | "PORT" | "PROTO"] => true,
                    _ => false,
                }
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_services_are_known_by_shape() {
        for (name, value) in [
            ("SERVICE_HOST", "10.0.0.1"),
            ("SERVICE_PORT_HTTP", "80"),
            ("PORT", "tcp://10.0.0.1:80"),
            ("PORT_80_TCP_ADDR", "10.0.0.1"),
            ("ADMIN_SERVICE_PORT", "80"),
            ("ADMIN_PORT_80_UDP", "udp://10.0.0.1:80"),
            ("SERVICE_SERVICE_HOST", "10.0.0.1"),
            ("SERVICE_PORT_80_TCP_ADDR", "10.0.0.1"),
            ("PORT_SERVICE_PORT_HTTP", "80"),
            ("PORT_PORT", "tcp://10.0.0.1:80"),
        ] {
            assert!(is_of_service(name, value), "{name}");
        }
        for (name, value) in
            [("PORT", "8080"), ("ADMIN_PORT", "9080"), ("PORT_X_TCP", "tcp://x"), ("STORE_PATH", "x"), ("HOST", "x")]
        {
            assert!(!is_of_service(name, value), "{name}");
        }
    }
}
