//! The configuration: the reference file cannot drift from the defaults.

mod environment;

use jeton::Source;
use jeton::internals::{Config, load};

#[test]
fn the_reference_configuration_is_the_defaults() {
    let text = include_str!("../../config/jeton.toml");
    let parsed: Config = toml::from_str(text).unwrap();
    assert_eq!(parsed, Config::default());
}

#[test]
fn checklist_65_nobody_is_trusted_by_accident() {
    let files = r#"certificate = "tls.pem", key = "tls.key", client_certificates = "optional""#;
    for (settings, setting) in [
        (r#"public.proxy = { client_certificate_header = "x-client-cert" }"#.to_owned(), "public.proxy.trusted"),
        (r#"public.proxy = { trusted = ["0.0.0.0/0"] }"#.to_owned(), "public.proxy.trusted"),
        (
            r#"public.proxy = { trusted = ["10.0.0.1"], forwarded_for_header = "a b" }"#.to_owned(),
            "forwarded_for_header",
        ),
        (r#"public.client_ca_file = "ca.pem""#.to_owned(), "public.client_ca_file"),
        (r#"admin.client_ca_file = "ca.pem""#.to_owned(), "admin.client_ca_file"),
        (r#"admin.proxy = { trusted = ["10.0.0.1"] }"#.to_owned(), "admin.proxy"),
        (format!("admin.tls = {{ {files} }}"), "admin.tls.client_certificates"),
    ] {
        let preset = format!("{settings}\n[issuers.main]\nurl = \"https://id.example\"\n");
        let error = load(&Source { preset: Some(preset), ..Source::default() }).unwrap_err().to_string();
        assert!(error.contains(setting), "{settings}: {error}");
    }
}

/// CHECKLIST 75: what would stop every request, or every sweep, is refused before anything starts.
#[test]
fn settings_that_would_stop_the_service_are_refused() {
    for (setting, value) in [
        ("store.queue.timeout", "\"0s\""),
        ("store.queue.sweep_every", "\"0s\""),
        ("store.queue.sweep_budget", "0"),
        ("tokens.deadline", "\"0s\""),
    ] {
        let preset = format!("{setting} = {value}\n[issuers.main]\nurl = \"https://id.example\"\n");
        let error = load(&Source { preset: Some(preset), ..Source::default() }).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{setting}: at least ")), "{setting}: {error}");
    }
    for places in [0, 4097] {
        let preset = format!("hashing.queue = {places}\n[issuers.main]\nurl = \"https://id.example\"\n");
        let error = load(&Source { preset: Some(preset), ..Source::default() }).unwrap_err().to_string();
        assert_eq!(error, format!("hashing.queue: 1 to 4096 (it is {places})"));
    }
}

#[test]
fn rfc3986_5_2_4_a_name_in_a_path_that_no_url_can_carry_is_refused() {
    let directory = tempfile::TempDir::new().unwrap();
    let key = directory.path().join("key");
    crate::support::secret(&key, &jeton::internals::Vault::generate());
    let token = directory.path().join("token");
    crate::support::secret(&token, crate::support::ADMIN_TOKEN);
    let prepared = |instance: &str, client: &str| {
        let preset = format!(
            "secrets = {{ master_key_file = \"{0}\", admin_token_file = \"{1}\" }}\n[issuers.a]\nurl = \
             \"https://id.example\"\ndialect = \"aliyun-idaas\"\nvendor = {{ instance_id = \"{instance}\" }}\n[[clients]]\n\
             issuer = \"a\"\nclient_id = \"{client}\"\nmetadata = {{ grant_types = [\"client_credentials\"] }}\n",
            key.display(),
            token.display()
        );
        let source = Source { preset: Some(preset), ..Source::default() };
        jeton::prepare(source).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(prepared("a.b", "a.b"), Ok(()));
    for dots in [".", ".."] {
        assert!(prepared(dots, "a").unwrap_err().contains("issuers.a.vendor"), "{dots}");
        assert!(prepared("a", dots).unwrap_err().contains("client_id"), "{dots}");
    }
}
