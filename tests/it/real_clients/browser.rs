//! A browser, as far as a login needs one: it keeps cookies and follows redirects, on this machine only.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use url::Url;

use crate::support::Answer;
use crate::support::http::request;

#[derive(Default)]
pub(super) struct Browser {
    /// Cookies do not tell ports apart (RFC 6265 section 8.5).
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// The page at a URL, after at most ten redirects.
    pub(super) async fn page(&mut self, url: &str) -> Answer {
        let mut url = Url::parse(url).unwrap();
        for _ in 0..=10 {
            let answer = self.get(&url).await;
            let Some(next) = answer.header("location").filter(|_| (300..400).contains(&answer.status)) else {
                return answer;
            };
            url = url.join(next).unwrap();
        }
        panic!("redirected for ever, at last to {url}");
    }

    /// One request.
    pub(super) async fn get(&mut self, url: &Url) -> Answer {
        let to = SocketAddr::new([127, 0, 0, 1].into(), url.port_or_known_default().unwrap());
        assert_eq!(url.host_str(), Some("127.0.0.1"), "{url} is elsewhere");
        let target = url[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let headers = [("Cookie", cookies.as_str()), ("Accept", "text/html")];
        let sent = if cookies.is_empty() { &headers[1..] } else { &headers[..] };
        let answer = request(to, "GET", &target, sent, b"").await;
        for (_, set) in answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")) {
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }
}
