use super::*;

fn proxy(trusted: &[&str]) -> Result<Proxy, ProxyError> {
    Proxy::new(&ProxySettings {
        trusted: trusted.iter().map(|&text| text.to_owned()).collect(),
        forwarded_for_header: Some("X-Forwarded-For".to_owned()),
        ..ProxySettings::default()
    })
}

fn source(lines: &[&str]) -> String {
    let name = HeaderName::from_static("x-forwarded-for");
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(&name, line.parse().unwrap());
    }
    let proxy = proxy(&["10.0.0.0/8", "127.0.0.1", "fd00::/8"]).unwrap();
    proxy.source(&headers, &name, IpAddr::from([127, 0, 0, 1])).to_string()
}

#[test]
fn the_source_is_the_last_hop_that_is_no_trusted_proxy() {
    assert_eq!(source(&[]), "127.0.0.1");
    assert_eq!(source(&["198.51.100.7"]), "198.51.100.7");
    assert_eq!(source(&["203.0.113.9, 198.51.100.7, 10.1.1.1"]), "198.51.100.7", "the client made up the first");
    assert_eq!(source(&["203.0.113.9", "198.51.100.7,10.1.1.1"]), "198.51.100.7", "over several lines");
    assert_eq!(source(&["10.0.0.1, 10.0.0.2"]), "10.0.0.1", "nobody else is named");
    assert_eq!(source(&["203.0.113.9, unknown, 10.1.1.1"]), "10.1.1.1", "left of what is no address nothing counts");
    assert_eq!(source(&["198.51.100.7:4711"]), "198.51.100.7");
    assert_eq!(source(&["[2001:db8::7]:4711, [fd00::1]"]), "2001:db8::7");
    assert_eq!(source(&["::ffff:198.51.100.7"]), "198.51.100.7");
}

#[test]
fn settings_that_trust_everybody_or_nobody_are_refused() {
    for wrong in [&["0.0.0.0/0"][..], &["::/0"], &["proxy.example"], &["10.0.0.0/33"], &[]] {
        assert_eq!(proxy(wrong).map(|_| ()).map_err(|error| error.setting), Err("trusted"), "{wrong:?}");
    }
    let named = ProxySettings {
        trusted: vec!["10.0.0.1".to_owned()],
        client_certificate_header: Some("x client".to_owned()),
        ..ProxySettings::default()
    };
    assert_eq!(Proxy::new(&named).map(|_| ()).map_err(|error| error.setting), Err("client_certificate_header"));
}
