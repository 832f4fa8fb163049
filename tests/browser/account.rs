use crate::pages::tell;

#[tokio::test]
async fn somebody_looks_after_their_account() {
    tell("browser/account.mjs", "pages").await;
}

#[tokio::test]
async fn an_account_is_looked_after_and_ended_with_scripts_off() {
    tell("browser/account.mjs", "withoutScripts").await;
}
