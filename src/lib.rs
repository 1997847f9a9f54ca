//! jeton, an OAuth 2.0 / OpenID Connect token service.
//!
//! A program that embeds it starts a [`Daemon`] with [`prepare`] and adds grants, client authentication methods, dialects or
//! an engine through its [`Extensions`]: what these are written with is in [`extend`] and [`store`].
//!
//! # Inside
//!
//! Read the modules in this order; each one imports only modules above it (`tests/it/layers` checks that).
//!
//! | module | what it is |
//! | --- | --- |
//! | [`clock`], [`id`] | time and randomness, the only places that read either |
//! | [`cause`] | an error with its causes, in one line |
//! | [`credential`] | how credentials begin, so that none is repeated in a message |
//! | [`setting`] | a setting that breaks its rule |
//! | [`strict_json`] | JSON whose objects name no member twice |
//! | [`secret_file`] | files that hold secrets: who may read them, what a line may be |
//! | [`metrics`], [`ask`] | what operators scrape; how one actor asks another |
//! | [`jose`] | JWK, JWS: names, thumbprints, assembly, verification |
//! | [`protocol`] | wire types of the RFCs: no I/O, no clock |
//! | [`x509`] | client certificates: reading, names, chains |
//! | [`cms`] | documents that somebody signed (PKCS#7) |
//! | [`vault`] | the master key ring and everything derived from it |
//! | [`limit`] | limits on how often somebody may do something, in bounded memory |
//! | [`slow_hash`] | argon2id: its cost, the fair queue for it and the threads that compute it |
//! | [`hook`] | services of the operator's that are asked, and what keeps a failing one from harm |
//! | [`state`] | the state behind codes and tokens: typed operations and their transitions, pure |
//! | [`token`] | codes, refresh and access tokens on the wire |
//! | [`store`] | engines of rows, documents and keys, and the actors that queue for them |
//! | [`keys`] | signing keys: ring, signers, rotation actor |
//! | [`jwks`] | public keys of other parties: read, kept and fetched |
//! | [`federation`] | workloads and assertions that other issuers vouch for |
//! | [`issuer`] | an authorization server: its settings and their rules |
//! | [`client`] | registered clients: their metadata (RFC 7591) and secrets |
//! | [`registry`] | which issuers and clients there are, and where a path leads |
//! | [`user`] | users of the password grant: directory, webhook, throttling |
//! | [`auth`] | client authentication, one file a method |
//! | [`grant`] | one file per grant type, and the only place that mints tokens |
//! | [`inspect`] | introspection and revocation |
//! | [`dialect`] | how each vendor spells the same endpoints |
//! | [`router`] | grant type to live grant actor |
//! | [`extend`] | what somebody who embeds jeton adds to it |
//! | [`service`] | the parts of a running service, as both surfaces see them |
//! | [`http`] | listeners, limits, the public and the admin surface |
//! | [`config`] | the settings file, its defaults and its rules |
//! | [`server`] | everything put together, and taken apart again |
//! | [`cli`] | the command line |
//! | [`internals`] | what the tests and benches of this repository look at |

mod ask;
mod auth;
mod cause;
mod cli;
mod client;
mod clock;
mod cms;
mod config;
mod credential;
mod dialect;
pub mod extend;
mod federation;
mod grant;
mod hook;
mod http;
mod id;
mod inspect;
#[doc(hidden)]
pub mod internals;
mod issuer;
mod jose;
mod jwks;
mod keys;
mod limit;
mod metrics;
mod protocol;
mod registry;
mod router;
mod secret_file;
mod server;
mod service;
mod setting;
mod slow_hash;
mod state;
pub mod store;
mod strict_json;
mod token;
mod user;
mod vault;
mod x509;

pub use cli::run;
pub use clock::{Clock, Time};
pub use config::Source;
pub use extend::Extensions;
pub use id::Id;
pub use server::{Daemon, Environment, LogControl, PrepareError, Prepared, ServerError, prepare};
