use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

#[test]
fn a_sealed_value_opens_only_with_its_purpose_id_and_aad() {
    let vault = Vault::ephemeral();
    let id = Id::random();
    let sealed = vault.seal(Purpose::Code, &id, b"aad", b"payload");
    assert_eq!(vault.open(Purpose::Code, &id, b"aad", &sealed).unwrap().as_slice(), b"payload");
    assert!(vault.open(Purpose::Grant, &id, b"aad", &sealed).is_none());
    assert!(vault.open(Purpose::Code, &Id::random(), b"aad", &sealed).is_none());
    assert!(vault.open(Purpose::Code, &id, b"other", &sealed).is_none());
    for at in 0..sealed.len() {
        let mut bent = sealed.clone();
        bent[at] ^= 1;
        assert!(vault.open(Purpose::Code, &id, b"aad", &bent).is_none(), "byte {at} is not protected");
    }
}

#[test]
fn an_older_entry_stays_valid_behind_a_newer_one() {
    let old = Vault::generate();
    let old_line = old.lines().last().unwrap();
    let id = Id::random();
    let sealed = Vault::parse(&old).unwrap().seal(Purpose::Grant, &id, b"", b"x");
    let both = Vault::parse(&format!("2 {}\n{old_line}", STANDARD.encode([7; 32]))).unwrap();
    assert_eq!(both.current(), 2);
    assert!(both.open(Purpose::Grant, &id, b"", &sealed).is_some());
}

#[test]
fn a_running_ring_takes_in_new_entries_and_loses_none() {
    let line = |id: u8, byte: u8| format!("{id} {}\n", STANDARD.encode([byte; 32]));
    let running = Vault::parse(&line(1, 1)).unwrap();
    let id = Id::random();
    let sealed = running.seal(Purpose::Grant, &id, b"", b"x");
    let merged = running.merged(Vault::parse(&(line(2, 2) + &line(1, 1))).unwrap()).unwrap();
    assert!(!merged.drops() && running.current() == 1, "nothing changes before it is taken in");
    running.take_in(merged);
    assert!(running.choose(|_| true));
    assert_eq!(running.ids().collect::<Vec<_>>(), [2, 1]);
    assert!(running.open(Purpose::Grant, &id, b"", &sealed).is_some());
    assert_eq!(running.seal(Purpose::Grant, &id, b"", b"x")[0], 2);
    let merged = running.merged(Vault::parse(&line(2, 2)).unwrap()).unwrap();
    assert!(merged.drops());
    running.take_in(merged);
    assert!(running.choose(|_| true));
    assert!(running.open(Purpose::Grant, &id, b"", &sealed).is_some(), "until a restart");
    assert!(matches!(running.merged(Vault::parse(&line(1, 9)).unwrap()), Err(VaultError::Changed { id: 1 })));
}

#[test]
fn a_malformed_ring_names_its_line() {
    assert_eq!(Vault::parse("# c\nx y").unwrap_err().0, 2);
    assert_eq!(Vault::parse("").unwrap_err().0, 1);
    assert!(Vault::parse("1 AAAA").unwrap_err().1.contains("32 bytes"));
}

#[test]
fn parts_of_a_mac_cannot_slide_into_each_other() {
    let vault = Vault::ephemeral();
    let key = vault.current();
    let mac = |parts: &[&[u8]]| vault.mac(key, MacUse::Refresh, parts);
    assert_ne!(mac(&[b"ab", b"c"]), mac(&[b"a", b"bc"]));
    assert_ne!(mac(&[b"a"]), vault.mac(key, MacUse::ClientSecret, &[b"a"]));
}

#[test]
fn the_first_key_that_all_nodes_have_makes_new_values() {
    let line = |id: u8, byte: u8| format!("{id} {}\n", STANDARD.encode([byte; 32]));
    let running = Vault::parse(&line(1, 1)).unwrap();
    let new = line(2, 2) + &line(1, 1);
    running.take_in(running.merged(Vault::parse(&new).unwrap()).unwrap());
    assert_eq!(running.current(), 1, "nobody has been asked yet");
    let digests = running.digests();
    let [two, one] = &digests[..] else { panic!("{digests:?}") };
    assert!(!running.choose(|digest| digest == one));
    assert_eq!(running.current(), 1);
    // a node without any of them changes nothing
    assert!(!running.choose(|_| false));
    assert!(running.choose(|digest| digest == two || digest == one));
    assert_eq!(running.current(), 2);
    assert_eq!(Vault::parse(&line(2, 2)).unwrap().digests(), std::slice::from_ref(two));
    assert_ne!(Vault::parse(&line(2, 3)).unwrap().digests(), std::slice::from_ref(two));
}
