//! Mails: what they say, in the reader's language, and how they wait, sealed, to be sent.

use askama::Template;
use fluent_bundle::FluentValue;
use identity::branding::Palette;
use identity::delivery::MAIL_LIFETIME;
use serde::{Deserialize, Serialize};
use store::mail::MailRecord;
use terms::{EmailAddress, MailId, SecretText, Timestamp, limits};

use crate::app::App;
use crate::error::Failure;
use crate::locale::{Texts, Variable};
use crate::sealing::{Place, SealError};
use crate::tenant::Tenant;

/// Characters of a subject. Mail programs show fewer.
const SUBJECT_CHARACTERS: usize = 200;

/// What a mail says. Sealed as JSON, since it holds a code or a link. A mail of an earlier version opens in a later one: a
/// new member has a default.
#[derive(Serialize, Deserialize)]
pub struct MailBody {
    pub text: String,
    /// The same as a page; none in mails that were written before there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// The code in the text, for the mailbox of `portico dev`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The link in the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl MailBody {
    /// Opens a stored mail.
    pub fn open(tenant: &Tenant, mail: &MailRecord) -> Result<Self, SealError> {
        let plain = tenant.data_key.open(Place::MailBody(mail.id), &mail.sealed_body)?;
        serde_json::from_slice(&plain).map_err(|_| SealError::Format)
    }
}

/// What a mail is about, and is shown large.
pub enum Centre<'a> {
    /// It only tells something.
    Nothing,
    Code(&'a SecretText),
    /// An absolute URL of ours, on a button.
    Link(&'a str),
}

/// A mail before it is sealed.
pub struct Letter<'a> {
    /// The message in `locales/*/mails.ftl` that has its texts as attributes: `subject`, `before` (what stands above the
    /// centre, paragraphs with an empty line between), `action` (the button of a link), `after` (what stands below;
    /// may be absent).
    pub message: &'static str,
    pub to: &'a EmailAddress,
    /// In the reader's language: [`texts_for`](crate::language::texts_for) a user.
    pub texts: &'static Texts,
    /// What the texts name besides `service`. Whatever it holds stays on its line and is no markup.
    pub variables: &'a [(&'a str, &'a dyn Variable)],
    pub centre: Centre<'a>,
}

impl Letter<'_> {
    /// The mail, ready for [`append_mail`](store::Tx::append_mail).
    pub fn seal(&self, app: &App, tenant: &Tenant, now: Timestamp) -> Result<MailRecord, Failure> {
        let (subject, body) = self.write(tenant)?;
        let id = app.entropy.id(MailId::new, now);
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&body).map_err(Failure::new)?);
        let sealed_body =
            tenant.data_key.seal(&app.entropy, Place::MailBody(id), &plain).map_err(Failure::new)?;
        // A code is worth nothing after its time, and neither is a mail that brings it.
        let lifetime = if body.code.is_some() { limits::MAILED_CODE_LIFETIME } else { MAIL_LIFETIME };
        let (recipient, expires_at) = (self.to.as_written().to_owned(), now.plus(lifetime));
        Ok(MailRecord { id, recipient, subject, sealed_body, created_at: now, expires_at })
    }

    /// Subject and body, for what doesn't wait in the queue.
    pub fn write(&self, tenant: &Tenant) -> Result<(String, MailBody), Failure> {
        let said = self.said(tenant.display_name());
        let body = self.body(&said, &tenant.settings.colours.light())?;
        Ok((said.subject, body))
    }

    fn said(&self, service: &str) -> Said {
        let name = one_line(service);
        let service = OneLine(&name);
        let lines: Vec<(&str, OneLine<'_>)> =
            self.variables.iter().map(|(name, value)| (*name, OneLine(*value))).collect();
        let mut variables: Vec<(&str, &dyn Variable)> = vec![("service", &service)];
        variables.extend(lines.iter().map(|(name, value)| (*name, value as &dyn Variable)));
        let part = |part: &str| self.texts.part(self.message, part, &variables);
        let paragraphs = |name: &str| {
            let text = if self.texts.has_part(self.message, name) { part(name) } else { String::new() };
            text.split("\n\n").filter(|text| !text.is_empty()).map(str::to_owned).collect()
        };
        Said {
            subject: one_line(&part("subject")).chars().take(SUBJECT_CHARACTERS).collect(),
            service: name.clone(),
            before: paragraphs("before"),
            action: matches!(self.centre, Centre::Link(_)).then(|| part("action")),
            after: paragraphs("after"),
            footer: self.texts.with("mail-footer", &variables),
        }
    }

    fn body(&self, said: &Said, colours: &Palette) -> Result<MailBody, Failure> {
        let (code, link) = match self.centre {
            Centre::Nothing => (None, None),
            Centre::Code(code) => (Some(code.reveal().to_owned()), None),
            Centre::Link(link) => (None, Some(link.to_owned())),
        };
        let page = MailPage {
            language: self.texts.language.as_str(),
            said,
            colours,
            code: code.as_deref(),
            link: link.as_deref(),
        };
        let html = page.render().map_err(Failure::new)?;
        Ok(MailBody { text: said.text(code.as_deref(), link.as_deref()), html: Some(html), code, link })
    }
}

/// The texts of a mail, filled in.
struct Said {
    subject: String,
    service: String,
    before: Vec<String>,
    action: Option<String>,
    after: Vec<String>,
    footer: String,
}

impl Said {
    /// The mail as plain text.
    fn text(&self, code: Option<&str>, link: Option<&str>) -> String {
        let centre = match (code, link, &self.action) {
            (Some(code), _, _) => Some(format!("    {code}")),
            (None, Some(link), Some(action)) => Some(format!("{action}:\n{link}")),
            (None, Some(link), None) => Some(link.to_owned()),
            (None, None, _) => None,
        };
        let mut parts: Vec<&str> = self.before.iter().map(String::as_str).collect();
        parts.extend(centre.as_deref());
        parts.extend(self.after.iter().map(String::as_str));
        // "-- " begins a signature (RFC 3676 section 4.3).
        format!("{}\n\n-- \n{}\n", parts.join("\n\n"), self.footer)
    }
}

/// The mail as a page: inline styles and tables only, nothing that is fetched, as old mail programs want it.
#[derive(Template)]
#[template(path = "mail.html")]
struct MailPage<'a> {
    language: &'a str,
    said: &'a Said,
    /// The tenant's, of the light scheme: what a mail program makes of it in the dark is its own affair.
    colours: &'a Palette,
    code: Option<&'a str>,
    link: Option<&'a str>,
}

/// A variable whose text stays on one line, so that nobody's name can begin a header or a paragraph.
struct OneLine<'a>(&'a dyn Variable);

impl Variable for OneLine<'_> {
    fn to_fluent(&self) -> FluentValue<'static> {
        match self.0.to_fluent() {
            FluentValue::String(text) => FluentValue::from(one_line(&text)),
            other => other,
        }
    }
}

/// A text without line breaks and other control characters, and without blanks that follow each other.
fn one_line(text: &str) -> String {
    let is_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let spaced: String = text.chars().map(|c| if is_break(c) { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A code that confirms an address.
pub fn code_mail<'a>(to: &'a EmailAddress, texts: &'static Texts, code: &'a SecretText) -> Letter<'a> {
    Letter { message: "mail-code", to, texts, variables: &[], centre: Centre::Code(code) }
}

/// Tells the owner of an address that somebody tried to sign up with it, instead of telling whoever tried.
/// `link` is the tenant's own page for signing in.
pub fn taken_mail<'a>(to: &'a EmailAddress, texts: &'static Texts, link: &'a str) -> Letter<'a> {
    Letter { message: "mail-taken", to, texts, variables: &[], centre: Centre::Link(link) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity::tenant_settings::TenantSettings;
    use terms::Language;

    const NASTY: &str = "Eve\r\nBcc: all@example.test\n\nPay <b>here</b>\u{2028}\"now\"";

    fn written(letter: &Letter<'_>, service: &str) -> (String, MailBody) {
        let said = letter.said(service);
        let body = letter.body(&said, &TenantSettings::default().colours.light()).unwrap();
        (said.subject, body)
    }

    #[test]
    fn a_code_stands_in_both_parts_in_the_readers_language() {
        let to = EmailAddress::parse("ada@example.test").unwrap();
        let code = SecretText::new("123456".to_owned());
        for (language, subject, word) in [
            (Language::English, "Your code for Shop", "ten minutes"),
            (Language::Polish, "Twój kod do Shop", "dziesięć minut"),
        ] {
            let (said, body) = written(&code_mail(&to, Texts::of(language), &code), "Shop");
            assert_eq!(said, subject);
            let html = body.html.unwrap();
            for part in [&body.text, &html] {
                assert!(part.contains("123456") && part.contains(word), "{part}");
            }
            assert!(html.contains(&format!("lang=\"{language}\"")), "{html}");
            assert_eq!((body.code.as_deref(), body.link), (Some("123456"), None));
        }
    }

    #[test]
    fn a_link_is_a_button_and_is_written_out() {
        let to = EmailAddress::parse("ada@example.test").unwrap();
        let link = "https://a.test/sign-in?a=1&b=2";
        let (_, body) = written(&taken_mail(&to, Texts::of(Language::English), link), "Shop");
        assert!(body.text.contains(&format!("Sign in:\n{link}\n")), "{}", body.text);
        assert!(body.html.unwrap().contains("href=\"https://a.test/sign-in?a=1&#38;b=2\""));
        assert_eq!(body.link.as_deref(), Some(link));
    }

    #[test]
    fn no_text_of_anyone_breaks_out_of_its_line_or_its_part() {
        let to = EmailAddress::parse("ada@example.test").unwrap();
        let code = SecretText::new("123456".to_owned());
        let (subject, body) = written(&code_mail(&to, Texts::of(Language::English), &code), NASTY);
        let flat = "Eve Bcc: all@example.test Pay <b>here</b> \"now\"";
        assert_eq!(subject, format!("Your code for {flat}"));
        assert!(body.text.contains(flat), "{}", body.text);
        let html = body.html.unwrap();
        assert!(!html.contains("<b>here") && html.contains("&#60;b&#62;here"), "{html}");
        let long = "x".repeat(5_000);
        let (subject, _) = written(&code_mail(&to, Texts::of(Language::English), &code), &long);
        assert_eq!(subject.chars().count(), SUBJECT_CHARACTERS);
    }

    #[test]
    fn nothing_in_a_mail_is_fetched_or_run() {
        let to = EmailAddress::parse("ada@example.test").unwrap();
        let (_, body) = written(&taken_mail(&to, Texts::of(Language::English), "https://a.test/"), "Shop");
        let html = body.html.unwrap();
        for word in ["<img", "<script", "<link", "<style", "<form", "url(", "src=", "@import", "@font-face"] {
            assert!(!html.contains(word), "{word} in {html}");
        }
    }

    #[test]
    fn a_mail_of_an_earlier_version_opens() {
        let body: MailBody = serde_json::from_str(r#"{"text":"Hello","code":"1","later":true}"#).unwrap();
        assert_eq!((body.text.as_str(), body.html.is_none()), ("Hello", true));
    }
}
