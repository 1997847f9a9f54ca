//! The HTTP edge: listeners and their limits below, the public and the admin surface on top.
//!
//! Order: `limits`, `request` and `shutdown` are what others name; `serve` runs a listener, `connection` one
//! connection, `exchange` one request; `client`, `fetch` and `post` are the other direction. `hyper` appears nowhere else in the crate.

pub mod access;
pub mod admin;
mod body;
pub mod client;
mod connection;
mod cut;
mod exchange;
pub mod fetch;
mod framing;
mod head;
mod io;
pub mod limits;
pub mod listener;
mod observer;
pub mod post;
pub mod proxy;
pub mod public;
pub mod request;
mod respond;
pub mod serve;
pub mod shutdown;
mod state;
pub mod tls;
mod watchdog;

#[cfg(test)]
mod tests;

pub use limits::Limits;
pub use listener::bind;
pub use request::{Admission, Fault, Handler, Request, Response};
pub use serve::{Drained, Surface, serve};
pub use shutdown::{Shutdown, Stop};
