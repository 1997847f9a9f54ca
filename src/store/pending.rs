//! Futures of the store.

use std::future::Future;
use std::pin::Pin;

use super::error::StoreError;

/// A future of the store, boxed so that engines can be chosen at run time.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;
