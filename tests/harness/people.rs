use serde_json::Value;

use crate::browser::{Browser, client};
use crate::page::Page;
use crate::world::World;

/// The password of everybody in the tests: long enough to stand alone.
pub const PASSWORD: &str = "quiet lantern harbour moss";

/// Somebody with an account, and the browser that they sit at.
pub struct Person {
    pub email: String,
    pub password: String,
    pub browser: Browser,
}

impl World {
    /// Somebody comes, makes an account, reads the mailed code, and is signed in.
    pub async fn sign_up(&self, email: &str) -> Person {
        let browser = self.browser();
        let form = browser.open("/sign-up").await.form_with("password");
        let sent = browser.submit(form.fill("email", email).fill("password", PASSWORD)).await;
        let code = self.mailed_code(email).await;
        let done = browser.submit(sent.form_with("code").fill("code", &code)).await;
        assert_eq!(done.status, 200, "{done}");
        Person { email: email.to_owned(), password: PASSWORD.to_owned(), browser }
    }

    /// The development mailbox, newest first.
    pub async fn mails(&self) -> Vec<Value> {
        let http = client().build().expect("an HTTP client");
        let answer = http.get(format!("{}/dev/mailbox.json", self.issuer())).send().await.expect("an answer");
        answer.json().await.expect("mails in JSON")
    }

    /// Those that tell of something else than a sign-in from a new browser.
    pub async fn mails_but_of_sign_ins(&self) -> Vec<Value> {
        let mut mails = self.mails().await;
        mails.retain(|mail| !mail["subject"].as_str().unwrap_or_default().starts_with("New sign-in"));
        mails
    }

    /// The code in the newest mail to this address; none is a failed test.
    ///
    /// Reading takes a moment, so that a mail that is sent afterwards is a newer one.
    pub async fn mailed_code(&self, email: &str) -> String {
        self.clock.advance(std::time::Duration::from_millis(1));
        let mails = self.mails().await;
        let mail = mails.iter().find(|mail| mail["to"] == email && mail["code"].is_string());
        mail.and_then(|mail| mail["code"].as_str())
            .unwrap_or_else(|| panic!("no code for {email} among {} mails", mails.len()))
            .to_owned()
    }
}

impl Person {
    /// Signs in outside of any authorization request.
    pub async fn sign_in(&self) -> Page {
        let page = self.browser.open("/sign-in").await;
        self.sign_in_at(page).await
    }

    /// Goes on from the page that asks who this is, to wherever the sign-in leads.
    pub async fn sign_in_at(&self, page: Page) -> Page {
        let named = self.browser.submit(page.form_with("email").fill("email", &self.email)).await;
        self.browser.submit(named.form_with("password").fill("password", &self.password)).await
    }
}
