//! Targets of a token: resource indicators (RFC 8707 section 2), absolute URIs without a fragment, and audiences (RFC
//! 8693 section 2.1), which may be any name. The one place that decides about both (CHECKLIST 61).

use super::error::{ErrorCode, OAuthError};
use super::form::Form;

/// Most resources and audiences in one request.
pub(crate) const MAX_RESOURCES: usize = 8;
/// Longest resource or audience, in bytes.
pub(crate) const MAX_RESOURCE: usize = 512;

/// The `invalid_target` of RFC 8707 section 2.
pub(crate) const INVALID_TARGET: OAuthError =
    OAuthError::new(ErrorCode::InvalidTarget, "the requested resource is unknown, malformed or not allowed");

/// Returns the targets that a request names by `resource` and `audience`, if they are `allowed`: in order, resources
/// first, once each.
///
/// # Errors
/// `invalid_target` for a resource that is no absolute URI or has a fragment, for anything that is not allowed, and for
/// anything over the limits.
pub(crate) fn asked(form: &Form<'_>, allowed: &[String]) -> Result<Vec<String>, OAuthError> {
    select(form.all("resource"), form.all("audience"), allowed)
}

/// Returns whether a request names a target by `resource` or `audience`.
pub(crate) fn is_asked(form: &Form<'_>) -> bool {
    form.get("resource").or_else(|| form.get("audience")).is_some()
}

/// Selects targets as [`asked`] does, from lists that do not come in a form.
///
/// # Errors
/// As [`asked`].
pub(crate) fn select<'a>(
    resources: impl Iterator<Item = &'a str>,
    audiences: impl Iterator<Item = &'a str>,
    allowed: &[String],
) -> Result<Vec<String>, OAuthError> {
    let mut selected: Vec<String> = Vec::new();
    let resources = resources.map(|resource| (resource, is_resource(resource)));
    for (target, formed) in resources.chain(audiences.map(|audience| (audience, true))) {
        if selected.iter().any(|seen| seen == target) {
            continue;
        }
        if !formed || selected.len() == MAX_RESOURCES || !allowed.iter().any(|known| known == target) {
            return Err(INVALID_TARGET);
        }
        selected.push(target.to_owned());
    }
    Ok(selected)
}

/// Returns whether the text is an absolute URI without a fragment (RFC 8707 section 2).
fn is_resource(text: &str) -> bool {
    let is_url = || url::Url::parse(text).is_ok_and(|url| url.fragment().is_none() && !url.cannot_be_a_base());
    text.len() <= MAX_RESOURCE && (is_url() || text.starts_with("urn:") && !text.contains('#'))
}

/// Returns whether the text can be an audience: 1 to 512 printable ASCII characters without space, quote and backslash.
pub(crate) fn is_audience(text: &str) -> bool {
    (1..=MAX_RESOURCE).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_absolute_resources_without_fragment_are_selected() {
        let allowed = vec!["https://api.example/".to_owned(), "urn:api".to_owned(), "x#y".to_owned()];
        let pick = |list: &[&str]| select(list.iter().copied(), std::iter::empty(), &allowed);
        assert_eq!(pick(&["https://api.example/", "https://api.example/"]).unwrap().len(), 1);
        assert_eq!(pick(&["urn:api"]).unwrap(), ["urn:api"]);
        for bad in ["https://other/", "https://api.example/#f", "relative", "x#y"] {
            assert_eq!(pick(&[bad]), Err(INVALID_TARGET), "{bad}");
        }
    }
    #[test]
    fn an_audience_may_be_any_known_name_and_counts_with_the_resources() {
        let allowed: Vec<String> = (0..9).map(|n| format!("urn:{n}")).chain(["orders".to_owned()]).collect();
        let pick = |body: &str| asked(&Form::parse(body.as_bytes()).ok().unwrap(), &allowed);
        assert_eq!(pick("audience=orders&resource=urn:1&audience=urn:1").unwrap(), ["urn:1", "orders"]);
        assert_eq!(pick("resource=orders"), Err(INVALID_TARGET), "a resource is a URI");
        assert_eq!(pick("audience=orders%20urn:1"), Err(INVALID_TARGET));
        let many: String = (0..8).map(|n| format!("resource=urn:{n}&")).collect();
        assert!(pick(&many).is_ok());
        assert_eq!(pick(&format!("{many}audience=orders")), Err(INVALID_TARGET));
    }
}
