//! The grants that come with jeton: a new one is a file beside this one and a line here.

use std::sync::Arc;

use super::Grant;
use super::authorization_code::AuthorizationCode;
use super::client_credentials::ClientCredentials;
use super::device_code::DeviceCodeGrant;
use super::jwt_bearer::JwtBearer;
use super::password::Password;
use super::refresh_token::RefreshTokenGrant;
use super::token_exchange::TokenExchange;

/// The built-in grants, one value each.
pub fn built_in() -> Vec<Arc<dyn Grant>> {
    vec![
        Arc::new(AuthorizationCode),
        Arc::new(ClientCredentials),
        Arc::new(RefreshTokenGrant),
        Arc::new(DeviceCodeGrant::default()),
        Arc::new(TokenExchange),
        Arc::new(JwtBearer),
        Arc::new(Password),
    ]
}
