//! JSON from outside, read so that no two readers can disagree about it: a duplicate member is refused at every
//! level (RFC 7515 section 4, RFC 7519 section 4; RFC 8259 section 4 leaves it open), and so is what nests too deep.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How deep objects and arrays may nest. Nothing that is read here needs more than four.
pub const DEPTH: usize = 16;

/// Why a text is not JSON that is taken here. It never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonRefusal {
    /// Not JSON, or more than one value, or a duplicate member, or nested too deep.
    Malformed,
    /// JSON, but not an object.
    NotAnObject,
}

impl fmt::Display for JsonRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not well-formed JSON (or a member is there twice, or it nests too deep)",
            Self::NotAnObject => "not a JSON object",
        })
    }
}

impl std::error::Error for JsonRefusal {}

/// Reads one JSON object and nothing after it. The caller has bounded the size.
pub fn parse_object(text: &[u8]) -> Result<Map<String, Value>, JsonRefusal> {
    match parse(text)? {
        Value::Object(members) => Ok(members),
        _ => Err(JsonRefusal::NotAnObject),
    }
}

/// Reads one JSON value and nothing after it. The caller has bounded the size.
pub fn parse(text: &[u8]) -> Result<Value, JsonRefusal> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Strict { levels_left: DEPTH }.deserialize(&mut reader).map_err(|_| JsonRefusal::Malformed)?;
    reader.end().map_err(|_| JsonRefusal::Malformed)?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Strict {
    levels_left: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let levels_left = self.levels_left.checked_sub(1).ok_or_else(|| E::custom("nested too deep"))?;
        Ok(Self { levels_left })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate members")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let item = self.deeper()?;
        let mut array = Vec::new();
        while let Some(value) = items.next_element_seed(item)? {
            array.push(value);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let member = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(member)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_serde_json_reads_is_read_the_same() {
        let text = br#" {"a":[1,-2,2.5,null,true,"x\u0041"],"b":{"c":{}},"":18446744073709551615} "#;
        assert_eq!(parse(text).unwrap(), serde_json::from_slice::<Value>(text).unwrap());
    }

    #[test]
    fn a_duplicate_member_is_refused_at_every_level_and_in_every_spelling() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"b":2,"a":3}}"#,
            r#"{"x":[[{"a":null,"a":null}]]}"#,
        ] {
            assert_eq!(parse(text.as_bytes()), Err(JsonRefusal::Malformed), "{text}");
        }
    }

    #[test]
    fn what_is_not_one_json_object_is_refused() {
        for text in [
            "",
            "{",
            "{}{}",
            "{} x",
            "{'a':1}",
            "{\"a\":1,}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":1e999}",
            "\u{feff}{}",
        ] {
            assert_eq!(parse_object(text.as_bytes()), Err(JsonRefusal::Malformed), "{text}");
        }
        assert_eq!(parse_object(b"{\"a\":\"\xff\"}"), Err(JsonRefusal::Malformed));
        for text in ["[]", "1", "null", "\"{}\""] {
            assert_eq!(parse_object(text.as_bytes()), Err(JsonRefusal::NotAnObject), "{text}");
        }
    }

    #[test]
    fn depth_has_an_end() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(nested(DEPTH).as_bytes()).is_ok());
        assert_eq!(parse(nested(DEPTH + 1).as_bytes()), Err(JsonRefusal::Malformed));
        assert_eq!(parse("[".repeat(1_000_000).as_bytes()), Err(JsonRefusal::Malformed));
    }

    proptest! {
        #[test]
        fn never_panics_and_never_reads_what_serde_json_refuses(text in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(value) = parse(&text) {
                prop_assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), value);
            }
        }
    }
}
