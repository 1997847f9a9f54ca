//! What the pieces of one request cost, without HTTP: `cargo bench --bench micro`. Each group is one function; a new
//! piece is one more in the list at the end.

use std::hint::black_box;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::{Criterion, criterion_group, criterion_main};
use ed25519_dalek::{Signer as _, SigningKey, Verifier as _};
use jeton::extend::Form;
use jeton::internals::{Lifetimes, MacUse, Purpose, RedeemCode, Rotate, RotatePolicy, Seen, Vault};
use jeton::store::{Op, Row};
use jeton::{Id, Time};

/// A payload of an access token as client_credentials makes it.
const PAYLOAD: &[u8] = br#"{"iss":"http://127.0.0.1:8080","sub":"machine","aud":"https://api.example","client_id":"machine","scope":"read","iat":1700000000,"exp":1700003600,"jti":"0123456789abcdefghijkl"}"#;
const HEADER: &[u8] = br#"{"alg":"EdDSA","typ":"at+jwt","kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"}"#;

/// Ed25519 alone, and the whole of a compact JWS with a header that was encoded beforehand.
fn jws(c: &mut Criterion) {
    let key = SigningKey::from_bytes(&[7; 32]);
    let header = URL_SAFE_NO_PAD.encode(HEADER);
    let assemble = || {
        let mut text = String::with_capacity(512);
        text.push_str(&header);
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(black_box(PAYLOAD), &mut text);
        let signature = key.sign(text.as_bytes());
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.to_bytes(), &mut text);
        text
    };
    let signed = assemble();
    let input = &signed.as_bytes()[..signed.rfind('.').unwrap_or(signed.len())];
    let signature = key.sign(input);
    let public = key.verifying_key();
    let mut group = c.benchmark_group("jws");
    group.bench_function("ed25519 sign", |b| b.iter(|| key.sign(black_box(input))));
    group.bench_function("ed25519 verify", |b| b.iter(|| public.verify(black_box(input), &signature)));
    group.bench_function("compact, EdDSA", |b| b.iter(assemble));
    group.finish();
}

/// The pure transitions behind a redemption and a refresh.
fn family(c: &mut Criterion) {
    let now = Time::from_secs(1_700_000_000);
    let lifetimes = Lifetimes {
        access: Duration::from_secs(3600),
        idle: Duration::from_secs(86_400),
        absolute: Duration::from_secs(30 * 86_400),
    };
    let id = Id([7; 16]);
    let redeem = Op::from(RedeemCode {
        family: id,
        issuer: "main".into(),
        client: "machine".into(),
        subject: "user".into(),
        grant: vec![0; 160].into(),
        key: 1,
        attempt: Id([1; 16]),
        code_issued_at: now,
        code_expires_at: now + Duration::from_secs(60),
        lifetimes,
        binding: None,
    });
    let rotate = Op::from(Rotate {
        family: id,
        generation: 0,
        issuer: "main".into(),
        client: "machine".into(),
        key: 1,
        attempt: Id([2; 16]),
        policy: RotatePolicy::Rotate { grace: Duration::from_secs(10), replays: 8 },
        lifetimes,
        shown: None,
    });
    let seen = Seen::alone(Time::ZERO, now);
    let Some(row) = redeem.step(None, seen).row else { panic!("the code should be redeemed") };
    let rotated = rotate.step(Some(&row), seen).answer;
    assert!(!rotated.is_refused(), "the token should be exchanged: {rotated:?}");
    let mut group = c.benchmark_group("step");
    let run = |row: Option<&Row>, op: &Op| black_box(op).step(black_box(row), seen);
    group.bench_function("redeem", |b| b.iter(|| run(None, &redeem)));
    group.bench_function("rotate", |b| b.iter(|| run(Some(&row), &rotate)));
    group.bench_function("rotate, refused", |b| b.iter(|| run(None, &rotate)));
    group.bench_function("not-before keys", |b| b.iter(|| black_box(&rotate).not_before(black_box(Some(&row)))));
    group.finish();
}

/// Sealed codes, and the MAC at the end of a refresh token.
fn vault(c: &mut Criterion) {
    let vault = Vault::ephemeral();
    let id = Id([7; 16]);
    let payload = [b'p'; 220];
    let sealed = vault.seal(Purpose::Code, &id, b"main", &payload);
    let parts: &[&[u8]] = &[b"main", b"machine", &id.0, &[0; 4]];
    let mut group = c.benchmark_group("vault");
    group.bench_function("seal a code", |b| b.iter(|| vault.seal(Purpose::Code, &id, b"main", black_box(&payload))));
    group.bench_function("open a code", |b| b.iter(|| vault.open(Purpose::Code, &id, b"main", black_box(&sealed))));
    group.bench_function("mac of a refresh token", |b| {
        b.iter(|| vault.mac(vault.current(), MacUse::Refresh, black_box(parts)));
    });
    group.bench_function("random id", |b| b.iter(Id::random));
    group.finish();
}

/// The bodies of token requests.
fn form(c: &mut Criterion) {
    let machine =
        b"grant_type=client_credentials&scope=read&client_id=machine&client_secret=jcs_0123456789abcdefghijklmn";
    let code = [
        &b"grant_type=authorization_code&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback&client_id=web&\
           client_secret=jcs_0123456789abcdefghijklmn&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&\
           code=jac_"[..],
        &[b'c'; 360],
    ]
    .concat();
    let mut group = c.benchmark_group("form");
    group.bench_function("client_credentials", |b| b.iter(|| Form::parse(black_box(machine)).is_ok()));
    group.bench_function("authorization_code", |b| b.iter(|| Form::parse(black_box(&code)).is_ok()));
    group.finish();
}

criterion_group!(pieces, jws, family, vault, form);
criterion_main!(pieces);
