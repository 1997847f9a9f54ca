//! From settings to what requests read: issuers, their clients and where each path leads.

use std::collections::{BTreeSet, HashMap};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::{Config, ConfigError, FileClient};
use crate::credential::shown_path;
use crate::dialect::{self, Dialect, Dialects};
use crate::extend::Extensions;
use crate::grant::Grant;
use crate::grant::webhook::Webhook;
use crate::hook::{Hook, HookKind};
use crate::issuer::Issuer;
use crate::issuer::{CustomGrant, CustomGrantSettings, IssuerParts, IssuerSettings};
use crate::keys::{IssuerRings, Policy};
use crate::limit::node_count::NodeCount;
use crate::protocol::endpoint::{Endpoint, GrantEndpoint};
use crate::protocol::grant_type::GrantType;
use crate::protocol::segment::is_dot_segment;
use crate::registry::Snapshot;
use crate::secret_file;
use crate::setting::SettingError;
use crate::vault::Vault;

/// Longest file of public keys or certificates, in bytes.
const MAX_PUBLIC_FILE: u64 = 1024 * 1024;
/// The rule of a member of the metadata.
const STATED_ITSELF: &str = "jeton states this member itself";
/// The rule of every hook that a request waits for.
const BELOW_DEADLINE: &str = "must be shorter than tokens.deadline";

/// Returns the grants that hooks decide, one for each name, on one of `nodes`; the hook of an issuer is found when a request comes.
pub(crate) fn hooked_grants(snapshot: &Snapshot, nodes: &NodeCount) -> Vec<Arc<dyn Grant>> {
    let custom = snapshot.issuers.values().flat_map(|issuer| &issuer.parts.custom);
    let names: BTreeSet<&GrantType> = custom.map(|custom| &custom.grant_type).collect();
    names.into_iter().map(|name| Arc::new(Webhook::new(name.clone(), nodes)) as Arc<dyn Grant>).collect()
}

/// Checks issuers and clients, and makes a snapshot of them.
///
/// # Errors
/// The first issuer or client that breaks a rule.
pub fn snapshot(config: &Config, vault: &Vault, extensions: &Extensions) -> Result<Snapshot, ConfigError> {
    let mut snapshot = Snapshot::default();
    let checked = extensions.check();
    checked.map_err(|(setting, value, rule)| SettingError::new(setting, value, rule).within("extensions"))?;
    let dialects = extensions.all_dialects();
    let grants = extensions.all_grants();
    let known: Vec<GrantType> = grants.iter().map(|grant| grant.grant_type()).collect();
    for (id, settings) in &config.issuers {
        let mut own = settings.clone();
        read_provider_files(id, &mut own)?;
        let dialect = check_names(id, settings, &known, &dialects)?;
        let offered = offered_endpoints(id, settings, &grants)?;
        let urls = |endpoint| dialect::urls(dialect, settings, endpoint).into_iter().map(move |url| (endpoint, url));
        let parts = IssuerParts {
            endpoints: offered.iter().copied().flat_map(urls).collect(),
            style: dialect.style(settings),
            certificates: config.public.visibility(),
            user_hook: user_hook(id, settings, config)?,
            custom: custom_grants(id, settings, &known, config)?,
            methods: extensions.all_methods(),
        };
        let issuer = Arc::new(Issuer::new(id, own, parts)?);
        add_routes(&mut snapshot, &issuer, dialect, &offered)?;
        snapshot.issuers.insert(id.clone(), issuer);
    }
    for client in &config.clients {
        add_client(&mut snapshot, client, vault)?;
    }
    Ok(snapshot)
}

/// Returns the key rings that the issuers need.
pub(crate) fn rings(snapshot: &Snapshot) -> Vec<IssuerRings> {
    let rings = |issuer: &Arc<Issuer>| IssuerRings {
        issuer: issuer.id.clone(),
        algorithms: issuer.settings.algorithms.clone(),
        policy: Policy {
            period: issuer.settings.key_period,
            announce: issuer.settings.key_announce,
            longest_token: issuer.settings.longest_access_token,
        },
    };
    snapshot.issuers.values().map(rings).collect()
}

/// Makes the webhook that checks passwords of the issuer, if it has one.
fn user_hook(id: &str, settings: &IssuerSettings, config: &Config) -> Result<Option<Arc<Hook>>, SettingError> {
    let Some(hook) = &settings.users.hook else { return Ok(None) };
    let place = format!("issuers.{id}.users.hook");
    if hook.timeout >= config.tokens.deadline {
        return Err(SettingError::new("timeout", format!("{:?}", hook.timeout), BELOW_DEADLINE).within(&place));
    }
    super::hook(HookKind::Password, hook, &place).map(Some)
}

/// Replaces the names of federated providers' files by their content.
fn read_provider_files(id: &str, settings: &mut IssuerSettings) -> Result<(), SettingError> {
    for provider in &mut settings.federated_providers {
        let name = provider.name().to_owned();
        let wrong = |rule: String| SettingError::new(format!("issuers.{id}.federated_providers"), name, rule);
        provider.read_files(public_file).map_err(wrong)?;
    }
    Ok(())
}

/// Reads a file of public keys or certificates, at most [`MAX_PUBLIC_FILE`] bytes long.
fn public_file(path: &Path) -> Result<String, String> {
    let shown = shown_path(path);
    let unreadable = |error: std::io::Error| format!("cannot read {shown}: {error}");
    let file = secret_file::open(path).map_err(unreadable)?;
    let mut text = String::new();
    file.take(MAX_PUBLIC_FILE + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_PUBLIC_FILE {
        return Err(format!("{shown} has more than {MAX_PUBLIC_FILE} bytes"));
    }
    Ok(text)
}

fn custom_grants(
    id: &str,
    settings: &IssuerSettings,
    known: &[GrantType],
    config: &Config,
) -> Result<Vec<CustomGrant>, SettingError> {
    let custom = |(index, grant): (usize, &CustomGrantSettings)| {
        let place = format!("issuers.{id}.custom_grants[{index}]");
        let wrong = |setting: &str, value: String, rule: &'static str| {
            Err(SettingError::new(setting, value, rule).within(&place))
        };
        if known.contains(&grant.grant_type) {
            return wrong("grant_type", grant.grant_type.to_string(), "jeton has a grant of this name; choose another");
        }
        if grant.hook.timeout >= config.tokens.deadline {
            let value = format!("{:?}", grant.hook.timeout);
            return wrong("hook.timeout", value, BELOW_DEADLINE);
        }
        let hook = super::hook(HookKind::Grant, &grant.hook, &format!("{place}.hook"))?;
        Ok(CustomGrant { grant_type: grant.grant_type.clone(), parameters: grant.parameters.clone(), hook })
    };
    settings.custom_grants.iter().enumerate().map(custom).collect()
}

fn check_names(
    id: &str,
    settings: &IssuerSettings,
    known: &[GrantType],
    dialects: &Dialects,
) -> Result<&'static dyn Dialect, SettingError> {
    let rule = |setting: &str, value: &str, known: &str| {
        Err(SettingError::new(format!("issuers.{id}.{setting}"), value, format!("must be one of {known}")))
    };
    let Some(dialect) = dialects.by_name(&settings.dialect) else {
        let known: Vec<&str> = dialects.iter().map(|dialect| dialect.name()).collect();
        return rule("dialect", &settings.dialect, &known.join(", "));
    };
    for (name, value) in &settings.vendor {
        if !dialect.settings().contains(&name.as_str()) {
            return rule(
                "vendor",
                name,
                &format!("the names that {} knows: {}", dialect.name(), dialect.settings().join(", ")),
            );
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if value.is_empty() || value.len() > 128 || !value.bytes().all(plain) || is_dot_segment(value) {
            return rule("vendor", value, "1 to 128 letters, digits, -, _ and ., and not a dot or two alone");
        }
    }
    let custom = |grant: &GrantType| settings.custom_grants.iter().any(|custom| custom.grant_type == *grant);
    match settings.grant_types.iter().find(|grant| !known.contains(grant) && !custom(grant)) {
        Some(unknown) => {
            let known: Vec<&str> = known.iter().map(GrantType::as_str).collect();
            rule("grant_types", unknown.as_str(), &format!("{}, or of custom_grants", known.join(", ")))
        }
        None => Ok(dialect),
    }
}

/// Returns the endpoints of an issuer: the common ones and those of the grants it offers.
fn offered_endpoints(
    id: &str,
    settings: &IssuerSettings,
    grants: &[Arc<dyn Grant>],
) -> Result<Vec<Endpoint>, SettingError> {
    let offered = grants.iter().filter(|grant| settings.grant_types.contains(&grant.grant_type()));
    let own: Vec<GrantEndpoint> = offered.filter_map(|grant| grant.endpoint()).collect();
    match own.iter().find(|own| settings.metadata.contains_key(own.metadata)) {
        Some(own) => Err(SettingError::new(format!("issuers.{id}.metadata"), own.metadata, STATED_ITSELF)),
        None => Ok(Endpoint::COMMON.into_iter().chain(own.into_iter().map(Endpoint::OfGrant)).collect()),
    }
}

fn add_routes(
    snapshot: &mut Snapshot,
    issuer: &Arc<Issuer>,
    dialect: &dyn Dialect,
    offered: &[Endpoint],
) -> Result<(), SettingError> {
    for (endpoint, path) in offered.iter().flat_map(|endpoint| {
        dialect::full_paths(dialect, &issuer.settings, *endpoint).into_iter().map(move |path| (*endpoint, path))
    }) {
        if let Some(other) = snapshot.routes.insert(path.clone(), issuer.clone(), endpoint) {
            let rule = format!("issuer {} answers at {path} already; give one of them another path", other.issuer.id);
            return Err(SettingError::new(format!("issuers.{}.url", issuer.id), &issuer.url, rule));
        }
    }
    Ok(())
}

fn add_client(snapshot: &mut Snapshot, client: &FileClient, vault: &Vault) -> Result<(), ConfigError> {
    let wrong =
        |rule: String| ConfigError::Client { issuer: client.issuer.clone(), client: client.client_id.clone(), rule };
    let issuer = snapshot.issuers.get(&client.issuer).ok_or_else(|| wrong("there is no such issuer".to_owned()))?;
    let resolved = client.resolved(issuer, vault).map_err(wrong)?;
    let clients: &mut HashMap<_, _> = snapshot.clients.entry(client.issuer.clone()).or_default();
    if clients.insert(client.client_id.clone(), Arc::new(resolved)).is_some() {
        return Err(wrong("it is listed twice".to_owned()));
    }
    Ok(())
}
