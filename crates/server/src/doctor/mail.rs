//! The mail server: reached, encrypted, signed in to. No mail is sent.

use identity::delivery::{Attempt, NoService};

use super::{Check, Report};
use crate::config::{Config, SmtpConfig};
use crate::smtp::{Conversation, Trouble};

pub(super) async fn look(report: &mut Report, config: &Config) {
    let Some(smtp) = &config.smtp else {
        if !config.is_development() {
            report.warn(
                Check::Mail,
                "no mail is sent: people can't sign up by themselves or set a forgotten password anew",
                "write a section [smtp]; or leave it so, and make users with `portico users create`",
            );
        }
        return;
    };
    match Conversation::open(smtp).await {
        Ok(conversation) => {
            conversation.end().await;
            let signed_in = if smtp.credentials.is_some() { ", and lets us in" } else { "" };
            report.ok(Check::Mail, format!("{}:{} answers{signed_in}", smtp.host, smtp.port));
        }
        Err(Trouble { attempt, said }) => {
            report.fail(Check::Mail, format!("{}:{}: {said}", smtp.host, smtp.port), mend(smtp, attempt));
        }
    }
}

fn mend(smtp: &SmtpConfig, attempt: Attempt) -> String {
    let at = match attempt {
        Attempt::NoService(at) => at,
        Attempt::Accepted | Attempt::Answered(_) | Attempt::Unsendable(_) | Attempt::TooLate => {
            NoService::Silence
        }
    };
    match at {
        NoService::Connect => format!(
            "correct smtp.host and smtp.port ({}:{}), or let this machine connect there through the firewall",
            smtp.host, smtp.port
        ),
        NoService::Tls => format!(
            "the mail server needs a certificate for {} from an authority that this machine trusts; name another in smtp.ca_file",
            smtp.host
        ),
        NoService::Greeting => {
            "smtp.encryption must be what the server speaks on that port: \"starttls\" (587) or \"tls\" (465)".to_owned()
        }
        NoService::Authentication => "correct smtp.username and the password of smtp.password_file".to_owned(),
        NoService::Silence => {
            "smtp.encryption and smtp.port must belong together; a server that is only slow needs a longer smtp.timeout_seconds"
                .to_owned()
        }
    }
}
