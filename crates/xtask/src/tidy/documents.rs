//! Decisions are numbered without gaps, and links between pages lead somewhere.

use super::Finding;
use super::tree::{Text, Tree};

const DECISIONS: &str = "docs/decisions/";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = numbers(tree);
    for page in tree.with_extension("md") {
        for (line, target) in links(page) {
            if !leads_somewhere(tree, page, target) {
                findings
                    .push(Finding::error(format!("{}:{line}", page.path), format!("no such file: {target}")));
            }
        }
    }
    findings
}

fn numbers(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut last = 0;
    // In the order of their names, which begin with the number.
    let mut names: Vec<&str> =
        tree.texts.iter().filter_map(|text| text.path.strip_prefix(DECISIONS)).collect();
    names.sort_unstable();
    for name in names {
        let digits = name.split('-').next().filter(|digits| digits.len() == 4);
        let Some(number) = digits.and_then(|digits| digits.parse::<u32>().ok()) else {
            findings.push(Finding::error(
                format!("{DECISIONS}{name}"),
                "a decision's name is NNNN-what-was-decided.md",
            ));
            continue;
        };
        if number != last + 1 {
            findings.push(Finding::error(
                format!("{DECISIONS}{name}"),
                format!("after {last:04} comes {:04}", last + 1),
            ));
        }
        last = number;
    }
    findings
}

/// The targets of `[text](target)`, outside code blocks.
fn links(page: &Text) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (number, line) in page.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if !in_code {
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            links.extend(targets.map(|(target, _)| (number, target)));
        }
    }
    links
}

fn leads_somewhere(tree: &Tree, page: &Text, target: &str) -> bool {
    let outside = target.contains("://") || target.starts_with("mailto:") || target.starts_with('#');
    let file = target.split('#').next().unwrap_or_default().trim_end_matches('/');
    let path = resolve(&page.path, file);
    let directory = format!("{path}/");
    outside || tree.has(&path) || tree.texts.iter().any(|text| text.path.starts_with(&directory))
}

/// A relative target, as seen from the root.
fn resolve(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(texts: &[(&str, &str)]) -> usize {
        check(&Tree::of(texts)).len()
    }

    #[test]
    fn decisions_are_numbered_without_gaps_or_doubles() {
        assert_eq!(count(&[("docs/decisions/0001-a.md", ""), ("docs/decisions/0002-b.md", "")]), 0);
        assert_eq!(count(&[("docs/decisions/0001-a.md", ""), ("docs/decisions/0003-b.md", "")]), 1);
        assert_eq!(count(&[("docs/decisions/0001-a.md", ""), ("docs/decisions/0001-b.md", "")]), 1);
        assert_eq!(count(&[("docs/decisions/one.md", "")]), 1);
    }

    #[test]
    fn links_lead_somewhere() {
        assert_eq!(
            count(&[
                ("docs/a.md", "[b](guide/b.md#part) [c](../README.md)"),
                ("docs/guide/b.md", ""),
                ("README.md", "")
            ]),
            0
        );
        assert_eq!(count(&[("docs/a.md", "[b](guide/)"), ("docs/guide/b.md", "")]), 0);
        assert_eq!(count(&[("docs/a.md", "[b](b.md)")]), 1);
        assert_eq!(count(&[("docs/a.md", "[b](https://example.test/) [c](#part)")]), 0);
        assert_eq!(count(&[("docs/a.md", "```\n[b](b.md)\n```")]), 0);
    }
}
