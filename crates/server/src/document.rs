//! What is the same for everybody and is sent as it was made ready: plain and compressed, each with its tag.

use std::io::Write as _;

use axum::body::Bytes;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::language;

/// A document. Compressed once, so that it costs nothing when it is asked for.
#[derive(Debug)]
pub struct Document {
    content_type: HeaderValue,
    /// How long others may keep it.
    cache_control: HeaderValue,
    plain: Form,
    /// Absent where it would be no shorter.
    gzip: Option<Form>,
}

/// The document in one encoding. Each has a tag of its own, since the octets differ (RFC 9110 section 8.8.3.3).
#[derive(Debug)]
struct Form {
    body: Bytes,
    tag: HeaderValue,
}

impl Form {
    fn new(body: Bytes) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &body);
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]));
        // Quotes and letters of base64url: always a header value.
        let tag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""));
        Self { body, tag }
    }
}

impl Document {
    pub fn new(content_type: HeaderValue, cache_control: HeaderValue, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let gzip = compressed(&body).filter(|shorter| shorter.len() < body.len());
        Self {
            content_type,
            cache_control,
            plain: Form::new(body),
            gzip: gzip.map(|it| Form::new(it.into())),
        }
    }

    /// As it is before it is compressed.
    pub fn body(&self) -> &Bytes {
        &self.plain.body
    }

    /// The answer to a request with these headers: the document in a form that the caller takes, or that it has it already.
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let gzip = self.gzip.as_ref().filter(|_| takes_gzip(request));
        let form = gzip.unwrap_or(&self.plain);
        let mut response = if holds(request, &form.tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            form.body.clone().into_response()
        };
        let headers = response.headers_mut();
        // Room for all that every answer has, too.
        headers.reserve(16);
        headers.insert(CONTENT_TYPE, self.content_type.clone());
        headers.insert(CACHE_CONTROL, self.cache_control.clone());
        headers.insert(ETAG, form.tag.clone());
        if self.gzip.is_some() {
            headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        if gzip.is_some() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

fn compressed(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

/// RFC 9110 section 13.1.2: a list of tags, or `*`, compared weakly.
fn holds(request: &HeaderMap, tag: &HeaderValue) -> bool {
    let Some(held) = request.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()) else { return false };
    held.split(',')
        .map(str::trim)
        .any(|held| held == "*" || held.strip_prefix("W/").unwrap_or(held).as_bytes() == tag.as_bytes())
}

/// RFC 9110 section 12.5.3. Who names no encoding gets none.
fn takes_gzip(request: &HeaderMap) -> bool {
    let lines = request.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let mut any = false;
    for (coding, weight) in lines.flat_map(|line| line.split(',')).filter_map(language::range) {
        if coding.eq_ignore_ascii_case("gzip") {
            return weight > 0;
        }
        any |= coding == "*" && weight > 0;
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use flate2::read::GzDecoder;
    use std::io::Read as _;

    const TEXT: &str =
        "the same words again, the same words again, the same words again, the same words again";

    fn document(text: &'static str) -> Document {
        Document::new(HeaderValue::from_static("text/plain"), HeaderValue::from_static("public"), text)
    }

    fn with(pairs: &[(http::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[tokio::test]
    async fn who_takes_gzip_gets_the_same_content_shorter() {
        let document = document(TEXT);
        let plain = document.answer(&HeaderMap::new());
        assert!(!plain.headers().contains_key(CONTENT_ENCODING));
        let packed = document.answer(&with(&[(ACCEPT_ENCODING, "br, gzip")]));
        assert_eq!(packed.headers()[CONTENT_ENCODING], "gzip");
        assert_ne!(packed.headers()[ETAG], plain.headers()[ETAG]);
        for answer in [&plain, &packed] {
            assert_eq!(answer.headers()[VARY], "Accept-Encoding");
            assert_eq!(answer.headers()[CACHE_CONTROL], "public");
            assert_eq!(answer.headers()[CONTENT_TYPE], "text/plain");
        }
        assert_eq!(to_bytes(plain.into_body(), 1000).await.unwrap(), TEXT);
        let body = to_bytes(packed.into_body(), 1000).await.unwrap();
        assert!(body.len() < TEXT.len());
        let mut unpacked = String::new();
        GzDecoder::new(&*body).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, TEXT);
    }

    #[test]
    fn an_encoding_is_used_only_where_it_is_named_and_not_refused() {
        for (accepted, expected) in [
            ("gzip", true),
            ("GZIP;q=0.5, br", true),
            ("*", true),
            ("br, *;q=0.1", true),
            ("gzip;q=0, *", false),
            ("*, gzip;q=0", false),
            ("*;q=0", false),
            ("br, deflate, identity", false),
            ("", false),
        ] {
            assert_eq!(takes_gzip(&with(&[(ACCEPT_ENCODING, accepted)])), expected, "{accepted:?}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn what_would_be_no_shorter_stays_as_it_is() {
        let answer = document("short").answer(&with(&[(ACCEPT_ENCODING, "gzip")]));
        assert!(!answer.headers().contains_key(CONTENT_ENCODING) && !answer.headers().contains_key(VARY));
    }

    #[test]
    fn who_has_it_is_told_so_and_an_other_forms_tag_is_another() {
        let document = document(TEXT);
        let tag = document.answer(&HeaderMap::new()).headers()[ETAG].to_str().unwrap().to_owned();
        for held in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let answer = document.answer(&with(&[(IF_NONE_MATCH, &held)]));
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{held}");
            assert_eq!(answer.headers()[ETAG], *tag);
        }
        let other = document.answer(&with(&[(IF_NONE_MATCH, &tag), (ACCEPT_ENCODING, "gzip")]));
        assert_eq!(other.status(), StatusCode::OK);
        assert_eq!(document.answer(&with(&[(IF_NONE_MATCH, "\"x\"")])).status(), StatusCode::OK);
    }
}
