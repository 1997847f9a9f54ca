//! Distinguished names: as text (RFC 4514), and compared as RFC 5280 section 7.1 asks.
//!
//! Text compares without regard to case and to how much white space there is, whatever string type it is in, and
//! nothing else is forgiven: characters are not normalised (RFC 4518 section 2.3), so that what is left out of the
//! RFC can only make two names differ.

mod text;

use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{Any, ObjectIdentifier};
use x509_cert::der::{Encode, Tag, Tagged};
use x509_cert::name::Name;

/// Attribute types that have a name: those of RFC 4514 section 3, then others that certificates have.
const TYPES: [(&str, ObjectIdentifier); 20] = [
    ("CN", ObjectIdentifier::new_unwrap("2.5.4.3")),
    ("L", ObjectIdentifier::new_unwrap("2.5.4.7")),
    ("ST", ObjectIdentifier::new_unwrap("2.5.4.8")),
    ("O", ObjectIdentifier::new_unwrap("2.5.4.10")),
    ("OU", ObjectIdentifier::new_unwrap("2.5.4.11")),
    ("C", ObjectIdentifier::new_unwrap("2.5.4.6")),
    ("STREET", ObjectIdentifier::new_unwrap("2.5.4.9")),
    ("DC", ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25")),
    ("UID", ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1")),
    ("SN", ObjectIdentifier::new_unwrap("2.5.4.4")),
    ("serialNumber", ObjectIdentifier::new_unwrap("2.5.4.5")),
    ("title", ObjectIdentifier::new_unwrap("2.5.4.12")),
    ("businessCategory", ObjectIdentifier::new_unwrap("2.5.4.15")),
    ("postalCode", ObjectIdentifier::new_unwrap("2.5.4.17")),
    ("GN", ObjectIdentifier::new_unwrap("2.5.4.42")),
    ("dnQualifier", ObjectIdentifier::new_unwrap("2.5.4.46")),
    ("pseudonym", ObjectIdentifier::new_unwrap("2.5.4.65")),
    ("organizationIdentifier", ObjectIdentifier::new_unwrap("2.5.4.97")),
    ("emailAddress", ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1")),
    ("name", ObjectIdentifier::new_unwrap("2.5.4.41")),
];

/// A distinguished name, in the order of the certificate. Two are equal if RFC 5280 section 7.1 says so.
#[derive(Clone, Debug)]
pub struct DistinguishedName(Vec<Vec<Attribute>>);

#[derive(Clone, Debug)]
struct Attribute {
    kind: ObjectIdentifier,
    value: Value,
}

#[derive(Clone, Debug)]
enum Value {
    Text(String),
    /// Something else, or text that cannot be read; in DER.
    Other(Vec<u8>),
}

/// A reason why text is not a distinguished name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no distinguished name in the form of RFC 4514, such as CN=client,O=Example")]
pub struct NameError;

impl DistinguishedName {
    /// Reads a parsed name.
    pub(super) fn read(name: &Name) -> Self {
        Self(name.iter_rdn().map(|set| set.iter().map(Attribute::read).collect()).collect())
    }

    /// Returns whether the name is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the texts of the attribute that `kind` names (`CN`, `O`, `emailAddress` or a dotted OID), in the order
    /// of the certificate.
    pub fn texts(&self, kind: &str) -> impl Iterator<Item = &str> {
        let kind = kind_of(kind);
        let wanted = self.0.iter().flatten().filter(move |attribute| Some(attribute.kind) == kind);
        wanted.filter_map(|attribute| if let Value::Text(text) = &attribute.value { Some(text.as_str()) } else { None })
    }

    /// Returns the compared form: each set sorted, each text folded.
    fn folded(&self) -> Vec<Vec<(ObjectIdentifier, Value)>> {
        let fold = |set: &Vec<Attribute>| {
            let mut set: Vec<_> = set.iter().map(|attribute| (attribute.kind, attribute.value.folded())).collect();
            set.sort_by(|(one, first), (two, second)| one.cmp(two).then_with(|| first.key().cmp(&second.key())));
            set
        };
        self.0.iter().map(fold).collect()
    }
}

impl Attribute {
    fn read(attribute: &AttributeTypeAndValue) -> Self {
        let other = || Value::Other(attribute.value.to_der().unwrap_or_default());
        Self { kind: attribute.oid, value: text(&attribute.value).map_or_else(other, Value::Text) }
    }
}

impl Value {
    /// RFC 4518: case folded, white space at the ends gone and each run of it one space.
    fn folded(&self) -> Self {
        match self {
            Self::Text(text) => {
                let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
                Self::Text(words.join(" "))
            }
            Self::Other(der) => Self::Other(der.clone()),
        }
    }

    fn key(&self) -> (bool, &[u8]) {
        match self {
            Self::Text(text) => (true, text.as_bytes()),
            Self::Other(der) => (false, der),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl PartialEq for DistinguishedName {
    fn eq(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl Eq for DistinguishedName {}

fn text(value: &Any) -> Option<String> {
    let bytes = value.value();
    match value.tag() {
        Tag::Utf8String => String::from_utf8(bytes.to_vec()).ok(),
        Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::VisibleString | Tag::TeletexString => {
            bytes.is_ascii().then(|| String::from_utf8(bytes.to_vec()).ok())?
        }
        Tag::BmpString => {
            let units = bytes.chunks(2).map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?)));
            String::from_utf16(&units.collect::<Option<Vec<u16>>>()?).ok()
        }
        _ => None,
    }
}

fn kind_of(name: &str) -> Option<ObjectIdentifier> {
    let named = TYPES.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, kind)| *kind);
    named.or_else(|| ObjectIdentifier::new(name).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DistinguishedName {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn rfc_4514_section_4_examples_come_out_as_they_went_in() {
        for text in [
            "UID=jsmith,DC=example,DC=net",
            "CN=J.  Smith+OU=Sales,DC=example,DC=net",
            r#"CN=James \"Jim\" Smith\, III,DC=example,DC=net"#,
            r"CN=Before\0dAfter,DC=example,DC=net",
            "1.3.6.1.4.1.1466.0=#04024869",
            "CN=Lu\u{10d}i\u{107}",
            r"CN=\#a\ ,O=\ b",
        ] {
            assert_eq!(name(text).to_string(), text);
        }
        assert_eq!(name(r"CN=Lu\C4\8Di\C4\87"), name("CN=Lučić"));
    }

    #[test]
    fn rfc_5280_section_7_1_case_and_white_space_do_not_count_order_does() {
        assert_eq!(name("CN=Client  One, O=ACME ,C=de"), name("cn=client one,o=Acme,C=DE"));
        assert_eq!(name("CN=a+OU=b,O=c"), name("OU=b+CN=a,O=c"));
        for other in ["CN=a,O=c", "O=b,CN=a", "CN=a,OU=b", "CN=a,O=b,C=de", "CN=a+O=b", r"CN=a\0,O=b", "CN=a,CN=a,O=b"]
        {
            assert!(other.parse::<DistinguishedName>().map_or(true, |other| other != name("CN=a,O=b")), "{other}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for wrong in
            ["", "client", "CN", "CN=", "=a", "X Y=a", "CN=a,", "CN=a;O=b", r#"O="a""#, r"CN=a\", r"CN=a\0", "CN=#zz"]
        {
            assert_eq!(wrong.parse::<DistinguishedName>().err(), Some(NameError), "{wrong}");
        }
    }

    #[test]
    fn texts_are_found_by_name_and_by_oid() {
        let name = name("CN=a,OU=b,OU=c,emailAddress=x@y");
        assert_eq!(name.texts("ou").collect::<Vec<_>>(), ["c", "b"]);
        assert_eq!(name.texts("2.5.4.3").collect::<Vec<_>>(), ["a"]);
        assert_eq!(name.texts("emailaddress").count(), 1);
        assert_eq!(name.texts("L").count(), 0);
    }
}
