//! The settings of the one cell, as the parts that use them take them.

use super::config::PostgresConfig;
use super::dial::Dialer;
use super::failure::unavailable;
use super::gate::Expected;
use crate::setting::SettingError;
use crate::store::StoreError;

/// Returns what the settings say of the one cell.
pub(super) fn settings(config: &PostgresConfig) -> Result<(Dialer, Expected), StoreError> {
    let wrong = |error: SettingError| unavailable(error.within("store.postgres").to_string());
    config.check().map_err(wrong)?;
    let cell = config.cells.first().cloned().ok_or_else(|| unavailable("store.postgres.cells is empty"))?;
    let expected = Expected {
        deployment: config.deployment.clone(),
        cell: i32::from(cell.id),
        allow_unsafe: config.allow_unsafe_engine,
    };
    Ok((Dialer::new(cell).map_err(wrong)?, expected))
}
