use proptest::prelude::*;
use serde_json::json;

use super::parse::{MAX_DEPTH, MAX_TEXT};
use super::*;

fn parse(text: &str) -> Result<Condition, ConditionError> {
    Condition::parse(text, ProviderKind::Certificates)
}

fn facts() -> Facts {
    Facts::default()
        .with(
            "jwt",
            json!({
                "header": { "alg": "ES256" },
                "claims": {
                    "sub": "spiffe://prod.example/ns/payments/sa/api", "aud": ["a", "b"], "level": 3, "ok": true,
                    "one": "a", "none": null, "empty": "",
                    "kubernetes.io": { "namespace": "payments", "serviceaccount": { "name": "api" } },
                },
            }),
        )
        .with("cert", json!({ "subject": { "CN": "test", "OU": ["a", "b"] }, "serialNumber": "00ab" }))
        .with("client", json!({ "id": "c" }))
}

fn holds(text: &str) -> bool {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).holds(&facts())
}

#[test]
fn each_test_says_what_it_is_for() {
    for text in [
        r#"Equals(cert.subject.CN,"test")"#,
        r#"Equals(jwt.claims.'kubernetes.io'.namespace, "payments")"#,
        r#" StartsWith ( jwt.claims.sub , "spiffe://prod.example/ns/payments/" ) "#,
        r#"EndsWith(jwt.claims.sub, "/sa/api")"#,
        r#"In(jwt.claims.one, "b", "a")"#,
        "Equals(jwt.claims.level, 3)",
        "Equals(jwt.claims.ok, true)",
        r#"Contains(jwt.claims.aud, "b")"#,
        r#"Contains(jwt.claims.one, "a")"#,
        r#"Contains(cert.subject.OU, "a")"#,
        "IsNullOrEmpty(jwt.claims.absent)",
        "IsNullOrEmpty(jwt.claims.none)",
        "IsNullOrEmpty(jwt.claims.empty)",
        "Not(IsNullOrEmpty(jwt.claims.level))",
        r#"And(Equals(client.id, "c"), Not(Equals(jwt.claims.one, "b")))"#,
        r#"Or(Equals(jwt.claims.absent, "c"), Equals(client.id, "c"))"#,
    ] {
        assert!(holds(text), "{text}");
    }
    for text in [
        r#"Equals(cert.subject.CN,"Test")"#,
        r#"StartsWith(jwt.claims.sub, "spiffe://other.example/")"#,
        r#"Contains(jwt.claims.one, "")"#,
        r#"Contains(jwt.claims.sub, "prod.example")"#,
        r#"And(Equals(client.id, "c"), Equals(client.id, "d"))"#,
        r#"Or(Equals(client.id, "e"), Equals(client.id, "d"))"#,
    ] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn what_is_not_there_or_of_another_type_helps_nobody_under_not_either() {
    for test in [
        r#"Equals(jwt.claims.absent, "x")"#,
        r#"Equals(jwt.claims.none, "x")"#,
        r#"Equals(jwt.claims.level, "3")"#,
        r#"Equals(jwt.claims.aud, "a")"#,
        r#"In(jwt.claims.absent, "x", "y")"#,
        r#"StartsWith(jwt.claims.level, "3")"#,
        r#"Contains(jwt.claims.level, 3)"#,
        r#"Equals(jwt.claims.sub.deeper, "x")"#,
        r#"And(Equals(client.id, "c"), Equals(jwt.claims.absent, "x"))"#,
    ] {
        assert!(!holds(test), "{test}");
        assert!(!holds(&format!("Not({test})")), "Not({test})");
        assert!(holds(&format!("Or({test}, Equals(client.id, \"c\"))")), "Or({test}, true)");
    }
}

#[test]
fn a_wrong_condition_says_where() {
    for (text, at) in [
        ("", 1),
        ("Equal(jwt.claims.a, \"b\")", 1),
        ("Equals(jwt.claims.a)", 20),
        ("Equals(jwt.claims.a, b)", 22),
        ("Equals(jwt.claims.a, \"b\"", 25),
        ("Equals(jwt.claims.a, \"b\") x", 27),
        ("Equals(jwt.claims.a, \"b\", \"c\")", 25),
        ("Equals(jwt.a, \"b\")", 12),
        ("Equals(jwt, \"b\")", 11),
        ("Equals(pkcs7.document.a, \"b\")", 8),
        ("Equals(jwt.claims.'a, \"b\")", 20),
        ("StartsWith(jwt.claims.a, \"\")", 26),
        ("StartsWith(jwt.claims.a, 1)", 26),
        ("And()", 5),
        ("Not(IsNullOrEmpty(client.id), IsNullOrEmpty(client.id))", 29),
        ("Equals(jwt.claims.é, \"b\")", 19),
        ("Equals(client.id, \"\\n\")", 22),
    ] {
        assert_eq!(parse(text).map_err(|error| error.at), Err(at), "{text}: {:?}", parse(text));
    }
    let deep = |levels| format!("{}IsNullOrEmpty(client.id){}", "Not(".repeat(levels), ")".repeat(levels));
    assert!(parse(&deep(MAX_DEPTH - 1)).is_ok());
    assert!(parse(&deep(MAX_DEPTH)).is_err());
    assert!(parse(&deep(2000)).is_err());
    let long = |length| format!("Equals(client.id, \"{}\")", "é".repeat(length - 21));
    assert!(parse(&long(MAX_TEXT)).is_ok());
    assert!(parse(&long(MAX_TEXT + 1)).is_err());
}

/// Text that looks like a condition more often than chance would have it.
fn almost() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("And("),
        Just("Or("),
        Just("Not("),
        Just("Equals("),
        Just("In("),
        Just("Contains("),
        Just("StartsWith("),
        Just("IsNullOrEmpty("),
        Just("jwt"),
        Just("cert"),
        Just("client"),
        Just(".claims"),
        Just(".'"),
        Just("'"),
        Just("."),
        Just(","),
        Just(")"),
        Just("\""),
        Just("\\"),
        Just(" "),
        Just("12"),
        Just("true"),
        Just("sub"),
        Just("é"),
        Just("-"),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// A rule that can be written, with its text.
fn written() -> impl Strategy<Value = String> {
    let path = prop_oneof![
        Just("jwt.claims.sub"),
        Just("jwt.claims.level"),
        Just("jwt.claims.absent"),
        Just("jwt.claims.'kubernetes.io'.x"),
        Just("client.id"),
        Just("cert.subject.OU"),
    ];
    let literal = prop_oneof![Just("\"c\""), Just("3"), Just("true"), Just("\"a\\\\\"")];
    let test = prop_oneof![Just("Equals"), Just("In"), Just("Contains")];
    let leaf = (test, path, literal).prop_map(|(test, path, literal)| format!("{test}({path}, {literal})"));
    leaf.prop_recursive(6, 40, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("Not({one})")),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("And({})", parts.join(", "))),
            proptest::collection::vec(inner, 1..4).prop_map(|parts| format!("Or({})", parts.join(","))),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_panics_and_errors_point_into_the_text(text in prop_oneof![almost(), any::<String>()]) {
        match parse(&text) {
            Ok(condition) => { condition.holds(&facts()); }
            Err(error) => prop_assert!(error.at >= 1 && error.at <= text.chars().count() + 1),
        }
    }

    #[test]
    fn a_rule_and_its_negation_are_never_both_true(text in written()) {
        let (rule, negation) = (holds(&text), holds(&format!("Not({text})")));
        prop_assert!(!(rule && negation));
        prop_assert_eq!(holds(&format!("Not(Not({text}))")), rule);
    }

    #[test]
    fn without_facts_nothing_holds(text in written()) {
        prop_assert!(!parse(&text).unwrap().holds(&Facts::default()));
    }

    #[test]
    fn and_is_both_and_or_is_either(one in written(), two in written()) {
        prop_assert_eq!(holds(&format!("And({one}, {two})")), holds(&one) && holds(&two));
        prop_assert_eq!(holds(&format!("Or({one}, {two})")), holds(&one) || holds(&two));
    }
}
