//! Listeners: where they are, their certificates, and whom they believe.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use crate::http::Limits;
use crate::http::proxy::{Proxy, ProxySettings};
use crate::http::tls::ClientCertificates;
use crate::issuer::CertificateVisibility;

/// A listener; `D` decides its default address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, bound = "D: DefaultAddress")]
pub struct ListenerConfig<D: DefaultAddress> {
    /// Address and port.
    pub listen: SocketAddr,
    /// PEM files; absent is clear text, for behind a proxy on the same machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFiles>,
    /// PEM certificates of the authorities whose certificates clients may authenticate with (RFC 8705 section 2.1); of
    /// the public listener only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ca_file: Option<PathBuf>,
    /// Proxies that are believed what they say of a client; of the public listener only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxySettings>,
    /// What it puts up with.
    pub limits: Limits,
    #[serde(skip)]
    default: std::marker::PhantomData<D>,
}

/// Which address a listener has if none is set.
pub trait DefaultAddress {
    /// That address.
    const ADDRESS: ([u8; 4], u16);
}

/// `127.0.0.1:8080`.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicListen;

impl DefaultAddress for PublicListen {
    const ADDRESS: ([u8; 4], u16) = ([127, 0, 0, 1], 8080);
}

/// `127.0.0.1:9080`.
#[derive(Clone, Debug, PartialEq)]
pub struct AdminListen;

impl DefaultAddress for AdminListen {
    const ADDRESS: ([u8; 4], u16) = ([127, 0, 0, 1], 9080);
}

impl<D: DefaultAddress> Default for ListenerConfig<D> {
    fn default() -> Self {
        Self {
            listen: D::ADDRESS.into(),
            tls: None,
            client_ca_file: None,
            proxy: None,
            limits: Limits::default(),
            default: std::marker::PhantomData,
        }
    }
}

/// A certificate chain and its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// PEM, leaf first.
    pub certificate: PathBuf,
    /// PEM, a secret file.
    pub key: PathBuf,
    /// Whether peers are asked for certificates; of the public listener only.
    #[serde(default, skip_serializing_if = "ClientCertificates::is_off")]
    pub client_certificates: ClientCertificates,
}

impl ListenerConfig<PublicListen> {
    /// Returns which certificates of clients it sees.
    pub fn visibility(&self) -> CertificateVisibility {
        let own = self.tls.as_ref().is_some_and(|tls| !tls.client_certificates.is_off());
        let forwarded = self.proxy.as_ref().is_some_and(|proxy| proxy.client_certificate_header.is_some());
        match (own || forwarded, &self.client_ca_file) {
            (false, _) => CertificateVisibility::None,
            (true, None) => CertificateVisibility::Certificates,
            (true, Some(_)) => CertificateVisibility::Authorities,
        }
    }
}

/// Certificates of clients, and the proxies that may speak of them.
pub(super) fn check_certificates(
    public: &ListenerConfig<PublicListen>,
    admin: &ListenerConfig<AdminListen>,
) -> Result<(), ConfigError> {
    let rule = |setting: &str, value: &str, rule: &str| {
        Err(ConfigError::Rule { setting: setting.to_owned(), value: value.to_owned(), rule: rule.to_owned() })
    };
    let there = "clients use the public listener; set it there";
    if admin.proxy.is_some() {
        return rule("admin.proxy", "set", there);
    }
    if let Some(path) = &admin.client_ca_file {
        return rule("admin.client_ca_file", &path.display().to_string(), there);
    }
    if admin.tls.as_ref().is_some_and(|tls| !tls.client_certificates.is_off()) {
        return rule("admin.tls.client_certificates", "optional", there);
    }
    if let Some(Err(error)) = public.proxy.as_ref().map(Proxy::new) {
        return rule(&format!("public.proxy.{}", error.setting), &error.value, error.rule);
    }
    match &public.client_ca_file {
        Some(path) if public.visibility() == CertificateVisibility::None => rule(
            "public.client_ca_file",
            &path.display().to_string(),
            "needs public.tls.client_certificates = \"optional\" or public.proxy.client_certificate_header",
        ),
        _ => Ok(()),
    }
}
