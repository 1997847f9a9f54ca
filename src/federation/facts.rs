//! The facts of a certificate that conditions may ask.

use serde_json::{Map, Value, json};

use crate::x509::{AltName, Certificate, DistinguishedName};

/// Attributes of names that conditions may ask for, as RFC 4514 spells them.
const ATTRIBUTES: [&str; 10] = ["CN", "O", "OU", "C", "L", "ST", "DC", "UID", "serialNumber", "emailAddress"];

/// Returns `cert`: `subject` and `issuer` by attribute, `san` by kind (`uri`, `dns`, `ip`, `email`), `serialNumber` in
/// lower-case hexadecimal with `00` first if the high bit is set, and `thumbprint`, its SHA-256 in base64url. Several
/// values of one name are a list, so that no test for one text passes by any of them.
pub(crate) fn certificate(certificate: &Certificate) -> Value {
    let names = certificate.alt_names();
    let of = |pick: fn(&AltName) -> Option<String>| one_or_list(names.iter().filter_map(pick).collect());
    let kinds: [(&str, Option<Value>); 4] = [
        ("uri", of(|name| if let AltName::Uri(text) = name { Some(text.clone()) } else { None })),
        ("dns", of(|name| if let AltName::Dns(text) = name { Some(text.clone()) } else { None })),
        ("ip", of(|name| if let AltName::Ip(address) = name { Some(address.to_string()) } else { None })),
        ("email", of(|name| if let AltName::Email(text) = name { Some(text.clone()) } else { None })),
    ];
    json!({
        "subject": attributes(certificate.subject()),
        "issuer": attributes(certificate.issuer()),
        "san": present(kinds),
        "serialNumber": certificate.serial(),
        "thumbprint": certificate.thumbprint().encode(),
    })
}

fn attributes(name: &DistinguishedName) -> Map<String, Value> {
    present(ATTRIBUTES.map(|kind| (kind, one_or_list(name.texts(kind).map(str::to_owned).collect()))))
}

fn present<const N: usize>(members: [(&str, Option<Value>); N]) -> Map<String, Value> {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn one_or_list(mut texts: Vec<String>) -> Option<Value> {
    match texts.len() {
        0 => None,
        1 => texts.pop().map(Value::String),
        _ => Some(texts.into()),
    }
}
