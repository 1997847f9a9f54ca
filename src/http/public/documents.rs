//! The documents of an issuer: its keys (RFC 7517 section 5) and its metadata (RFC 8414 section 3). Public, cacheable,
//! with an ETag.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, PRAGMA};

use super::responder::{Refusal, Responder};
use crate::http::{Request, Response, respond};
use crate::issuer::Issuer;
use crate::protocol::auth_method::CredentialKind;
use crate::protocol::endpoint::Endpoint;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::metadata::ServerMetadata;
use crate::service::Service;

/// `max-age` of metadata, in seconds.
const METADATA_MAX_AGE: u64 = 3600;

const NOT_READY: OAuthError = OAuthError::new(ErrorCode::TemporarilyUnavailable, "the keys are not ready; try again");

pub(super) async fn jwks(service: &Service, responder: &Responder<'_>, request: &Request) -> Result<Response, Refusal> {
    let keys = service.context.keys.whole(&responder.issuer.id).await.ok_or(NOT_READY)?;
    let jwks = keys.jwks();
    let theirs = responder.dialect.keys(responder.path, &jwks.body);
    let body = theirs.map_or_else(|| jwks.body.clone(), Bytes::from);
    Ok(document(body, &jwks.etag, jwks.max_age.as_secs(), &request.headers))
}

pub(super) fn metadata(service: &Service, responder: &Responder<'_>, request: &Request) -> Response {
    let issuer = responder.issuer;
    let (body, etag) = issuer.document.get_or_init(|| {
        let body = describe(service, issuer);
        let hash = digest::digest(&digest::SHA256, &body);
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]));
        (body.into(), etag)
    });
    document(body.clone(), etag, METADATA_MAX_AGE, &request.headers)
}

/// The metadata document, made from what the issuer and the running service really offer.
fn describe(service: &Service, issuer: &Issuer) -> Vec<u8> {
    let at = |endpoint| issuer.endpoint_url(endpoint);
    let own = issuer.parts.endpoints.iter().filter_map(|(endpoint, _)| match endpoint {
        Endpoint::OfGrant(own) => Some((own.metadata, at(*endpoint))),
        _ => None,
    });
    let methods: Vec<&str> = issuer.offered_methods().map(|method| method.name).collect();
    let confidential = issuer.offered_methods().filter(|method| method.credential != CredentialKind::None);
    let confidential = confidential.map(|method| method.name).collect();
    let mut signed_by: Vec<&'static str> = Vec::new();
    for name in issuer.offered_methods().flat_map(|method| method.algorithms).flat_map(|scheme| scheme.names()) {
        if !signed_by.contains(name) {
            signed_by.push(name);
        }
    }
    let offered = issuer.settings.grant_types.iter().map(|grant| grant.as_str());
    let document = ServerMetadata {
        issuer: &issuer.url,
        authorization_endpoint: &issuer.settings.authorization_endpoint,
        token_endpoint: at(Endpoint::Token),
        jwks_uri: at(Endpoint::Jwks),
        introspection_endpoint: at(Endpoint::Introspection),
        revocation_endpoint: at(Endpoint::Revocation),
        grant_endpoints: own.collect(),
        scopes_supported: issuer.settings.scopes.tokens().collect(),
        response_types_supported: &["code"],
        response_modes_supported: &["query"],
        grant_types_supported: offered.filter(|grant| service.router.knows(grant)).collect(),
        subject_types_supported: &["public"],
        id_token_signing_alg_values_supported: issuer.settings.algorithms.iter().map(|alg| alg.name()).collect(),
        token_endpoint_auth_methods_supported: methods.clone(),
        token_endpoint_auth_signing_alg_values_supported: signed_by.clone(),
        introspection_endpoint_auth_methods_supported: confidential,
        introspection_endpoint_auth_signing_alg_values_supported: signed_by.clone(),
        revocation_endpoint_auth_methods_supported: methods,
        revocation_endpoint_auth_signing_alg_values_supported: signed_by,
        tls_client_certificate_bound_access_tokens: issuer.parts.certificates.are_seen(),
        code_challenge_methods_supported: &["S256"],
        claims_supported: &["iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash"],
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        further: &issuer.settings.metadata,
    };
    // strings and booleans always serialise
    serde_json::to_vec(&document).unwrap_or_default()
}

fn document(body: Bytes, etag: &str, max_age: u64, headers: &HeaderMap) -> Response {
    let same = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).is_some_and(|asked| {
        asked.split(',').any(|one| matches!(one.trim(), "*") || one.trim().trim_start_matches("W/") == etag)
    });
    let mut response = if same { respond::json(304, "") } else { respond::json(200, body) };
    let cache = HeaderValue::from_str(&format!("public, max-age={max_age}"));
    let headers = response.headers_mut();
    headers.remove(PRAGMA);
    if let (Ok(cache), Ok(etag)) = (cache, HeaderValue::from_str(etag)) {
        headers.insert(CACHE_CONTROL, cache);
        headers.insert(ETAG, etag);
    }
    response
}
