//! The routes of paths: one lookup, however many issuers there are. Some vendors' paths name the client;
//! those cost a lookup for each segment, of which there are few.

use std::collections::HashMap;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::issuer::Issuer;
use crate::protocol::endpoint::Endpoint;

/// The segment of a path that stands for any client.
pub(crate) const ANY_CLIENT: &str = "*";
/// The most segments of a path that names a client; one with more leads nowhere.
const MAX_SEGMENTS: usize = 8;

/// The place that a path leads to.
#[derive(Clone, Debug)]
pub struct Route {
    /// The issuer of the endpoint.
    pub issuer: Arc<Issuer>,
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The client that the path names.
    pub client: Option<Box<str>>,
}

/// The paths of every issuer, in full.
#[derive(Default)]
pub struct Routes {
    exact: HashMap<String, Route>,
    /// With [`ANY_CLIENT`] where the client stands.
    naming: HashMap<String, Route>,
}

impl Routes {
    /// Adds a path; returns its route before.
    pub fn insert(&mut self, path: String, issuer: Arc<Issuer>, endpoint: Endpoint) -> Option<Route> {
        let names_client = path.split('/').any(|segment| segment == ANY_CLIENT);
        let routes = if names_client { &mut self.naming } else { &mut self.exact };
        routes.insert(path, Route { issuer, endpoint, client: None })
    }

    /// Returns the route of `path`.
    pub fn get(&self, path: &str) -> Option<Route> {
        let named = || if self.naming.is_empty() { None } else { self.named(path) };
        self.exact.get(path).cloned().or_else(named)
    }

    fn named(&self, path: &str) -> Option<Route> {
        let segments: Vec<&str> = path.split('/').take(MAX_SEGMENTS + 2).collect();
        if segments.len() > MAX_SEGMENTS + 1 {
            return None;
        }
        (1..segments.len()).find_map(|at| {
            let mut pattern = segments.clone();
            let client = percent_decode_str(std::mem::replace(&mut pattern[at], ANY_CLIENT)).decode_utf8().ok()?;
            let route = self.naming.get(&pattern.join("/")).filter(|_| !client.is_empty())?;
            Some(Route { client: Some(client.into()), ..route.clone() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer::{IssuerParts, IssuerSettings};

    #[test]
    fn an_exact_path_comes_first_and_a_client_is_one_whole_segment() {
        let settings = IssuerSettings { url: "https://id.example".to_owned(), ..IssuerSettings::default() };
        let issuer = Arc::new(Issuer::new("a", settings, IssuerParts::default()).unwrap());
        let mut routes = Routes::default();
        for (path, endpoint) in [("/v2/*/token", Endpoint::Token), ("/v2/fixed/token", Endpoint::Jwks)] {
            assert!(routes.insert(path.to_owned(), issuer.clone(), endpoint).is_none());
        }
        assert!(routes.insert("/v2/*/token".to_owned(), issuer, Endpoint::Token).is_some());
        let lead = |path: &str| routes.get(path).map(|route| (route.endpoint, route.client));
        assert_eq!(lead("/v2/web/token"), Some((Endpoint::Token, Some("web".into()))));
        assert_eq!(lead("/v2/a%2Eb/token"), Some((Endpoint::Token, Some("a.b".into()))));
        assert_eq!(lead("/v2/fixed/token"), Some((Endpoint::Jwks, None)));
        let deep = "/v2/web/token".repeat(1000);
        for nowhere in ["/v2//token", "/v2/a/b/token", "/v2/web/token/", "/v2/%ff/token", "/v2/web", "", "/", &deep] {
            assert_eq!(lead(nowhere), None, "{nowhere}");
        }
    }
}
