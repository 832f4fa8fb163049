//! The suite's REST interface: plans, the modules of a plan, what became of one.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::Problem;

/// How often a module that runs is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// A module that says nothing for so long waits for a page that never came.
const PATIENCE: Duration = Duration::from_secs(150);

/// The suite at one URL.
pub(crate) struct Suite {
    http: Client,
    url: String,
}

/// A plan that was made in the suite.
pub(crate) struct Plan {
    id: String,
    pub modules: Vec<Module>,
}

/// One module of a plan.
pub(crate) struct Module {
    pub test: String,
    pub variant: Value,
    /// Its name within the plan: a test that the plan has several times is told apart by what differs.
    pub name: String,
}

impl Module {
    /// Whether it is prepared, then waits until the operator has changed the keys, and is to be started by hand.
    fn waits_for_operator(&self) -> bool {
        self.test == "oidcc-server-rotate-keys"
    }
}

/// What became of a module.
pub(crate) struct Outcome {
    /// The suite's word, or `HUNG`.
    pub result: String,
    /// The conditions that failed or warned, each with what it said.
    pub remarks: Vec<String>,
    /// The suite's own page about it.
    pub page: String,
}

impl Suite {
    /// The suite at `url`, whose certificate is from the authority in this PEM file, or from one that the system trusts.
    pub(crate) fn at(url: &str, authority: Option<&[u8]>) -> Result<Self, Problem> {
        let mut http = Client::builder().timeout(Duration::from_mins(1)).no_proxy();
        if let Some(pem) = authority {
            http = http.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem)?);
        }
        Ok(Self { http: http.build()?, url: url.trim_end_matches('/').to_owned() })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Problem> {
        let url = url::Url::parse_with_params(&format!("{}/api/{path}", self.url), query)?;
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            let said: String = text.chars().take(300).collect();
            return Err(format!("the suite answers {status} to {path}: {said}").into());
        }
        if text.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&text)?) }
    }

    /// Makes a plan.
    pub(crate) async fn plan(
        &self,
        name: &str,
        variant: &Value,
        configuration: &Value,
    ) -> Result<Plan, Problem> {
        let variant = variant.to_string();
        let mut query = vec![("planName", name)];
        if variant != "{}" && variant != "null" {
            query.push(("variant", &variant));
        }
        let made = self.call(Method::POST, "plan", &query, Some(configuration)).await?;
        let modules = made["modules"].as_array().ok_or("a plan without modules")?;
        let id = made["id"].as_str().ok_or("a plan without id")?.to_owned();
        Ok(Plan { id, modules: named(modules) })
    }

    /// Runs a module to its end, however it ends. One that waits for the operator is let go on once `operate` is done.
    pub(crate) async fn run(
        &self,
        plan: &Plan,
        module: &Module,
        operate: impl AsyncFnOnce() -> Result<(), Problem>,
    ) -> Result<Outcome, Problem> {
        let variant = module.variant.to_string();
        let query = [("test", module.test.as_str()), ("plan", plan.id.as_str()), ("variant", &variant)];
        let begun = self.call(Method::POST, "runner", &query, None).await?;
        let id = begun["id"].as_str().ok_or("a test without id")?.to_owned();
        let (mut quiet, mut known) = (Duration::ZERO, 0);
        let mut operate = module.waits_for_operator().then_some(operate);
        let result = loop {
            tokio::time::sleep(LOOK).await;
            let info = self.call(Method::GET, &format!("info/{id}"), &[], None).await?;
            match info["status"].as_str() {
                Some("FINISHED" | "INTERRUPTED") => {
                    break info["result"].as_str().unwrap_or("UNKNOWN").to_owned();
                }
                Some("CONFIGURED") => {
                    if let Some(operate) = operate.take() {
                        operate().await?;
                        self.call(Method::POST, &format!("runner/{id}"), &[], None).await?;
                    }
                }
                _ => {}
            }
            quiet += LOOK;
            if quiet.as_secs().is_multiple_of(10) {
                let said = self.log(&id).await?.len();
                if said != known {
                    (quiet, known) = (Duration::from_millis(1), said);
                }
            }
            if quiet > PATIENCE {
                self.call(Method::DELETE, &format!("runner/{id}"), &[], None).await?;
                break "HUNG".to_owned();
            }
        };
        let remarks = self.log(&id).await?.iter().filter_map(remark).collect();
        Ok(Outcome { result, remarks, page: format!("{}/log-detail.html?log={id}", self.url) })
    }

    async fn log(&self, id: &str) -> Result<Vec<Value>, Problem> {
        let log = self.call(Method::GET, &format!("log/{id}"), &[], None).await?;
        Ok(log.as_array().cloned().unwrap_or_default())
    }
}

/// What an entry of the log says, if it tells of something that is not as it should be.
fn remark(entry: &Value) -> Option<String> {
    let result = entry["result"].as_str().filter(|it| matches!(*it, "FAILURE" | "WARNING"))?;
    let (source, text) =
        (entry["src"].as_str().unwrap_or_default(), entry["msg"].as_str().unwrap_or_default());
    Some(format!("{result} {source}: {text}"))
}

fn named(modules: &[Value]) -> Vec<Module> {
    let test = |module: &Value| module["testModule"].as_str().unwrap_or_default().to_owned();
    let members = |module: &Value| -> BTreeMap<String, String> {
        let members = module["variant"].as_object().into_iter().flatten();
        members.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
    };
    let name = |module: &Value| {
        let same: Vec<_> = modules.iter().filter(|other| test(other) == test(module)).map(members).collect();
        let differs =
            |name: &str, value: &str| same.iter().any(|other| other.get(name).is_none_or(|its| its != value));
        let own = members(module);
        let told = own.iter().filter(|(name, value)| differs(name, value)).map(|(_, value)| value.as_str());
        std::iter::once(test(module).as_str()).chain(told).collect::<Vec<_>>().join(", ")
    };
    let module = |module: &Value| Module {
        test: test(module),
        variant: module.get("variant").cloned().unwrap_or_else(|| json!({})),
        name: name(module),
    };
    modules.iter().map(module).collect()
}
