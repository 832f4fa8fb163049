use crate::pages::tell;

const SCRIPT: &str = "browser/account.mjs";

#[tokio::test]
async fn an_account_is_looked_after_and_ended() {
    tell(SCRIPT, "english").await;
}

#[tokio::test]
async fn an_account_is_looked_after_and_ended_in_polish() {
    tell(SCRIPT, "polish").await;
}

#[tokio::test]
async fn an_account_is_looked_after_and_ended_with_scripts_off() {
    tell(SCRIPT, "withoutScripts").await;
}

#[tokio::test]
async fn an_account_is_looked_after_and_ended_in_polish_with_scripts_off() {
    tell(SCRIPT, "polishWithoutScripts").await;
}
