//! Hooks from their settings: the rules, the token file, the certificates.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::secrets::secret_line;
use crate::hook::{Hook, HookKind, HookSettings};
use crate::http::client::TrustError;
use crate::http::post::{Poster, PosterError};
use crate::setting::SettingError;

/// Most idle connections of a hook that are kept.
const KEPT: usize = 16;

/// Makes the hook that stands at `place` in the configuration, such as `issuers.main.custom_grants[0].hook`.
///
/// # Errors
/// The first setting that breaks a rule, or a file that cannot be used.
pub(crate) fn hook(kind: HookKind, settings: &HookSettings, place: &str) -> Result<Arc<Hook>, SettingError> {
    let wrong =
        |setting: &str, value: String, rule: Cow<'static, str>| SettingError::new(setting, value, rule).within(place);
    let url = settings.check().map_err(|(setting, value, rule)| wrong(setting, value, rule))?;
    let read = |file: &PathBuf| {
        let advice = "put the token that the hook asks for there, on one line";
        secret_line(file, advice).map_err(|rule| wrong("token_file", file.display().to_string(), rule.into()))
    };
    let token = settings.token_file.as_ref().map(read).transpose()?;
    let token = token.as_ref().map(|token| token.as_str());
    let kept = settings.max_in_flight.min(KEPT);
    let poster = Poster::new(&url, token, settings.ca_file.as_deref(), kept).map_err(|error| {
        let (setting, value) = match &error {
            PosterError::Trust(TrustError::Setup(_)) => ("url", settings.url.clone()),
            PosterError::Token => ("token_file", shown(settings.token_file.as_deref())),
            PosterError::Trust(TrustError::File(_)) => ("ca_file", shown(settings.ca_file.as_deref())),
        };
        wrong(setting, value, error.to_string().into())
    })?;
    Ok(Arc::new(Hook::new(kind, settings, Box::new(poster))))
}

fn shown(file: Option<&Path>) -> String {
    file.map(|file| file.display().to_string()).unwrap_or_default()
}
