//! Our own files: which plans there are, with which configuration, and what is expected of each module.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Problem;

/// `conformance/plans/NAME.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanFile {
    /// The suite's name of the plan.
    pub plan: String,
    #[serde(default)]
    pub variant: Value,
    /// Several variants of the plan, by what they are called here; instead of `variant`.
    #[serde(default)]
    pub variants: BTreeMap<String, Value>,
    /// Settings of the tenant, as `portico tenants set` takes them.
    #[serde(default)]
    pub tenant: Map<String, Value>,
    /// Clients that are registered before, by their names in the configuration: `client`, `client2`, `client_secret_post`.
    #[serde(default)]
    pub clients: BTreeMap<String, ClientFile>,
    /// What the suite is told, beside what `conformance/browser.json` says of the pages.
    #[serde(default)]
    pub configuration: Map<String, Value>,
}

impl PlanFile {
    /// The variants in which it is run: what stands before the names of its modules, and what the suite is told.
    pub(crate) fn runs(&self) -> Vec<(String, Value)> {
        if self.variants.is_empty() {
            return vec![(String::new(), self.variant.clone())];
        }
        self.variants.iter().map(|(name, variant)| (format!("{name}: "), variant.clone())).collect()
    }
}

/// A client that is registered before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientFile {
    pub metadata: Value,
    /// Options of `portico clients create`.
    #[serde(default)]
    pub options: Vec<String>,
}

/// `conformance/expected/NAME.json`: by module.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Expected(pub BTreeMap<String, ExpectedOutcome>);

/// What is expected of a module.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedOutcome {
    pub result: String,
    /// Why it is not `PASSED`. Required for all else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// The folder `conformance/`.
pub(crate) struct Files(PathBuf);

impl Files {
    pub(crate) fn find() -> Self {
        Self(Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance"))
    }

    /// The names of all plans, in the order of the alphabet.
    pub(crate) fn names(&self) -> Result<Vec<String>, Problem> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.0.join("plans"))? {
            let path = entry?.path();
            names.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
        }
        names.sort_unstable();
        Ok(names)
    }

    pub(crate) fn plan(&self, name: &str) -> Result<PlanFile, Problem> {
        read(&self.0.join("plans").join(format!("{name}.json")))
    }

    /// How the pages are walked.
    pub(crate) fn browser(&self) -> Result<Map<String, Value>, Problem> {
        read(&self.0.join("browser.json"))
    }

    pub(crate) fn expected(&self, name: &str) -> Result<Expected, Problem> {
        let path = self.expected_path(name);
        if path.exists() { read(&path) } else { Ok(Expected::default()) }
    }

    pub(crate) fn accept(&self, name: &str, expected: &Expected) -> Result<(), Problem> {
        let mut text = serde_json::to_string_pretty(expected)?;
        text.push('\n');
        Ok(std::fs::write(self.expected_path(name), text)?)
    }

    fn expected_path(&self, name: &str) -> PathBuf {
        self.0.join("expected").join(format!("{name}.json"))
    }
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, Problem> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?)
}

/// Puts values in the place of `{name}` in every text.
pub(crate) fn filled(value: Value, with: &[(&str, &str)]) -> Value {
    match value {
        Value::String(text) => {
            let put =
                |text: String, (name, value): &(&str, &str)| text.replace(&format!("{{{name}}}"), value);
            Value::String(with.iter().fold(text, put))
        }
        Value::Array(items) => items.into_iter().map(|item| filled(item, with)).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, member)| (name, filled(member, with))).collect()
        }
        other => other,
    }
}
