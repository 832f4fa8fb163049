use crate::pages::tell;

const SCRIPT: &str = "browser/recover.mjs";

#[tokio::test]
async fn a_forgotten_password_is_set_anew() {
    tell(SCRIPT, "english").await;
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_in_polish() {
    tell(SCRIPT, "polish").await;
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_with_scripts_off() {
    tell(SCRIPT, "withoutScripts").await;
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_in_polish_with_scripts_off() {
    tell(SCRIPT, "polishWithoutScripts").await;
}
