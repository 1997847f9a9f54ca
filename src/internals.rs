//! Items that the tests and benches of this repository look at from outside. No promise is made about any of it.

pub use crate::auth::{Evidence, built_in as built_in_methods};
pub use crate::client::{ClientMetadata, secret};
pub use crate::config::{Config, load, snapshot};
pub use crate::dialect::{ALL as ALL_DIALECTS, full_paths};
pub use crate::federation::trust::Trusted;
pub use crate::federation::{FederatedProvider, Provider, ProviderTrust};
pub use crate::grant::{built_in as built_in_grants, device::ENDPOINT as DEVICE_AUTHORIZATION};
pub use crate::http::fetch::{Dial, Dialling, Fetcher};
pub use crate::inspect::introspect;
pub use crate::issuer::{Issuer, IssuerParts, IssuerSettings, UserSource};
pub use crate::jose::{Algorithm, Owner, PublicJwk, Scheme, VerifyingKey};
pub use crate::jwks::remote::{Fetch, Fetching, RemoteError, RemoteKeys};
pub use crate::keys::Typ;
pub use crate::metrics::{Metrics, Stopwatch};
pub use crate::protocol::auth_method::MethodName;
pub use crate::protocol::form::Form;
pub use crate::registry::StoredClient;
pub use crate::service::Service;
pub use crate::slow_hash::cost::{Cost, Workspace};
pub use crate::state::{Cell, Lifetimes, RedeemCode, Rotate, RotatePolicy, Seen};
pub use crate::token::access::{Jti, PROTOCOL_CLAIMS};
pub use crate::token::refresh::RefreshToken;
pub use crate::token::user_code::UserCode;
pub use crate::vault::{MacUse, Purpose, Vault};
pub use crate::x509::Chain;
