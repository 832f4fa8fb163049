//! A form that brings a file (`multipart/form-data`, RFC 7578). It is read whole: no request has more octets than a small
//! picture and its form.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::response::Response;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use terms::{SecretText, limits};

use super::{Fields, Submission};
use crate::app::App;

/// A POST of one of our own pages that brings a file: all that holds for a [`Submission`], and the octets. None where the
/// person chose no file.
pub struct Upload {
    pub submission: Submission,
    pub file: Vec<u8>,
}

impl FromRequest<Arc<App>> for Upload {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let read = |headers: &HeaderMap, body: &axum::body::Bytes| parse(&boundary(headers)?, body);
        let (submission, file) = Submission::read(request, app, read).await?;
        Ok(Self { submission, file })
    }
}

/// What stands between the parts (RFC 2046 section 5.1.1): 1 to 70 octets.
fn boundary(headers: &HeaderMap) -> Option<String> {
    let (essence, parameters) = headers.get(CONTENT_TYPE)?.to_str().ok()?.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let (name, value) = parameters.trim().split_once('=')?;
    let value = value.strip_prefix('"').map_or(Some(value), |rest| rest.strip_suffix('"'))?;
    let is_allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&octet);
    let fits = (1..=70).contains(&value.len()) && value.bytes().all(is_allowed);
    (name.eq_ignore_ascii_case("boundary") && fits).then(|| value.to_owned())
}

/// The fields and the one file. Nothing when anything is not of its form, there twice, too much or too long.
fn parse(boundary: &str, body: &[u8]) -> Option<(Fields, Vec<u8>)> {
    let (mut fields, mut file) = (BTreeMap::new(), None);
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(&delimiter.as_bytes()[2..])?;
    loop {
        if let Some(end) = rest.strip_prefix(b"--") {
            return (end.is_empty() || end == b"\r\n").then_some((Fields(fields), file.unwrap_or_default()));
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let head_end = find(rest, b"\r\n\r\n")?;
        let (head, content) = (&rest[..head_end], &rest[head_end + 4..]);
        let content_end = find(content, delimiter.as_bytes())?;
        let part = Part::read(std::str::from_utf8(head).ok()?)?;
        let octets = &content[..content_end];
        rest = &content[content_end + delimiter.len()..];
        if part.is_file {
            if file.replace(octets.to_vec()).is_some() {
                return None;
            }
            continue;
        }
        let value = std::str::from_utf8(octets).ok()?;
        let fits = fields.len() < limits::PARAMETERS && value.len() <= limits::PARAMETER_BYTES;
        let is_new = fields.insert(part.name, SecretText::new(value.to_owned())).is_none();
        if !fits || !is_new {
            return None;
        }
    }
}

fn find(octets: &[u8], wanted: &[u8]) -> Option<usize> {
    octets.windows(wanted.len()).position(|window| window == wanted)
}

/// What a part's `Content-Disposition` says (RFC 7578 section 4.2). The file's own name and type count for nothing.
struct Part {
    name: String,
    is_file: bool,
}

impl Part {
    fn read(head: &str) -> Option<Self> {
        let disposition = head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-disposition").then(|| value.trim())
        })?;
        // Our fields' names have no quotes; a file's name may have what it likes, and comes last.
        let (name, rest) = disposition.strip_prefix("form-data; name=\"")?.split_once('"')?;
        Some(Self { name: name.to_owned(), is_file: rest.starts_with("; filename") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const GOOD: &str = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--x\r\ncontent-disposition: form-data; name=\"logo\"; filename=\"p\\\"; name=\\\"a.png\"\r\nContent-Type: image/png\r\n\r\n\u{89}PNG\r\n--y\r\n\r\n--x--\r\n";

    #[test]
    fn fields_and_the_file_are_read() {
        let (fields, file) = parse("x", GOOD.as_bytes()).unwrap();
        assert_eq!((fields.value("a"), fields.value("logo")), ("one", ""));
        assert_eq!(file, "\u{89}PNG\r\n--y\r\n".as_bytes());
        let (fields, file) = parse("x", b"--x--").unwrap();
        assert!(fields.value("a").is_empty() && file.is_empty());
    }

    #[test]
    fn what_is_not_of_its_form_is_not_read() {
        for end in 0..GOOD.len() - 2 {
            assert!(parse("x", &GOOD.as_bytes()[..end]).is_none(), "cut off at {end}");
        }
        for (from, to) in [
            ("name=\"logo\"; filename=\"p\\\"; name=\\\"a.png\"", "name=\"a\""),
            ("name=\"a\"", "name=\"logo\"; filename=\"\""),
            ("form-data; name=\"a\"", "form-data; filename=\"a\""),
            ("form-data; name=\"a\"", "attachment; name=\"a\""),
            ("--x--\r\n", "--x--\r\nmore"),
            ("--x\r\ncontent", "--x \r\ncontent"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            assert!(parse("x", GOOD.replacen(from, to, 1).as_bytes()).is_none(), "{from} -> {to}");
        }
        let long = GOOD.replacen("one", &"1".repeat(limits::PARAMETER_BYTES + 1), 1);
        assert!(parse("x", long.as_bytes()).is_none());
        let field = |n| format!("--x\r\nContent-Disposition: form-data; name=\"{n}\"\r\n\r\n\r\n");
        let many = (0..=limits::PARAMETERS).map(field).collect::<Vec<_>>().concat();
        assert!(parse("x", format!("{many}--x--").as_bytes()).is_none());
        assert!(parse("y", GOOD.as_bytes()).is_none() && parse("", GOOD.as_bytes()).is_none());
    }

    #[test]
    fn a_boundary_is_one_of_rfc_2046() {
        let of = |value: &str| {
            boundary(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_str(value).unwrap())]))
        };
        assert_eq!(
            of("multipart/form-data; boundary=----WebKitFormBoundaryX"),
            Some("----WebKitFormBoundaryX".to_owned())
        );
        assert_eq!(of("Multipart/Form-Data;boundary=\"a:b\""), Some("a:b".to_owned()));
        let long = format!("multipart/form-data; boundary={}", "a".repeat(71));
        for bad in [
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"a",
            "multipart/form-data; boundary=a b",
            "multipart/form-data; boundary=a; charset=utf-8",
            "multipart/mixed; boundary=a",
            &long,
        ] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
