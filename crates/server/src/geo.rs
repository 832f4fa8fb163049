//! Where an address is, as far as an operator's database tells: a file in the MMDB format, such as GeoLite2 City or DB-IP.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use maxminddb::{MaxMindDbError, Reader, geoip2};

/// Places by address. Without a database there are none.
#[derive(Default)]
pub struct Places(Option<Reader<Vec<u8>>>);

/// A file that is no usable database.
#[derive(Debug)]
pub struct PlacesError(MaxMindDbError);

impl fmt::Display for PlacesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "is not a readable MMDB database: {}", self.0)
    }
}

impl std::error::Error for PlacesError {}

impl Places {
    /// Reads the whole file into memory.
    pub fn open(path: &Path) -> Result<Self, PlacesError> {
        Reader::open_readfile(path).map(|reader| Self(Some(reader))).map_err(PlacesError)
    }

    /// City and country, in the language where the database has it, else in English. Only ever shown: nothing is decided
    /// by it.
    pub fn of(&self, address: IpAddr, language: &str) -> Option<String> {
        let found = self.0.as_ref()?.lookup(address).and_then(|found| found.decode::<geoip2::City<'_>>());
        let city = match found {
            Ok(city) => city?,
            Err(error) => {
                tracing::warn!(%error, "cannot look up a place");
                return None;
            }
        };
        let parts = [named(&city.city.names, language), named(&city.country.names, language)];
        let place = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        (!place.is_empty()).then_some(place)
    }
}

fn named<'a>(names: &geoip2::Names<'a>, language: &str) -> Option<&'a str> {
    let own = match language.split('-').next() {
        Some("de") => names.german,
        Some("es") => names.spanish,
        Some("fr") => names.french,
        Some("ja") => names.japanese,
        Some("pt") => names.brazilian_portuguese,
        Some("ru") => names.russian,
        Some("zh") => names.simplified_chinese,
        _ => None,
    };
    own.or(names.english)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database that knows one address: `MaxMind DB` format 2.0, a chain of 128 nodes and one record.
    fn database(address: [u8; 16], record: &[u8]) -> Vec<u8> {
        const NODES: u32 = 128;
        let mut file = Vec::new();
        for depth in 0..NODES {
            let bit = address[depth as usize / 8] >> (7 - depth % 8) & 1;
            // Beyond the last node lies the data, after 16 octets of separator; `NODES` itself says that nothing is known.
            let on = if depth + 1 == NODES { NODES + 16 } else { depth + 1 };
            let pair = if bit == 0 { [on, NODES] } else { [NODES, on] };
            for record in pair {
                file.extend(&record.to_be_bytes()[1..]);
            }
        }
        file.extend([0; 16]);
        file.extend(record);
        file.extend(b"\xab\xcd\xefMaxMind.com");
        file.extend(map(&[
            ("binary_format_major_version", uint16(2)),
            ("binary_format_minor_version", uint16(0)),
            ("build_epoch", vec![0x01, 0x02, 1]),
            ("database_type", text("Test-City")),
            ("description", map(&[])),
            ("ip_version", uint16(6)),
            ("languages", vec![0x00, 0x04]),
            ("node_count", vec![0xc1, 128]),
            ("record_size", uint16(24)),
        ]));
        file
    }

    fn uint16(value: u8) -> Vec<u8> {
        vec![0xa1, value]
    }

    fn text(text: &str) -> Vec<u8> {
        let size = u8::try_from(text.len()).unwrap();
        let mut out = if size < 29 { vec![0x40 + size] } else { vec![0x40 + 29, size - 29] };
        out.extend(text.as_bytes());
        out
    }

    fn map(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut out = vec![0xe0 | u8::try_from(members.len()).unwrap()];
        for (name, value) in members {
            out.extend(text(name));
            out.extend(value);
        }
        out
    }

    fn names(pairs: &[(&str, &str)]) -> Vec<u8> {
        let pairs: Vec<_> = pairs.iter().map(|(language, name)| (*language, text(name))).collect();
        map(&[("names", map(&pairs))])
    }

    fn places() -> Places {
        let address: std::net::Ipv6Addr = "2001:db8::7".parse().unwrap();
        let record = map(&[
            ("city", names(&[("en", "Warsaw"), ("de", "Warschau")])),
            ("country", names(&[("en", "Poland"), ("de", "Polen")])),
        ]);
        let file = database(address.octets(), &record);
        Places(Some(Reader::from_source(file).unwrap()))
    }

    #[test]
    fn a_place_is_told_in_the_readers_language_where_the_database_has_it() {
        let known: IpAddr = "2001:db8::7".parse().unwrap();
        assert_eq!(places().of(known, "de").as_deref(), Some("Warschau, Polen"));
        assert_eq!(places().of(known, "pl").as_deref(), Some("Warsaw, Poland"));
        for unknown in ["2001:db8::8", "192.0.2.1"] {
            assert_eq!(places().of(unknown.parse().unwrap(), "en"), None, "{unknown}");
        }
        assert_eq!(Places::default().of(known, "en"), None);
    }

    #[test]
    fn a_file_that_is_no_database_is_refused() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert!(Places::open(&path).is_err() && Places::open(Path::new("/no/such/file")).is_err());
    }
}
