use std::fmt::Write as _;

use harness::{Browser, Folder, Program, RelyingParty, Tokens, claims, free_port, portico};
use serde_json::Value;
use server::testing::{self, EngineKind, StoredGrant, TestDatabase};

const EMAIL: &str = "ada@example.test";
const PASSWORD: &str = "correct horse battery staple";
/// Any: it seals what these tests never unseal themselves.
const MASTER_KEY: &str = "8f3a1c5e7092b4d6a8cfe1320457698b9badc0ef12345768a9b0c1d2e3f40516";
const CALLBACK: &str = "https://rp.example.test/callback";

/// `portico serve` on a database of its own, with a person, a client, and a browser in which the person is signed in.
pub struct Deployment {
    pub relying_party: RelyingParty,
    pub browser: Browser,
    config: String,
    program: Program,
    database: TestDatabase,
    _folder: Folder,
}

/// What one token request came to.
pub enum Outcome {
    Granted(Tokens),
    /// `invalid_grant`.
    Refused,
    /// The connection broke before a whole answer came.
    Unanswered,
}

impl Deployment {
    pub async fn make(engine: EngineKind) -> Self {
        let (folder, database) = (Folder::new(), TestDatabase::make(engine).await);
        let port = free_port();
        let issuer = format!("http://localhost:{port}");
        let config = folder.path().join("portico.toml");
        let mut text = String::new();
        writeln!(
            text,
            "listen = \"127.0.0.1:{port}\"\nissuer = \"{issuer}\"\ndatabase = {:?}",
            database.url()
        )
        .unwrap();
        writeln!(text, "master_key_file = \"master.key\"\n[log]\nfilter = \"error\"").unwrap();
        std::fs::write(&config, text).unwrap();
        private_file(&folder, "master.key", MASTER_KEY);
        let config = config.to_str().unwrap().to_owned();
        portico(&["migrate", "--config", &config, "--json"]).await;
        let program = Program::start("portico", &["serve", "--config", &config], &[]).await;

        let target = ["--config", &config, "--json"];
        let client = [
            "clients",
            "create",
            "--name",
            "Racer",
            "--redirect-uri",
            CALLBACK,
            "--first-party",
            "true",
            "--rotate-refresh-tokens",
            "true",
            "--scope",
            "openid offline_access",
        ];
        let client: Value = portico(&[client.as_slice(), target.as_slice()].concat()).await;
        let member =
            |name: &str| client[name].as_str().unwrap_or_else(|| panic!("no {name}: {client}")).to_owned();
        let (id, secret) = (member("client_id"), member("client_secret"));
        let relying_party =
            RelyingParty::new(&issuer, &id, Some(&secret), CALLBACK).asking("openid offline_access");
        let browser = Browser::new(&issuer);
        let deployment = Self { relying_party, browser, config, program, database, _folder: folder };
        deployment.add_person(EMAIL).await;
        let (status, page) = sign_in(&deployment.browser, EMAIL).await;
        assert_eq!(status, 200, "{page}");
        deployment
    }

    /// Makes somebody who can sign in.
    pub async fn add_person(&self, email: &str) {
        let command = ["users", "create", "--email", email, "--password", PASSWORD];
        portico(&[command.as_slice(), &["--config", &self.config, "--json"]].concat()).await;
    }

    /// A new code for the person.
    pub async fn code(&self) -> String {
        self.relying_party.authorize(&self.browser).await.code()
    }

    /// Kills the server as a power cut would.
    pub async fn kill(&mut self) {
        self.program.kill().await;
    }

    /// Starts it again, on the same address and data.
    pub async fn start(&mut self) {
        self.program = Program::start("portico", &["serve", "--config", &self.config], &[]).await;
    }

    /// What the database says about the grant that an access token names.
    pub async fn stored_grant(&self, access_token: &str) -> StoredGrant {
        let grant = claims(access_token)["gid"].as_str().expect("the grant's id").to_owned();
        testing::stored_grants(&self.database).await.remove(&grant).expect("the grant")
    }

    /// The grant of the code that was issued last.
    pub async fn newest_grant(&self) -> StoredGrant {
        testing::stored_grants(&self.database).await.pop_last().expect("a grant").1
    }

    /// What may never be, whatever was cut off where: half of a redemption.
    pub async fn assert_whole(&self) {
        for (grant, stored) in testing::stored_grants(&self.database).await {
            assert_eq!(stored.codes_spent, stored.refresh_rows, "{grant}: {stored:?}");
        }
    }
}

/// Signs in, and gives what the last page was.
pub async fn sign_in(browser: &Browser, email: &str) -> (u16, String) {
    let page = browser.open("/sign-in").await;
    let page = browser.submit(page.form_with("email").fill("email", email)).await;
    let page = browser.submit(page.form_with("password").fill("password", PASSWORD)).await;
    (page.status, page.to_string())
}

/// Redeems a code, and takes a broken connection for an answer too.
pub async fn redeem(relying_party: &RelyingParty, code: &str) -> Outcome {
    let redirect_uri = relying_party.redirect_uri.clone();
    let parameters = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", harness::VERIFIER),
    ];
    ask(relying_party, &parameters).await
}

pub async fn refresh(relying_party: &RelyingParty, token: &str) -> Outcome {
    ask(relying_party, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

async fn ask(relying_party: &RelyingParty, parameters: &[(&str, &str)]) -> Outcome {
    let request = relying_party.authenticated(relying_party.post("/oauth/token")).form(parameters);
    let Ok(answer) = request.send().await else { return Outcome::Unanswered };
    let status = answer.status().as_u16();
    let Ok(body) = answer.json::<Value>().await else { return Outcome::Unanswered };
    let member = |name: &str| body[name].as_str().map(str::to_owned);
    match status {
        200 => Outcome::Granted(Tokens {
            access: member("access_token").expect("an access token"),
            id: member("id_token"),
            refresh: member("refresh_token"),
        }),
        400 if body["error"] == "invalid_grant" => Outcome::Refused,
        _ => panic!("{status} {body}"),
    }
}

impl Outcome {
    /// The tokens; anything else is a failed test.
    pub fn tokens(self) -> Tokens {
        match self {
            Self::Granted(tokens) => tokens,
            Self::Refused => panic!("refused"),
            Self::Unanswered => panic!("unanswered"),
        }
    }
}

fn private_file(folder: &Folder, name: &str, text: &str) {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = folder.path().join(name);
    let mut file = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
