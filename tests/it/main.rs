//! Integration tests, one binary: a module per RFC, checklist section or experiment. Requests are raw bytes over a
//! socket; the server is the real one, with its clock in the test's hand.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed, which is what it is for")]

mod config;
mod layers;
mod rfc6749_client_credentials;
mod support;
