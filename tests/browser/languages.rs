use crate::pages::tell;

const SCRIPT: &str = "browser/languages.mjs";

#[tokio::test]
async fn everything_is_polish_for_who_reads_polish() {
    tell(SCRIPT, "polish").await;
}

#[tokio::test]
async fn everything_is_polish_with_scripts_off() {
    tell(SCRIPT, "withoutScripts").await;
}

#[tokio::test]
async fn a_language_is_chosen_on_the_way() {
    tell(SCRIPT, "switched").await;
}

#[tokio::test]
async fn mails_are_pages_that_anyone_can_read() {
    tell(SCRIPT, "mails").await;
}
