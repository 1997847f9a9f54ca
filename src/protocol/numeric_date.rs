//! A moment as others write it in JSON (RFC 7519 section 2, NumericDate): seconds since the epoch, perhaps with a fraction
//! or an exponent. Every such date that is read goes through here.

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::clock::Time;

/// The first second of the year 10000: nobody means a later one.
const END: f64 = 253_402_300_800.0;

/// A date of somebody else's, to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NumericDate(Time);

impl NumericDate {
    /// Returns the date, if `value` is a number from 0 up to the year 9999.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        value.as_f64().and_then(Self::of)
    }

    fn of(seconds: f64) -> Option<Self> {
        let plausible = (0.0..END).contains(&seconds);
        plausible.then(|| Self(Time::ZERO + Duration::from_secs_f64(seconds)))
    }

    /// Returns the time.
    pub(crate) const fn time(self) -> Time {
        self.0
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Self::of(seconds).ok_or_else(|| serde::de::Error::custom("seconds since the epoch, up to the year 9999"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7519_2_a_date_may_have_a_fraction_or_an_exponent() {
        for (text, millis) in [
            ("0", 0),
            ("1795899999", 1_795_899_999_000),
            ("1795899999.5", 1_795_899_999_500),
            ("1.79e9", 1_790_000_000_000),
            ("253402300799", 253_402_300_799_000),
        ] {
            let date: NumericDate = serde_json::from_str(text).unwrap();
            assert_eq!(date.time().as_millis(), millis, "{text}");
            assert_eq!(NumericDate::read(&serde_json::from_str(text).unwrap()), Some(date));
        }
        for text in ["-1", "-0.5", "253402300800", "1e300", "\"1\"", "null", "true", "[1]", "{}"] {
            assert!(serde_json::from_str::<NumericDate>(text).is_err(), "{text}");
            assert_eq!(NumericDate::read(&serde_json::from_str(text).unwrap()), None, "{text}");
        }
    }
}
