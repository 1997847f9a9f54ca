//! Resource indicators (RFC 8707 section 2): absolute URIs without a fragment.

use super::error::{ErrorCode, OAuthError};

/// Most resources in one request.
pub const MAX_RESOURCES: usize = 8;
/// Longest resource, in bytes.
pub const MAX_RESOURCE: usize = 512;

/// The `invalid_target` of RFC 8707 section 2.
pub const INVALID_TARGET: OAuthError =
    OAuthError::new(ErrorCode::InvalidTarget, "the requested resource is unknown, malformed or not allowed");

/// Checks the `resource` parameters of one request against those `allowed`, and gives them back in order, once each.
///
/// # Errors
/// `invalid_target` for a relative URI, a fragment, one that is not allowed, or anything over the limits.
pub fn select<'a>(requested: impl Iterator<Item = &'a str>, allowed: &[String]) -> Result<Vec<String>, OAuthError> {
    let mut selected: Vec<String> = Vec::new();
    for resource in requested {
        let absolute = resource.len() <= MAX_RESOURCE
            && url::Url::parse(resource)
                .is_ok_and(|url| url.fragment().is_none() && !url.cannot_be_a_base() || is_urn(resource));
        if !absolute || selected.len() == MAX_RESOURCES || !allowed.iter().any(|known| known == resource) {
            return Err(INVALID_TARGET);
        }
        if !selected.iter().any(|seen| seen == resource) {
            selected.push(resource.to_owned());
        }
    }
    Ok(selected)
}

fn is_urn(resource: &str) -> bool {
    resource.starts_with("urn:") && !resource.contains('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_absolute_resources_without_fragment_are_selected() {
        let allowed = vec!["https://api.example/".to_owned(), "urn:api".to_owned(), "x#y".to_owned()];
        let pick = |list: &[&str]| select(list.iter().copied(), &allowed);
        assert_eq!(pick(&["https://api.example/", "https://api.example/"]).unwrap().len(), 1);
        assert_eq!(pick(&["urn:api"]).unwrap(), ["urn:api"]);
        for bad in ["https://other/", "https://api.example/#f", "relative", "x#y"] {
            assert_eq!(pick(&[bad]), Err(INVALID_TARGET), "{bad}");
        }
    }
}
