//! A mail as the mail server takes it: envelope and message.

use std::time::{Duration, UNIX_EPOCH};

use lettre::address::Envelope;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use terms::{EmailAddress, MailId, Timestamp};

use crate::config::SmtpConfig;
use crate::smtp;

/// What one person is to read.
#[derive(Clone, Copy)]
pub struct Content<'a> {
    pub id: MailId,
    pub recipient: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: Option<&'a str>,
    pub written_at: Timestamp,
}

pub struct Parcel {
    pub envelope: Envelope,
    pub message: Vec<u8>,
}

impl Parcel {
    /// None when the recipient is no address; that of a stored mail always is one.
    ///
    /// The mail's id is the message's, so that a mail that is sent twice can be told to be one.
    pub fn of(smtp: &SmtpConfig, service: &str, content: Content<'_>) -> Option<Self> {
        let to = smtp::address(&EmailAddress::parse(content.recipient).ok()?)?;
        let name = one_line(smtp.from_name.as_deref().unwrap_or(service));
        let millis = u64::try_from(content.written_at.as_millis()).ok()?;
        let builder = Message::builder()
            .from(Mailbox::new(Some(name), smtp.from.clone()))
            .to(Mailbox::new(None, to))
            .subject(one_line(content.subject))
            .message_id(Some(format!("<{}@{}>", content.id, smtp.from.domain())))
            .date(UNIX_EPOCH + Duration::from_millis(millis))
            .header(AutoSubmitted);
        let plain = SinglePart::plain(content.text.to_owned());
        let message = match content.html {
            None => builder.singlepart(plain),
            Some(html) => {
                let both = MultiPart::alternative().singlepart(plain);
                builder.multipart(both.singlepart(SinglePart::html(html.to_owned())))
            }
        };
        let message = message.ok()?;
        Some(Self { envelope: message.envelope().clone(), message: message.formatted() })
    }
}

/// A line break in a header would begin another header.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// RFC 3834 section 5: no person wrote it, so no machine shall answer it.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Encryption;
    use crate::entropy::Entropy;

    const AT: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn smtp() -> SmtpConfig {
        SmtpConfig {
            host: "localhost".to_owned(),
            port: 25,
            encryption: Encryption::None,
            credentials: None,
            from: "login@portico.example".parse().unwrap(),
            from_name: None,
            timeout: Duration::from_secs(1),
            ca_file: None,
        }
    }

    fn letter(recipient: &'static str) -> Content<'static> {
        let id = Entropy.id(MailId::new, AT);
        Content { id, recipient, subject: "Code", text: "123456\n.\nend", html: None, written_at: AT }
    }

    fn message(service: &str, letter: Content<'_>) -> String {
        String::from_utf8(Parcel::of(&smtp(), service, letter).unwrap().message).unwrap()
    }

    #[test]
    fn the_headers_say_who_when_and_that_no_person_wrote_it() {
        let letter = letter("Ada@B\u{fc}cher.example");
        let message = message("Portico", letter);
        for line in [
            "From: Portico <login@portico.example>\r\n",
            "To: Ada@xn--bcher-kva.example\r\n",
            "Subject: Code\r\n",
            "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            &format!("Message-ID: <{}@portico.example>\r\n", letter.id),
        ] {
            assert!(message.contains(line), "{line}{message}");
        }
    }

    #[test]
    fn no_name_and_no_subject_begins_a_header() {
        let evil = "x\r\nBcc: thief@example.com\r\n\r\nbody\u{85}\u{2028}\u{17c}\u{1f600}";
        let message = message(evil, Content { subject: evil, ..letter("ada@example.com") });
        let (head, _) = message.split_once("\r\n\r\n").unwrap();
        let names: Vec<&str> = head
            .split("\r\n")
            .filter(|line| !line.starts_with(' '))
            .map(|line| line.split(':').next().unwrap())
            .collect();
        let expected = [
            "From",
            "To",
            "Subject",
            "Message-ID",
            "Date",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
            "Content-Transfer-Encoding",
        ];
        let mut sorted: Vec<&str> = names.clone();
        sorted.sort_unstable();
        let mut wanted = expected.to_vec();
        wanted.sort_unstable();
        assert_eq!(sorted, wanted, "{head}");
        assert!(head.is_ascii() && !head.replace("\r\n", "").contains(['\r', '\n']), "{head}");
    }

    #[test]
    fn what_is_no_address_makes_no_parcel() {
        for bad in ["", "ada", "ada@example.com\r\nRCPT TO:<thief@example.com>", "a b@example.com"] {
            assert!(
                Parcel::of(&smtp(), "Portico", Content { recipient: bad, ..letter("") }).is_none(),
                "{bad}"
            );
        }
        let beyond = Parcel::of(&smtp(), "Portico", letter("zo\u{eb}@example.com")).unwrap();
        assert_eq!(
            beyond.envelope.to()[0].user(),
            "zo\u{eb}",
            "it needs SMTPUTF8, which the server is asked for"
        );
    }

    #[test]
    fn with_html_it_is_both() {
        let message =
            message("Portico", Content { html: Some("<p>\u{17c}</p>"), ..letter("ada@example.com") });
        assert!(message.contains("Content-Type: multipart/alternative;"), "{message}");
        let (plain, html) = (message.find("text/plain").unwrap(), message.find("text/html").unwrap());
        assert!(plain < html && message.is_ascii(), "the best form comes last (RFC 2046 section 5.1.4)");
    }
}
