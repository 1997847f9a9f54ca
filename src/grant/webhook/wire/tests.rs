use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn read(status: u16, body: &str) -> Result<Result<GrantAnswer, ExtensionError>, &'static str> {
    GrantAnswer::read(status, body.as_bytes())
}

#[test]
fn a_grant_names_a_subject_or_a_scope_and_nothing_that_is_unknown() {
    let full = r#"{"subject":"alice","scope":"a b","claims":{"access_token":{"x":1},"id_token":{"y":2}},
        "amr":["otp"],"acr":"1","auth_time":7}"#;
    let answer = read(200, full).unwrap().unwrap();
    assert_eq!(answer.subject.as_deref(), Some("alice"));
    assert_eq!((answer.granted.auth_time, answer.granted.amr.len()), (Some(7), 1));
    let left = |answer: &GrantAnswer, offered: &str| {
        answer.narrow(&Scope::parse(offered).unwrap()).map(|scope| scope.as_str().to_owned())
    };
    assert_eq!(left(&answer, "b c").as_deref(), Some("b"));
    assert_eq!(left(&answer, "c"), None, "something was granted, and nothing of it was asked for");
    assert_eq!(left(&read(200, r#"{"subject":"a"}"#).unwrap().unwrap(), "b").as_deref(), Some("b"));
    assert!(read(200, r#"{"scope":""}"#).unwrap().unwrap().subject.is_none());
    for bad in [
        "",
        "[]",
        "null",
        "{}",
        r#"{"sub":"alice"}"#,
        r#"{"subject":""}"#,
        r#"{"subject":7}"#,
        r#"{"subject":"a","subject":"b"}"#,
        r#"{"subject":"a","scope":"\u0000"}"#,
        r#"{"subject":"a","claims":{"access_token":{"sub":"b"}}}"#,
        r#"{"subject":"a","claims":{"id_token":{"aud":"b"}}}"#,
        r#"{"subject":"a","claims":{"other":{}}}"#,
        r#"{"scope":"a","amr":["otp"]}"#,
        r#"{"scope":"a","claims":{"id_token":{"x":1}}}"#,
    ] {
        assert!(read(200, bad).is_err(), "{bad}");
    }
    for status in [201, 204, 302, 401, 403, 404] {
        assert!(read(status, r#"{"subject":"alice"}"#).is_err(), "{status}");
    }
}

#[test]
fn a_refusal_is_one_at_200_and_at_400() {
    for status in [200, 400] {
        let extension =
            read(status, r#"{"error":"otp_expired","error_description":"too late"}"#).unwrap().err().unwrap();
        assert_eq!((extension.name(), extension.description()), ("otp_expired", Some("too late")));
    }
    assert!(read(400, r#"{"subject":"alice"}"#).is_err());
    for bad in [r#"{"error":"invalid_client"}"#, r#"{"error":"A"}"#, r#"{"error":7}"#, r#"{"error":"a","subject":"b"}"#]
    {
        assert!(read(200, bad).is_err(), "{bad}");
    }
}

#[test]
fn a_parameter_cannot_break_out_of_its_place() {
    let parameters = vec![("otp", "1\",\"subject\":\"root"), ("a\"b", "\u{0}")];
    let peer = [127, 0, 0, 1].into();
    let question = GrantQuestion { issuer: "i", client_id: "c", peer, grant_type: "g", parameters, scope: "" };
    let value: Value = serde_json::from_slice(&question.encode()).unwrap();
    assert_eq!(value.as_object().unwrap().len(), 6);
    assert_eq!(value["parameters"]["otp"], "1\",\"subject\":\"root");
}

proptest! {
    #[test]
    fn any_answer_is_read_or_unusable(status in any::<u16>(), body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = GrantAnswer::read(status, &body);
    }
}
