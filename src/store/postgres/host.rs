//! The address of a server.

use std::fmt::{Display, Formatter};
use std::net::IpAddr;
use std::path::PathBuf;

use crate::setting::SettingError;

/// Port of a server whose setting names none.
const PORT: u16 = 5432;

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// By TCP.
    Tcp {
        /// Name or IP address.
        name: String,
        /// Port.
        port: u16,
    },
    /// By a Unix socket.
    Socket {
        /// Directory of the socket.
        directory: PathBuf,
        /// Port, which is a part of the socket's name.
        port: u16,
    },
}

impl Host {
    /// Reads `name:port`, `[ipv6]:port`, or the absolute path of a directory, with or without `:port`.
    pub(super) fn parse(text: &str) -> Result<Self, SettingError> {
        let wrong = || SettingError::new("hosts", text, "name:port, [ipv6]:port, or the directory of a Unix socket");
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().map_err(|_| wrong())?),
            _ => (text, PORT),
        };
        if name.starts_with('/') {
            return Ok(Self::Socket { directory: PathBuf::from(name), port });
        }
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        let name = bare.unwrap_or(name);
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        };
        let fits = if bare.is_some() { name.parse::<IpAddr>().is_ok() } else { is_name(name) };
        if !fits || port == 0 {
            return Err(wrong());
        }
        Ok(Self::Tcp { name: name.to_owned(), port })
    }

    /// Returns whether nothing between this process and the server can be listened to.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Self::Socket { .. } => true,
            Self::Tcp { name, .. } => {
                name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

impl Display for Host {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp { name, port } if name.contains(':') => write!(f, "[{name}]:{port}"),
            Self::Tcp { name, port } => write!(f, "{name}:{port}"),
            Self::Socket { directory, port } => write!(f, "{}:{port}", directory.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown() {
        for (text, shown, local) in [
            ("db1.example:5433", "db1.example:5433", false),
            ("db1", "db1:5432", false),
            ("127.0.0.1:5432", "127.0.0.1:5432", true),
            ("[::1]:5432", "[::1]:5432", true),
            ("[2001:db8::1]", "[2001:db8::1]:5432", false),
            ("localhost", "localhost:5432", true),
            ("/run/postgresql", "/run/postgresql:5432", true),
            ("/run/postgresql:5444", "/run/postgresql:5444", true),
        ] {
            let host = Host::parse(text).unwrap();
            assert_eq!((host.to_string().as_str(), host.is_local()), (shown, local), "{text}");
        }
        for text in ["", ":5432", "db1:", "db1:0", "db1:70000", "db 1:5432", "::1:5432", "[db1]:5432", "a,b:5432"] {
            assert!(Host::parse(text).is_err(), "{text}");
        }
    }
}
