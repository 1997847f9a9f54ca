//! The HTTP edge: listeners and their limits below, the public and the admin surface on top.
//!
//! Order: `limits`, `request` and `shutdown` are what others name; `serve` runs a listener, `connection` one
//! connection, `exchange` one request; `client`, `fetch` and `post` are the other direction. `hyper` appears nowhere else in the crate.

pub(crate) mod access;
pub(crate) mod admin;
mod body;
pub(crate) mod client;
mod connection;
mod cut;
mod exchange;
pub(crate) mod fetch;
mod framing;
mod head;
mod io;
pub(crate) mod limits;
pub(crate) mod listener;
pub(crate) mod not_yet;
mod observer;
pub(crate) mod post;
pub(crate) mod proxy;
pub(crate) mod public;
pub(crate) mod request;
mod respond;
pub(crate) mod serve;
pub(crate) mod shutdown;
mod state;
pub(crate) mod tls;
mod watchdog;

#[cfg(test)]
mod tests;

pub(crate) use limits::Limits;
pub(crate) use listener::bind;
pub(crate) use request::{Admission, Fault, Handler, Request, Response};
pub(crate) use serve::{Drained, Surface, serve};
pub(crate) use shutdown::Stop;
