//! The client authentication methods that are built in, one file each.

mod client_secret_basic;
mod client_secret_jwt;
mod client_secret_post;
mod id_token_bearer;
mod none;
mod pkcs7_bearer;
mod private_key_jwt;
mod self_signed_tls_client_auth;
mod tls_client_auth;
mod x509_jwt_bearer;

use super::method::Method;
use crate::protocol::auth_method::AuthMethod;

/// Every method that is built in, in the order of discovery.
pub(super) const METHODS: &[&dyn Method] = &[
    &none::NoCredential,
    &client_secret_basic::ClientSecretBasic,
    &client_secret_post::ClientSecretPost,
    &private_key_jwt::PrivateKeyJwt,
    &client_secret_jwt::ClientSecretJwt,
    &id_token_bearer::IdTokenBearer,
    &x509_jwt_bearer::X509JwtBearer,
    &pkcs7_bearer::Pkcs7Bearer,
    &tls_client_auth::TlsClientAuth,
    &self_signed_tls_client_auth::SelfSignedTlsClientAuth,
];

/// Returns what every built-in method declares.
pub fn built_in() -> Vec<AuthMethod> {
    METHODS.iter().map(|method| method.method()).collect()
}
