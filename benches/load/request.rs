//! Requests as bytes: built once, and for codes and refresh tokens completed with one value each time.

use std::net::{SocketAddr, ToSocketAddrs as _};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;
use url::form_urlencoded;

/// A base URL, resolved.
#[derive(Clone)]
pub(crate) struct Target {
    /// Where to connect.
    pub(crate) address: SocketAddr,
    /// The value of `host`.
    host: String,
    /// The path of the base, without a slash at the end.
    path: String,
}

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Auth {
    /// `client_secret_post`: in the body.
    Post,
    /// `client_secret_basic`: in the `authorization` header.
    Basic,
}

/// A client and its secret.
#[derive(Clone)]
pub(crate) struct Client {
    /// `client_id`.
    pub(crate) id: String,
    /// `client_secret`.
    pub(crate) secret: String,
}

impl Target {
    /// Resolves `http://host:port/path`.
    pub(crate) fn parse(url: &str) -> anyhow::Result<Self> {
        let url = Url::parse(url).with_context(|| format!("`{url}` is not a URL"))?;
        if url.scheme() != "http" {
            bail!("`{url}` is not http: the generator speaks clear text only, so that it measures the service");
        }
        let host = url.host_str().context("the URL has no host")?;
        let port = url.port_or_known_default().context("the URL has no port")?;
        let address = (host.trim_matches(['[', ']']), port)
            .to_socket_addrs()
            .with_context(|| format!("failed to resolve {host}"))?
            .next()
            .with_context(|| format!("{host} has no address"))?;
        Ok(Self { address, host: format!("{host}:{port}"), path: url.path().trim_end_matches('/').to_owned() })
    }

    /// A `GET` of `path` below the base.
    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
        let mut request = self.head("GET", path, headers);
        request.extend_from_slice(b"\r\n");
        request
    }

    /// A `POST` of JSON to `path` below the base.
    pub(crate) fn post_json(&self, path: &str, headers: &[(&str, &str)], body: &serde_json::Value) -> Vec<u8> {
        let body = body.to_string();
        let mut request = self.head("POST", path, headers);
        let rest = format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        request.extend_from_slice(rest.as_bytes());
        request
    }

    /// A form to `path` below the base, authenticated as `client`, to be completed by one more parameter.
    pub(crate) fn form(&self, path: &str, auth: Auth, client: &Client, parameters: &[(&str, &str)]) -> FormRequest {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(parameters);
        let mut head = match auth {
            Auth::Post => {
                form.append_pair("client_id", &client.id).append_pair("client_secret", &client.secret);
                self.head("POST", path, &[])
            }
            Auth::Basic => {
                let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let credentials = STANDARD.encode(format!("{}:{}", encode(&client.id), encode(&client.secret)));
                self.head("POST", path, &[("authorization", &format!("Basic {credentials}"))])
            }
        };
        head.extend_from_slice(b"content-type: application/x-www-form-urlencoded\r\ncontent-length: ");
        FormRequest { head, body: form.finish().into_bytes() }
    }

    fn head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
        let mut head = format!("{method} {}{path} HTTP/1.1\r\nhost: {}\r\n", self.path, self.host);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.into_bytes()
    }
}

/// A form that lacks at most its last parameter.
pub(crate) struct FormRequest {
    /// Up to and including `content-length: `.
    head: Vec<u8>,
    body: Vec<u8>,
}

impl FormRequest {
    /// The request as it is.
    pub(crate) fn whole(&self) -> Vec<u8> {
        let mut request = self.head.clone();
        request.extend_from_slice(format!("{}\r\n\r\n", self.body.len()).as_bytes());
        request.extend_from_slice(&self.body);
        request
    }

    /// Writes the request with one more parameter into `out`. The value must need no escaping: base64url, `.`, `_`.
    pub(crate) fn complete(&self, out: &mut Vec<u8>, name: &str, value: &str) {
        use std::io::Write as _;
        let length = self.body.len() + name.len() + value.len() + 2;
        out.clear();
        out.extend_from_slice(&self.head);
        // a Vec takes every write
        let _ = write!(out, "{length}\r\n\r\n");
        out.extend_from_slice(&self.body);
        let _ = write!(out, "&{name}={value}");
    }
}
