//! `/password/strength`: how hard a password is to guess, while it is being chosen. It is a help for whoever types; what
//! counts is decided when the form comes.
//!
//! Nothing of it is stored or logged, and nothing is said that the form would not say.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use identity::password::{PasswordPolicy, PasswordRefusal, Strength, strength};
use serde_json::json;
use terms::{SecretText, limits};

use super::{Submission, View};
use crate::attempts;
use crate::rate_limits::Limit;

const POLICY: PasswordPolicy = PasswordPolicy::Alone;

/// `POST /password/strength`, with the form's own token. Answers JSON: `score` from 0 to 4, `label` and `text` in the
/// person's language.
pub async fn judge(submission: Submission) -> Response {
    let site = &submission.site;
    if let Err(wait) = site.count(Limit::StrengthQuestions) {
        return attempts::too_many(StatusCode::TOO_MANY_REQUESTS.into_response(), wait, submission.now);
    }
    let tenant = &site.tenant;
    let chosen = submission.form.secret("password");
    let written = submission.form.value("email");
    if written.len() > limits::EMAIL_BYTES {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    let context = [written, tenant.display_name(), tenant.issuer.authority()];
    let strength = strength(&chosen, POLICY, &context);
    let (score, label, text) = words(submission.view(), &chosen, strength);
    Json(json!({ "score": score, "label": label, "text": text })).into_response()
}

fn words(view: View<'_>, chosen: &SecretText, strength: Strength) -> (u8, String, String) {
    let (score, label, text) = match strength {
        Strength::Refused(refusal) => {
            let text = match refusal {
                PasswordRefusal::TooShort { least } => {
                    let missing = least.saturating_sub(chosen.reveal().chars().count()).max(1);
                    view.text_with("look-advice-short", "missing", &missing)
                }
                PasswordRefusal::TooLong { .. } => view.text("look-advice-long"),
                PasswordRefusal::Guessable => view.text("look-advice-guessable"),
            };
            (1, view.text("look-strength-weak"), text)
        }
        Strength::Fair => (2, view.text("look-strength-fair"), view.text("look-advice-fair")),
        Strength::Good => (3, view.text("look-strength-good"), view.text("look-advice-good")),
        Strength::Strong => (4, view.text("look-strength-strong"), view.text("look-advice-strong")),
    };
    (score, label, text)
}
