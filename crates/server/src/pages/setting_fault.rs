//! What is wrong with a tenant's settings, in the words of a page.

use identity::branding::LogoFault;
use identity::tenant_settings::Wrong;
use terms::limits;

use super::View;

/// The text for an administrator, at the field that the fault's path names.
pub fn text(view: View<'_>, wrong: &Wrong) -> String {
    match wrong {
        // A form has none of these; a file has.
        Wrong::UnknownMember
        | Wrong::NotAnObject
        | Wrong::NotText
        | Wrong::NotAList
        | Wrong::Twice
        | Wrong::NotACount { .. }
        | Wrong::NotAScope => view.text("setting-shape"),
        Wrong::NotANumber => view.text("setting-number"),
        Wrong::Empty => view.text("setting-empty"),
        Wrong::TooLong { most } => view.text_with("setting-too-long", "most", most),
        Wrong::ControlCharacter => view.text("setting-one-line"),
        Wrong::NotAColour => view.text("setting-colour"),
        Wrong::Contrast { hundredths } => {
            let ratio = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            view.text_with("setting-contrast", "ratio", &ratio)
        }
        Wrong::OutOfRange { most } => view.text_with("setting-range", "most", &i64::from(*most)),
        Wrong::NoSuchChoice { known } => view.text_with("setting-choice", "known", &known.join(", ")),
        Wrong::NotAnHttpsUrl => view.text("setting-https"),
        Wrong::Logo(fault) => logo(view, *fault),
    }
}

fn logo(view: View<'_>, fault: LogoFault) -> String {
    match fault {
        LogoFault::NotADataUrl => view.text("setting-logo-unreadable"),
        LogoFault::TooLarge => view.text_with("setting-logo-large", "most", &(limits::LOGO_BYTES / 1024)),
        LogoFault::Format => view.text("setting-logo-format"),
        LogoFault::Size => view.text_with("setting-logo-size", "most", &i64::from(limits::LOGO_PIXELS)),
    }
}
