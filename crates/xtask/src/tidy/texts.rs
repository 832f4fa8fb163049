//! What must not stand in any file, and how long one may be.

use super::Finding;
use super::tree::{Text, Tree};

const LONGEST: usize = 800;

/// These files name what they forbid.
const RULES: &str = "crates/xtask/src/tidy/";

/// Migrations exchange type tokens, and the tests' stores make schemas of their own.
const ASSEMBLES_SQL: [&str; 2] = ["crates/store/src/migrate.rs", "crates/store/src/testing.rs"];

/// A bare read, with which the store's are compared.
const COMPARES_SQL: &str = "crates/bench/src/limit.rs";

/// Where SQLite's driver is: elsewhere it would take any text as SQL. The store's own connection takes constants.
const SQLITE: [&str; 10] = [
    "crates/bench/src/limit.rs",
    "crates/store/src/backup.rs",
    "crates/store/src/fault.rs",
    "crates/store/src/migrate.rs",
    "crates/store/src/row.rs",
    "crates/store/src/sqlite.rs",
    "crates/store/src/statement.rs",
    "crates/store/src/statistics.rs",
    "crates/store/src/testing.rs",
    "crates/store/src/writer.rs",
];

struct Rule {
    words: &'static [&'static str],
    why: &'static str,
    applies: fn(&Text) -> bool,
}

const FORBIDDEN: [Rule; 6] = [
    Rule {
        words: &["SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "UPDATE %s SET "],
        why: "SQL lives in crates/store and migrations only",
        applies: |text| is_rust(text) && !text.path.starts_with("crates/store/") && text.path != COMPARES_SQL,
    },
    Rule {
        words: &["AssertSqlSafe"],
        why: "SQL is constant text; only migrations are put together",
        applies: |text| is_rust(text) && !ASSEMBLES_SQL.contains(&text.path.as_str()),
    },
    Rule {
        words: &["rusqlite", ".raw()"],
        why: "SQL is constant text; only what makes, copies or tests a database asks SQLite for other",
        applies: |text| is_rust(text) && !SQLITE.contains(&text.path.as_str()),
    },
    Rule { words: &["#[ignore"], why: "a test that doesn't run is no test", applies: is_rust },
    Rule {
        words: &["TODO", "FIXME", "XXX", "todo!(", "unimplemented!("],
        why: "what is missing is built, or said to the caller as a refusal",
        applies: |_| true,
    },
    Rule {
        words: &["/home/", "/Users/", "/root/", "/work/", "C:\\Users"],
        why: "a path of one machine",
        applies: |text| !text.has_extension("lock"),
    },
];

fn is_rust(text: &Text) -> bool {
    text.has_extension("rs")
}

pub(super) fn forbidden(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for text in tree.texts.iter().filter(|text| !text.path.starts_with(RULES)) {
        for rule in FORBIDDEN.iter().filter(|rule| (rule.applies)(text)) {
            for (number, line) in text.lines() {
                if let Some(word) = rule.words.iter().find(|word| stands_in(word, line)) {
                    let what = format!("`{}`: {}", word.trim(), rule.why);
                    findings.push(Finding::error(format!("{}:{number}", text.path), what));
                }
            }
        }
    }
    findings
}

/// A word that isn't part of a longer one; `%s` stands for any one word.
fn stands_in(word: &str, line: &str) -> bool {
    let (head, tail) = word.split_once("%s").unwrap_or((word, ""));
    line.match_indices(head).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let whole = !head.starts_with(char::is_alphanumeric)
            || !before.is_some_and(|before| before.is_alphanumeric() || before == '_');
        let rest = line[start + head.len()..]
            .trim_start_matches(|c: char| c.is_alphanumeric() || c == '_' || c == '"');
        whole && (tail.is_empty() || rest.starts_with(tail))
    })
}

/// Not counting its tests.
pub(super) fn long_files(tree: &Tree) -> Vec<Finding> {
    let too_long = |text: &Text| {
        let lines = text.text.lines().take_while(|line| *line != "#[cfg(test)]").count();
        (lines > LONGEST).then(|| {
            Finding::warning(
                &text.path,
                format!("{lines} lines without its tests: can it be divided along its meaning?"),
            )
        })
    };
    tree.with_extension("rs").filter(|text| !text.path.starts_with("tests/")).filter_map(too_long).collect()
}

/// A lock file names versions and hashes. Where they come from is each machine's own setting.
pub(super) fn lock_files(tree: &Tree) -> Vec<Finding> {
    let locks = tree.texts.iter().filter(|text| text.path.ends_with("package-lock.json"));
    let located = |text: &&Text| text.text.contains("\"resolved\": \"http");
    let what = "names a registry's host; make it with `npm install --omit-lockfile-registry-resolved`";
    locks.filter(located).map(|text| Finding::error(&text.path, what)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        forbidden(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn sql_lives_in_the_store() {
        for statement in
            ["SELECT 1 FROM x", "UPDATE client SET name = $1", "DELETE FROM client", "INSERT INTO client"]
        {
            assert_eq!(count("crates/server/src/a.rs", statement), 1, "{statement}");
            assert_eq!(count("crates/store/src/a.rs", statement), 0, "{statement}");
        }
        assert_eq!(count("crates/server/src/a.rs", "// SELECTED, and UPDATE the SETTINGS"), 0);
    }

    #[test]
    fn assembled_sql_is_for_migrations() {
        assert_eq!(count("crates/store/src/clients.rs", "AssertSqlSafe(text)"), 1);
        assert_eq!(count("crates/store/src/migrate.rs", "AssertSqlSafe(text)"), 0);
        for line in ["connection.raw().execute_batch(&text)", "rusqlite::Connection::open(path)"] {
            assert_eq!(count("crates/store/src/clients.rs", line), 1, "{line}");
            assert_eq!(count("crates/store/src/sqlite.rs", line), 0, "{line}");
        }
    }

    #[test]
    fn what_is_missing_is_not_hidden() {
        for line in ["#[ignore]", "#[ignore = \"slow\"]", "todo!()", "// TODO: later", "// FIXME"] {
            assert_eq!(count("crates/oidc/src/a.rs", line), 1, "{line}");
        }
        assert_eq!(count("crates/oidc/src/a.rs", "MASTODON"), 0);
    }

    #[test]
    fn paths_of_one_machine_are_found_in_any_text() {
        assert_eq!(count("docs/a.md", "see /home/me/portico"), 1);
        assert_eq!(count("config/a.toml", "file = \"/etc/portico/key\""), 0);
    }

    #[test]
    fn long_files_are_measured_without_their_tests() {
        let long = "x\n".repeat(801);
        assert_eq!(long_files(&Tree::of(&[("crates/a/src/a.rs", &long)])).len(), 1);
        let tested = format!("fn a() {{}}\n#[cfg(test)]\n{long}");
        assert_eq!(long_files(&Tree::of(&[("crates/a/src/a.rs", &tested)])).len(), 0);
    }

    #[test]
    fn lock_files_name_no_host() {
        let located = "\"resolved\": \"https://registry.example/a.tgz\"";
        assert_eq!(lock_files(&Tree::of(&[("tests/package-lock.json", located)])).len(), 1);
        assert_eq!(
            lock_files(&Tree::of(&[("tests/package-lock.json", "\"integrity\": \"sha512-\"")])).len(),
            0
        );
    }
}
