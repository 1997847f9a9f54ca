//! Dialects: how a vendor spells the same endpoints. A dialect decides paths, names, shapes,
//! statuses and defaults, never a security rule: what a vendor does that CHECKLIST.md forbids is not copied. A new one
//! is one file and one line in [`ALL`], or, outside of this crate, in `Extensions`.

mod aliyun_idaas;
mod body;
mod built_in;
mod contract;
mod huawei_oneaccess;
mod identityserver3;
mod paths;
mod rfc;
mod tencent_ciam;
#[cfg(test)]
mod tests;
mod xsolla_login;

pub use crate::protocol::endpoint::Path;
pub(crate) use built_in::Dialects;
pub use built_in::default;
pub(crate) use contract::{Carrier, Headers};
pub use contract::{Dialect, Refused};
pub use paths::full_paths;
pub(crate) use paths::urls;

/// Every built-in dialect.
pub const ALL: &[&dyn Dialect] = &[
    &rfc::Rfc,
    &aliyun_idaas::AliyunIdaas,
    &xsolla_login::XsollaLogin,
    &identityserver3::IdentityServer3,
    &huawei_oneaccess::HuaweiOneAccess,
    &tencent_ciam::TencentCiam,
];
