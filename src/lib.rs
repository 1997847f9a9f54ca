//! jeton, an OAuth 2.0 / OpenID Connect token service.
//!
//! Read the modules in this order; each one imports only modules above it (`tests/it/layers` checks that).
//!
//! | module | what it is |
//! | --- | --- |
//! | [`clock`], [`id`] | time and randomness, the only places that read either |
//! | [`cause`] | an error with its causes, in one line |
//! | [`credential`] | how credentials begin, so that none is repeated in a message |
//! | [`setting`] | a setting that breaks its rule |
//! | [`secret_file`] | files that hold secrets: who may read them, what a line may be |
//! | [`vault`] | the master key ring and everything derived from it |
//! | [`protocol`] | wire types of the RFCs: no I/O, no clock |
//! | [`jose`] | JWK, JWS: names, thumbprints, assembly, verification |
//! | [`x509`] | client certificates: reading, names, chains |
//! | [`cms`] | documents that somebody signed (PKCS#7) |
//! | [`token`] | codes, refresh and access tokens; the family state machine `step` |
//! | [`metrics`], [`ask`] | what operators scrape; how one actor asks another |
//! | [`slow_hash`] | argon2id: its cost, the fair queue for it and the threads that compute it |
//! | [`hook`] | services of the operator's that are asked, and what keeps a failing one from harm |
//! | [`store`] | the `Store` trait, its engines and the shard actors |
//! | [`keys`] | signing keys: ring, signers, rotation actor |
//! | [`client`] | issuers, registered clients and how they authenticate |
//! | [`user`] | users of the password grant: directory, webhook, throttling |
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

pub mod ask;
pub mod auth;
pub mod cause;
pub mod cli;
pub mod client;
pub mod clock;
pub mod cms;
pub mod config;
pub mod credential;
pub mod dialect;
pub mod extend;
pub mod federation;
pub mod grant;
pub mod hook;
pub mod http;
pub mod id;
pub mod inspect;
pub mod issuer;
pub mod jose;
pub mod jwks;
pub mod keys;
pub mod limit;
pub mod metrics;
pub mod protocol;
pub mod registry;
pub mod router;
pub mod secret_file;
pub mod server;
pub mod service;
pub mod setting;
pub mod slow_hash;
pub mod state;
pub mod store;
pub mod token;
pub mod user;
pub mod vault;
pub mod x509;
