//! Listeners: where they are, their certificates, and whom they believe.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::http::Limits;
use crate::http::proxy::{Proxy, ProxySettings};
use crate::http::tls::ClientCertificates;
use crate::issuer::CertificateVisibility;
use crate::setting::SettingError;

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
    /// Limits of its connections and requests.
    pub limits: Limits,
    #[serde(skip)]
    default: std::marker::PhantomData<D>,
}

/// The default address of a listener.
pub trait DefaultAddress {
    /// Address and port.
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
    /// True if peers are asked for certificates; of the public listener only.
    #[serde(default, skip_serializing_if = "ClientCertificates::is_off")]
    pub client_certificates: ClientCertificates,
}

impl<D: DefaultAddress> ListenerConfig<D> {
    fn check_limits(&self) -> Result<(), SettingError> {
        let checked = self.limits.validate();
        checked.map_err(|error| SettingError::new(format!("limits.{}", error.setting), error.value, error.rule))
    }
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

    /// Checks the limits, the trusted proxies, and that authorities are named only where certificates are seen.
    ///
    /// # Errors
    /// The first setting that breaks its rule.
    pub(super) fn check(&self) -> Result<(), SettingError> {
        self.check_limits()?;
        if let Some(Err(error)) = self.proxy.as_ref().map(Proxy::new) {
            return Err(SettingError::new(format!("proxy.{}", error.setting), error.value, error.rule));
        }
        match &self.client_ca_file {
            Some(path) if self.visibility() == CertificateVisibility::None => {
                const RULE: &str =
                    "needs public.tls.client_certificates = \"optional\" or public.proxy.client_certificate_header";
                Err(SettingError::new("client_ca_file", path.display(), RULE))
            }
            _ => Ok(()),
        }
    }
}

impl ListenerConfig<AdminListen> {
    /// Checks the limits, and that nothing is set here that only the public listener has.
    ///
    /// # Errors
    /// The first setting that breaks its rule.
    pub(super) fn check(&self) -> Result<(), SettingError> {
        const ELSEWHERE: &str = "clients use the public listener; set it there";
        self.check_limits()?;
        if self.proxy.is_some() {
            return Err(SettingError::new("proxy", "set", ELSEWHERE));
        }
        if let Some(path) = &self.client_ca_file {
            return Err(SettingError::new("client_ca_file", path.display(), ELSEWHERE));
        }
        if self.tls.as_ref().is_some_and(|tls| !tls.client_certificates.is_off()) {
            return Err(SettingError::new("tls.client_certificates", "optional", ELSEWHERE));
        }
        Ok(())
    }
}
