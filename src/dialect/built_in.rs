//! The dialects that come with jeton: a new one is a file beside this one and a line in [`ALL`].

use std::collections::HashMap;

use super::Dialect;
use super::aliyun_idaas::AliyunIdaas;
use super::huawei_oneaccess::HuaweiOneAccess;
use super::identityserver3::IdentityServer3;
use super::rfc::Rfc;
use super::tencent_ciam::TencentCiam;
use super::xsolla_login::XsollaLogin;
use crate::issuer::Issuer;

/// Every built-in dialect.
pub const ALL: &[&dyn Dialect] = &[&Rfc, &AliyunIdaas, &XsollaLogin, &IdentityServer3, &HuaweiOneAccess, &TencentCiam];

/// The dialects of a service: the built-in ones and those of the embedding program.
#[derive(Clone)]
pub struct Dialects {
    ordered: Vec<&'static dyn Dialect>,
    by_name: HashMap<&'static str, &'static dyn Dialect>,
}

impl Default for Dialects {
    fn default() -> Self {
        Self::with(Vec::new())
    }
}

impl Dialects {
    /// The built-in dialects and, behind them, `added` ones, whose names `Extensions::check` has checked.
    pub fn with(added: Vec<&'static dyn Dialect>) -> Self {
        let ordered: Vec<_> = ALL.iter().copied().chain(added).collect();
        let by_name = ordered.iter().map(|dialect| (dialect.name(), *dialect)).collect();
        Self { ordered, by_name }
    }

    /// Every dialect, the built-in ones first.
    pub fn iter(&self) -> impl Iterator<Item = &'static dyn Dialect> {
        self.ordered.iter().copied()
    }

    /// The dialect with this name.
    pub fn by_name(&self, name: &str) -> Option<&'static dyn Dialect> {
        self.by_name.get(name).copied()
    }

    /// The dialect of an issuer whose settings were checked.
    pub fn of(&self, issuer: &Issuer) -> &'static dyn Dialect {
        self.by_name(&issuer.settings.dialect).unwrap_or(default())
    }
}

/// The dialect of an answer that belongs to no issuer.
pub fn default() -> &'static dyn Dialect {
    &Rfc
}
