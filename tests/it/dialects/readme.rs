//! What config/README.md says about vendors, made from what the tables replay: a grant or a client authentication is listed if a
//! request by it was answered 200, a count is a count.

use std::collections::BTreeSet;

use jeton::extend::{Dialect, Endpoint, Path, default_dialect};

use super::{Entry, VENDORS, Vendor};
use crate::support::tools::repository;

const BEGIN: &str = "<!-- vendors: made by tests/it/dialects/readme.rs -->\n";
const END: &str = "<!-- /vendors -->\n";

#[test]
fn the_table_of_vendors_in_the_readme_is_what_the_tests_replay() {
    let readme = std::fs::read_to_string(repository("config/README.md")).unwrap();
    let (_, rest) = readme.split_once(BEGIN).expect("the README has the table");
    let (table, _) = rest.split_once(END).expect("the table of the README ends");
    let made = made();
    assert!(table == made, "between its two comments the README must say:\n{made}");
}

fn made() -> String {
    let mut text =
        "| dialect | token endpoint | grants | client authentication | documented | inferred | kept ours |\n\
                    | --- | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
    let built_in: Vec<String> =
        jeton::internals::built_in_grants().iter().map(|grant| short(grant.grant_type().as_str())).collect();
    let methods: Vec<&str> = jeton::internals::built_in_methods().iter().map(|method| method.name).collect();
    let rfc = default_dialect();
    text.push_str(&line(rfc, &built_in.join(", "), &methods.join(", "), "| | |"));
    for vendor in VENDORS {
        let mut counts = [0; 3];
        for entry in vendor.table {
            let kind = match entry {
                Entry::Documented(_) => 0,
                Entry::Inferred(_) => 1,
                Entry::Kept(_) => 2,
            };
            counts[kind] += 1;
        }
        let counts = counts.map(|count: usize| count.to_string()).join(" | ");
        let granted: Vec<&str> = vendor.table.iter().filter_map(granted).collect();
        let mut grants: Vec<String> = unique(granted.iter().filter_map(|request| grant(request)));
        grants.sort_by_key(|grant| built_in.iter().position(|own| own == grant).unwrap_or(usize::MAX));
        let mut auth = unique(granted.iter().filter(|request| grant(request).is_some()).map(|request| method(request)));
        auth.sort_by_key(|method| methods.iter().position(|own| own == method).unwrap_or(usize::MAX));
        text.push_str(&line(dialect_of(vendor), &grants.join(", "), &auth.join(", "), &counts));
    }
    text
}

fn line(dialect: &dyn Dialect, grants: &str, auth: &str, counts: &str) -> String {
    let paths = dialect.paths(Endpoint::Token).iter().map(|path| match path {
        Path::Below(path) => format!("`<issuer>{path}`"),
        Path::AtRoot(path) => format!("`{path}`"),
    });
    let paths: Vec<String> = paths.collect();
    let end = if counts.ends_with('|') { counts.to_owned() } else { format!("{counts} |") };
    format!("| `{}` | {} | {grants} | {auth} | {end}\n", dialect.name(), paths.join(", "))
}

fn dialect_of(vendor: &Vendor) -> &'static dyn Dialect {
    let named = |dialect: &&'static dyn Dialect| vendor.toml.contains(&format!("dialect = \"{}\"", dialect.name()));
    jeton::internals::ALL_DIALECTS.iter().copied().find(named).unwrap()
}

/// The request of a row that was answered 200.
fn granted(entry: &Entry) -> Option<&'static str> {
    let (Entry::Documented(row) | Entry::Inferred(row) | Entry::Kept(row)) = entry;
    (row.status == 200).then_some(row.request)
}

/// The value of a parameter, in a form, a query or JSON.
fn parameter(request: &str, name: &str) -> Option<String> {
    let quoted = format!("\"{name}\":\"");
    if let Some((_, rest)) = request.split_once(&quoted) {
        return rest.split('"').next().map(str::to_owned);
    }
    let is_before = |at: usize| at == 0 || matches!(request.as_bytes()[at - 1], b'&' | b'?' | b'\n');
    let (at, found) = request.match_indices(&format!("{name}=")).find(|(at, _)| is_before(*at))?;
    let value: String = request[at + found.len()..].chars().take_while(|c| !matches!(c, '&' | '\n')).collect();
    Some(percent_encoding::percent_decode_str(&value).decode_utf8().unwrap().into_owned())
}

fn grant(request: &str) -> Option<String> {
    parameter(request, "grant_type").map(|grant| short(&grant.replace("token_exchange", "token-exchange")))
}

/// A registered grant type without the part that all URNs share.
fn short(grant: &str) -> String {
    grant.strip_prefix("urn:ietf:params:oauth:grant-type:").unwrap_or(grant).to_owned()
}

/// How the client of a token request authenticates.
fn method(request: &str) -> String {
    let Some(kind) = parameter(request, "client_assertion_type") else {
        let basic = request.contains("\nAuthorization: Basic ");
        let post = parameter(request, "client_secret").is_some();
        let certificate = request.contains("\nX-Client-Cert: ");
        return if certificate {
            "self_signed_tls_client_auth"
        } else if basic {
            "client_secret_basic"
        } else if post {
            "client_secret_post"
        } else {
            "none"
        }
        .to_owned();
    };
    match (kind.rsplit(':').next().unwrap(), parameter(request, "client_assertion").as_deref()) {
        ("jwt-bearer", Some("<assertion of hmac>")) => "client_secret_jwt".to_owned(),
        ("jwt-bearer", _) => "private_key_jwt".to_owned(),
        (kind, _) => kind.replace('-', "_"),
    }
}

fn unique(all: impl Iterator<Item = String>) -> Vec<String> {
    all.collect::<BTreeSet<_>>().into_iter().collect()
}
