//! From settings to what requests read: issuers, their clients and where each path leads.

use std::collections::{BTreeSet, HashMap};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::{Config, ConfigError, FileClient, FileSecret};
use crate::client::metadata::check_new_client_id;
use crate::client::secret::{Presented, SecretHash, StoredSecret, check_phc, is_generated};
use crate::clock::Time;
use crate::credential::shown_path;
use crate::dialect::{self, Dialect, Dialects};
use crate::extend::Extensions;
use crate::grant::Grant;
use crate::grant::webhook::Webhook;
use crate::hook::{Hook, HookKind};
use crate::issuer::Issuer;
use crate::issuer::{CustomGrant, CustomGrantSettings, IssuerParts, IssuerSettings};
use crate::keys::{IssuerRings, Policy};
use crate::protocol::auth_method::CredentialKind;
use crate::protocol::endpoint::Endpoint;
use crate::protocol::grant_type::GrantType;
use crate::protocol::segment::is_dot_segment;
use crate::registry::{Snapshot, StoredClient, resolve};
use crate::secret_file::{self, SecretFileError};
use crate::vault::Vault;

/// Longest file of public keys or certificates, in bytes.
const MAX_PUBLIC_FILE: u64 = 1024 * 1024;

/// The grants that hooks decide, one for each name: an issuer's own are found when a request comes.
pub fn hooked_grants(snapshot: &Snapshot) -> Vec<Arc<dyn Grant>> {
    let custom = snapshot.issuers.values().flat_map(|issuer| &issuer.custom);
    let names: BTreeSet<&GrantType> = custom.map(|custom| &custom.grant_type).collect();
    names.into_iter().map(|name| Arc::new(Webhook::new(name.clone())) as Arc<dyn Grant>).collect()
}

/// Checks issuers and clients and makes the snapshot of them.
///
/// # Errors
/// The first issuer or client that breaks a rule.
pub fn snapshot(config: &Config, vault: &Vault, extensions: &Extensions) -> Result<Snapshot, ConfigError> {
    let mut snapshot = Snapshot::default();
    extensions.check().map_err(|(what, value, rule)| ConfigError::Rule {
        setting: format!("extensions.{what}"),
        value,
        rule: rule.to_owned(),
    })?;
    let dialects = extensions.all_dialects();
    let known: Vec<GrantType> = extensions.all_grants().iter().map(|grant| grant.grant_type()).collect();
    for (id, settings) in &config.issuers {
        let mut own = settings.clone();
        read_provider_files(id, &mut own)?;
        let dialect = check_names(id, settings, &known, &dialects)?;
        let urls = |endpoint| dialect::urls(dialect, settings, endpoint).into_iter().map(move |url| (endpoint, url));
        let parts = IssuerParts {
            endpoints: Endpoint::ALL.into_iter().flat_map(urls).collect(),
            style: dialect.style(settings),
            certificates: config.public.visibility(),
            user_hook: user_hook(id, settings, config)?,
            custom: custom_grants(id, settings, &known, config)?,
            methods: extensions.all_methods(),
        };
        let issuer = Arc::new(Issuer::new(id, own, parts)?);
        add_routes(&mut snapshot, &issuer, dialect)?;
        snapshot.issuers.insert(id.clone(), issuer);
    }
    for client in &config.clients {
        add_client(&mut snapshot, client, vault)?;
    }
    Ok(snapshot)
}

/// The key rings that the issuers need.
pub fn rings(snapshot: &Snapshot) -> Vec<IssuerRings> {
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

/// The webhook that checks passwords of the issuer, if it has one.
fn user_hook(id: &str, settings: &IssuerSettings, config: &Config) -> Result<Option<Arc<Hook>>, ConfigError> {
    let Some(hook) = &settings.users.hook else { return Ok(None) };
    let place = format!("issuers.{id}.users.hook");
    if hook.timeout >= config.tokens.deadline {
        let rule = "must be shorter than tokens.deadline".to_owned();
        let (setting, value) = (format!("{place}.timeout"), format!("{:?}", hook.timeout));
        return Err(ConfigError::Rule { setting, value, rule });
    }
    super::hook(HookKind::Password, hook, &place).map(Some)
}

/// Puts what the files of federated providers hold in the place of their names.
fn read_provider_files(id: &str, settings: &mut IssuerSettings) -> Result<(), ConfigError> {
    for provider in &mut settings.federated_providers {
        let name = provider.name().to_owned();
        let wrong =
            |rule| ConfigError::Rule { setting: format!("issuers.{id}.federated_providers"), value: name, rule };
        provider.read_files(public_file).map_err(wrong)?;
    }
    Ok(())
}

/// A file of public keys or certificates, at most [`MAX_PUBLIC_FILE`].
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
) -> Result<Vec<CustomGrant>, ConfigError> {
    let custom = |(index, grant): (usize, &CustomGrantSettings)| {
        let place = format!("issuers.{id}.custom_grants[{index}]");
        let wrong = |setting: &str, value: String, rule: &str| {
            Err(ConfigError::Rule { setting: format!("{place}.{setting}"), value, rule: rule.to_owned() })
        };
        if known.contains(&grant.grant_type) {
            return wrong("grant_type", grant.grant_type.to_string(), "jeton has a grant of this name; choose another");
        }
        if grant.hook.timeout >= config.tokens.deadline {
            let value = format!("{:?}", grant.hook.timeout);
            return wrong("hook.timeout", value, "must be shorter than tokens.deadline");
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
) -> Result<&'static dyn Dialect, ConfigError> {
    let rule = |setting: &str, value: &str, known: &str| {
        Err(ConfigError::Rule {
            setting: format!("issuers.{id}.{setting}"),
            value: value.to_owned(),
            rule: format!("must be one of {known}"),
        })
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

fn add_routes(snapshot: &mut Snapshot, issuer: &Arc<Issuer>, dialect: &dyn Dialect) -> Result<(), ConfigError> {
    for (endpoint, path) in Endpoint::ALL.into_iter().filter(|endpoint| issuer.offers(*endpoint)).flat_map(|endpoint| {
        dialect::full_paths(dialect, &issuer.settings, endpoint).into_iter().map(move |path| (endpoint, path))
    }) {
        if let Some(other) = snapshot.routes.insert(path.clone(), issuer.clone(), endpoint) {
            return Err(ConfigError::Rule {
                setting: format!("issuers.{}.url", issuer.id),
                value: issuer.url.clone(),
                rule: format!("issuer {} answers at {path} already; give one of them another path", other.issuer.id),
            });
        }
    }
    Ok(())
}

fn add_client(snapshot: &mut Snapshot, client: &FileClient, vault: &Vault) -> Result<(), ConfigError> {
    let wrong =
        |rule: String| ConfigError::Client { issuer: client.issuer.clone(), client: client.client_id.clone(), rule };
    let issuer = snapshot.issuers.get(&client.issuer).ok_or_else(|| wrong("there is no such issuer".to_owned()))?;
    let method = issuer.method(client.metadata.token_endpoint_auth_method);
    let for_hmac = method.is_some_and(|method| method.credential == CredentialKind::HmacSecret);
    let stored = |(index, secret)| stored(index, secret, client, for_hmac, vault);
    let secrets: Result<Vec<StoredSecret>, String> = client.secrets.iter().enumerate().map(stored).collect();
    check_new_client_id(&client.client_id).map_err(|error| wrong(error.to_string()))?;
    client.metadata.check_written().map_err(|error| wrong(error.to_string()))?;
    let body = StoredClient { metadata: client.metadata.clone(), secrets: secrets.map_err(wrong)? };
    let resolved = resolve(body, &client.client_id, 0, issuer).map_err(|error| wrong(error.to_string()))?;
    let clients: &mut HashMap<_, _> = snapshot.clients.entry(client.issuer.clone()).or_default();
    if clients.insert(client.client_id.clone(), Arc::new(resolved)).is_some() {
        return Err(wrong("it is listed twice".to_owned()));
    }
    Ok(())
}

fn stored(
    index: usize,
    secret: &FileSecret,
    client: &FileClient,
    for_hmac: bool,
    vault: &Vault,
) -> Result<StoredSecret, String> {
    let (hash, sealed) = match secret {
        FileSecret::Argon2(phc) => {
            check_phc(phc).map_err(|rule| format!("secrets[{index}].argon2: {rule}"))?;
            if for_hmac {
                return Err(format!(
                    "secrets[{index}].argon2: client_secret_jwt needs the secret itself; name its file"
                ));
            }
            (SecretHash::Argon2(phc.clone()), None)
        }
        FileSecret::File(path) => {
            let text = secret_line(path, "`jeton client create` prints a secret to put there")?;
            if !is_generated(&text) {
                let rule = "must hold a secret that jeton generated (jcs_...); for any other, give its argon2 hash";
                return Err(format!("secrets[{index}].file: {} {rule}", shown_path(path)));
            }
            let presented = Presented { vault, issuer: &client.issuer, client: &client.client_id, secret: &text };
            let hash = presented.keyed().ok_or_else(|| format!("secrets[{index}].file: cannot be hashed"))?;
            (hash, for_hmac.then(|| presented.seal()))
        }
    };
    Ok(StoredSecret { secret_id: format!("file-{index}"), hash, sealed, created_at: Time::ZERO, expires_at: None })
}

/// The secret in a file that holds one; `advice` says where such a file comes from, for when it is not there.
///
/// # Errors
/// Why it cannot be used and what to do.
pub fn secret_line(path: &Path, advice: &str) -> Result<zeroize::Zeroizing<String>, String> {
    secret_file::read_line(path).map_err(|error| match &error {
        SecretFileError::Unreadable { .. } => format!("{error}; {advice}"),
        SecretFileError::Exposed { .. } | SecretFileError::Content { .. } => error.to_string(),
    })
}
