//! Integration tests, one binary: a module per RFC, checklist section or experiment. Requests are raw bytes over a
//! socket; the server is the real one, with its clock in the test's hand.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed, which is what it is for")]

mod admin;
mod bad_input;
mod cli;
mod cluster;
mod config;
mod cores;
mod crash;
mod custom_grants;
mod dialects;
mod double_spend;
mod engine;
mod extend;
mod federated;
mod jwks_uri;
mod layers;
mod opaque;
mod papers;
mod password;
mod postgres;
mod prometheus;
mod real_clients;
mod rfc6749_client_auth;
mod rfc6749_client_credentials;
mod rfc6749_code;
mod rfc6749_token;
mod rfc7009;
mod rfc7523;
mod rfc7523_grant;
mod rfc7662;
mod rfc8252;
mod rfc8414;
mod rfc8628;
mod rfc8693;
mod rfc8705;
mod rfc8707;
mod rfc9068;
mod rfc9112;
mod rfc9113;
mod rfc9700_refresh;
mod secrets;
mod shutdown;
mod support;
mod timing;
mod users;
mod wycheproof;
