//! What the command line prints: to standard output what was asked for, to standard error what went wrong.

use std::io::Write as _;

use serde_json::Value;

/// A closed pipe is no reason to fail: whoever read it has seen enough.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "portico: {text}");
}

/// An answer for a person: a list as a table, an object as its members, one per line.
pub fn readable(answer: &Value) -> String {
    match answer {
        Value::Array(rows) if rows.is_empty() => "There is none.".to_owned(),
        Value::Array(rows) => table(rows),
        Value::Object(members) => {
            let width = members.keys().map(|name| name.chars().count()).max().unwrap_or_default();
            let lines = members.iter().map(|(name, value)| format!("{name:width$}  {}", cell(value)));
            lines.collect::<Vec<_>>().join("\n")
        }
        other => cell(other),
    }
}

/// Columns in the order in which the first row names them, each as wide as its widest cell.
fn table(rows: &[Value]) -> String {
    let Some(Value::Object(first)) = rows.first() else {
        return rows.iter().map(cell).collect::<Vec<_>>().join("\n");
    };
    let columns: Vec<&String> = first.keys().collect();
    let heads: Vec<String> = columns.iter().map(|name| name.to_uppercase()).collect();
    let mut lines = vec![heads];
    for row in rows {
        lines.push(columns.iter().map(|name| row.get(name).map(cell).unwrap_or_default()).collect());
    }
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(text, width)| format!("{text:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.chars().filter(|c| !c.is_control()).collect(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_are_tidy() {
        assert_eq!(readable(&json!([])), "There is none.");
        let list = json!([{"a": "x", "long": true}, {"a": "wider", "long": null}]);
        assert_eq!(readable(&list), "A      LONG\nx      yes\nwider  -");
        assert_eq!(readable(&json!({"a": 1, "bc": ["x", "y"]})), "a   1\nbc  x, y");
        assert_eq!(readable(&json!({"a": "\u{1b}[31mred"})), "a  [31mred", "no control of the terminal");
    }
}
