//! The paths and URLs of an issuer's endpoints, by its dialect.

use super::Dialect;
use crate::issuer::IssuerSettings;
use crate::protocol::endpoint::{Endpoint, Path};
use crate::registry::route::ANY_CLIENT;

/// The prefix of metadata paths (RFC 8615).
const WELL_KNOWN: &str = "/.well-known/";

/// Every path of an endpoint of an issuer, the canonical one first. RFC 8414 section 3.1 puts its well-known part
/// *before* the issuer's path; OpenID Connect Discovery section 4 puts its own behind it. Clients mix the two up, so each
/// document is at both places.
pub fn full_paths(dialect: &dyn Dialect, issuer: &IssuerSettings, endpoint: Endpoint) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for path in dialect.paths(endpoint) {
        let (Path::Below(own) | Path::AtRoot(own)) = path;
        let Some(own) = filled(own, issuer) else { continue };
        let (before, behind) = (format!("{own}{}", issuer.path()), format!("{}{own}", issuer.path()));
        let places = match (path, endpoint) {
            (Path::AtRoot(_), _) => vec![own],
            (Path::Below(_), Endpoint::AuthorizationServerMetadata) => vec![before, behind],
            (Path::Below(_), Endpoint::OpenIdConfiguration) if own.starts_with(WELL_KNOWN) => vec![behind, before],
            (Path::Below(_), _) => vec![behind],
        };
        for place in places {
            if !paths.contains(&place) {
                paths.push(place);
            }
        }
    }
    paths
}

/// Every URL of an endpoint of `issuer`, the one that discovery names first; none that names a client.
pub(crate) fn urls(dialect: &dyn Dialect, issuer: &IssuerSettings, endpoint: Endpoint) -> Vec<String> {
    let host = issuer.url.strip_suffix(issuer.path()).unwrap_or(&issuer.url);
    let common = full_paths(dialect, issuer, endpoint).into_iter().filter(|path| !path.contains(ANY_CLIENT));
    common.map(|path| format!("{host}{path}")).collect()
}

/// The path with the values of the issuer's `vendor` table; `None` if one is missing.
fn filled(path: &str, issuer: &IssuerSettings) -> Option<String> {
    let mut parts = path.split('{');
    let mut full = parts.next()?.to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}')?;
        full.push_str(if name == "client_id" { ANY_CLIENT } else { issuer.vendor.get(name)? });
        full.push_str(rest);
    }
    Some(full)
}
