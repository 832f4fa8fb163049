//! A tenant's logo: which files are taken.
//!
//! PNG, JPEG and WebP only. An SVG is a document that can run scripts and fetch what it names; to take only harmless ones
//! needs an XML parser and a list of what is harmless, and to miss one thing is a script on the page that asks for
//! passwords. docs/decisions/ tells what was weighed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use terms::limits;

/// The kinds of picture that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogoFormat {
    Png,
    Jpeg,
    Webp,
}

impl LogoFormat {
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }

    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
        }
    }
}

/// Why a file is not taken as a logo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoFault {
    /// Not `data:image/png;base64,…`.
    NotADataUrl,
    TooLarge,
    /// By its content, whatever its name says. An SVG is among these.
    Format,
    /// A picture of more pixels would take the browser's memory, however few its octets.
    Size,
}

impl fmt::Display for LogoFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADataUrl => f.write_str("is no data: URL with base64; write data:image/png;base64,…"),
            Self::TooLarge => write!(f, "is larger than {} octets", limits::LOGO_BYTES),
            Self::Format => f.write_str(
                "is no PNG, JPEG or WebP; make one of at most 1024 by 1024 pixels (SVG is not taken)",
            ),
            Self::Size => write!(f, "must be 1 to {0} pixels wide and 1 to {0} high", limits::LOGO_PIXELS),
        }
    }
}

impl std::error::Error for LogoFault {}

/// A picture that is what it says it is. Only [`Logo::check`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    octets: Vec<u8>,
    about: LogoRef,
}

/// What a tenant's settings say about its logo; the octets lie apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoRef {
    pub format: LogoFormat,
    pub width: u32,
    pub height: u32,
    /// The first 16 octets of the SHA-256 of the file, in hexadecimal digits: its name.
    pub digest: String,
}

impl Logo {
    /// Looks at the content, not at any name.
    pub fn check(octets: Vec<u8>) -> Result<Self, LogoFault> {
        if octets.len() > limits::LOGO_BYTES {
            return Err(LogoFault::TooLarge);
        }
        let (format, (width, height)) = measure(&octets).ok_or(LogoFault::Format)?;
        let fits = |side: u32| (1..=limits::LOGO_PIXELS).contains(&side);
        if !fits(width) || !fits(height) {
            return Err(LogoFault::Size);
        }
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &octets);
        let digest = digest.as_ref()[..16].iter().fold(String::new(), |mut hex, byte| {
            use fmt::Write as _;
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Ok(Self { octets, about: LogoRef { format, width, height, digest } })
    }

    /// From a `data:` URL (RFC 2397) in base64. What it says about its type doesn't count.
    pub fn from_data_url(text: &str) -> Result<Self, LogoFault> {
        let (kind, encoded) =
            text.strip_prefix("data:").and_then(|rest| rest.split_once(',')).ok_or(LogoFault::NotADataUrl)?;
        if !kind.ends_with(";base64") {
            return Err(LogoFault::NotADataUrl);
        }
        // Four digits for three octets.
        if encoded.len() > limits::LOGO_BYTES.div_ceil(3) * 4 {
            return Err(LogoFault::TooLarge);
        }
        Self::check(STANDARD.decode(encoded).map_err(|_| LogoFault::NotADataUrl)?)
    }

    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    pub fn about(&self) -> &LogoRef {
        &self.about
    }
}

impl LogoRef {
    /// The name of the file under which it is served.
    pub fn file_name(&self) -> String {
        format!("logo.{}.{}", self.digest, self.format.extension())
    }
}

fn measure(octets: &[u8]) -> Option<(LogoFormat, (u32, u32))> {
    png(octets)
        .map(|size| (LogoFormat::Png, size))
        .or_else(|| jpeg(octets).map(|size| (LogoFormat::Jpeg, size)))
        .or_else(|| webp(octets).map(|size| (LogoFormat::Webp, size)))
}

fn array<const N: usize>(octets: &[u8], at: usize) -> Option<[u8; N]> {
    octets.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// The header chunk comes first (PNG, third edition, section 11.2.1).
fn png(octets: &[u8]) -> Option<(u32, u32)> {
    let header = octets.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")?;
    Some((u32::from_be_bytes(array(header, 0)?), u32::from_be_bytes(array(header, 4)?)))
}

/// The size is in the frame header, after segments that each tell their length (ITU-T T.81, section B.1.1).
fn jpeg(octets: &[u8]) -> Option<(u32, u32)> {
    octets.strip_prefix(&[0xff, 0xd8, 0xff])?;
    let mut at = 2;
    loop {
        let [0xff, marker] = array(octets, at)? else { return None };
        match marker {
            // A filling octet before a marker.
            0xff => at += 1,
            // Frame headers; of the numbers among them C4, C8 and CC mean something else.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let height = u16::from_be_bytes(array(octets, at + 5)?);
                let width = u16::from_be_bytes(array(octets, at + 7)?);
                return Some((width.into(), height.into()));
            }
            // A scan or the end without a frame before it, and markers that have no length: not here.
            0x00..=0x01 | 0xd0..=0xda => return None,
            _ => at += 2 + usize::from(u16::from_be_bytes(array(octets, at + 2)?)),
        }
    }
}

/// RFC 9649 sections 2.4 to 2.7: lossy, lossless, and the extended form.
fn webp(octets: &[u8]) -> Option<(u32, u32)> {
    if octets.get(..4)? != b"RIFF" || octets.get(8..12)? != b"WEBP" {
        return None;
    }
    match octets.get(12..16)? {
        b"VP8 " if octets.get(23..26)? == [0x9d, 0x01, 0x2a] => {
            let side = |at| array(octets, at).map(|side| u32::from(u16::from_le_bytes(side) & 0x3fff));
            Some((side(26)?, side(28)?))
        }
        b"VP8L" if *octets.get(20)? == 0x2f => {
            let bits = u32::from_le_bytes(array(octets, 21)?);
            Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        b"VP8X" => {
            let side = |at| array(octets, at).map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]) + 1);
            Some((side(24)?, side(27)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png_of(width: u32, height: u32) -> Vec<u8> {
        [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", &width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]]
            .concat()
    }

    fn jpeg_of(width: u16, height: u16) -> Vec<u8> {
        let application = [0xff, 0xe0, 0, 4, 0xff, 0xc0];
        let frame = [0xff, 0xff, 0xc2, 0, 11, 8];
        [&[0xff, 0xd8], &application[..], &frame, &height.to_be_bytes(), &width.to_be_bytes(), &[1]].concat()
    }

    fn webp_of(chunk: &str, rest: &[u8]) -> Vec<u8> {
        [b"RIFF\0\0\0\0WEBP", chunk.as_bytes(), &[0, 0, 0, 0], rest].concat()
    }

    #[test]
    fn pictures_are_known_by_their_content_and_measured() {
        let bits = (0x13f_u32 | 0x63 << 14).to_le_bytes();
        for (octets, format) in [
            (png_of(320, 100), LogoFormat::Png),
            (jpeg_of(320, 100), LogoFormat::Jpeg),
            (webp_of("VP8 ", &[0, 0, 0, 0x9d, 1, 0x2a, 64, 1, 100, 0]), LogoFormat::Webp),
            (webp_of("VP8L", &[&[0x2f], &bits[..]].concat()), LogoFormat::Webp),
            (webp_of("VP8X", &[0, 0, 0, 0, 63, 1, 0, 99, 0, 0]), LogoFormat::Webp),
        ] {
            let logo = Logo::check(octets.clone()).unwrap();
            let about = logo.about();
            assert_eq!((about.format, about.width, about.height), (format, 320, 100), "{octets:?}");
            assert_eq!(about.digest.len(), 32);
            // Cut off anywhere in its header it is no picture, and nothing panics.
            for end in 0..octets.len().min(30) {
                let _ = Logo::check(octets[..end].to_vec());
            }
            assert_eq!(Logo::check(octets[..12].to_vec()), Err(LogoFault::Format));
        }
    }

    #[test]
    fn whatever_else_is_refused() {
        let url = |octets: &[u8]| format!("data:image/png;base64,{}", STANDARD.encode(octets));
        assert!(Logo::from_data_url(&url(&png_of(1, 1024))).is_ok());
        let mut large = png_of(1, 1);
        large.resize(limits::LOGO_BYTES + 1, 0);
        for (text, fault) in [
            ("https://elsewhere.example/logo.png".to_owned(), LogoFault::NotADataUrl),
            ("data:image/png,abc".to_owned(), LogoFault::NotADataUrl),
            ("data:image/png;base64,a b".to_owned(), LogoFault::NotADataUrl),
            (url(b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), LogoFault::Format),
            (url(b"<html><script>alert(1)</script>"), LogoFault::Format),
            (url(b"GIF89a\x01\0\x01\0"), LogoFault::Format),
            (url(b""), LogoFault::Format),
            (url(&png_of(0, 5)), LogoFault::Size),
            (url(&png_of(1025, 5)), LogoFault::Size),
            (url(&png_of(u32::MAX, 5)), LogoFault::Size),
            (url(&large), LogoFault::TooLarge),
            (url(&vec![0; 1_000_000]), LogoFault::TooLarge),
        ] {
            assert_eq!(Logo::from_data_url(&text).err(), Some(fault), "{}", &text[..text.len().min(60)]);
        }
    }
}
