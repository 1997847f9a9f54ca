use super::*;

fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
    texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 443)).collect()
}

#[test]
fn checklist_37_inner_addresses_are_refused() {
    for inner in [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.9.9.9",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "fc00::1",
        "fd00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert!(check(addresses(&[inner])).is_err(), "{inner}");
        assert!(check(addresses(&["1.1.1.1", inner])).is_err(), "{inner} among public ones");
    }
    let public = addresses(&["1.1.1.1", "100.63.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"]);
    assert_eq!(check(public.clone()).unwrap(), public);
    assert!(check(Vec::new()).is_err());
}

#[tokio::test]
async fn checklist_37_names_and_literals_of_this_machine_are_not_connected_to() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let fetcher = Fetcher::new();
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0"] {
        let url = Url::parse(&format!("https://{host}:{port}/jwks")).unwrap();
        let error = fetcher.fetch(&url).await.unwrap_err();
        assert!(error.contains("no public address"), "{host}: {error}");
    }
    let plain = Url::parse(&format!("http://127.0.0.1:{port}/jwks")).unwrap();
    assert!(fetcher.fetch(&plain).await.unwrap_err().contains("not https"));
    let nobody = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(nobody.is_err(), "somebody connected");
}
