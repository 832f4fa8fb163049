use std::fs;
use std::path::Path;

/// Every line of code in the quick start is a line of what the tests beside this one run.
#[test]
fn the_quick_start_shows_what_is_tested() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(tests.join(path)).unwrap();
    let guide = read("../docs/guide/quick-start.md");
    let mut shown = 0;
    for (language, source) in
        [("js", "interop/openid-client.mjs"), ("rust", "interop/openidconnect_crate.rs")]
    {
        let run = unformatted(&read(source));
        for line in code_of(&guide, language) {
            assert!(run.contains(&unformatted(line)), "the quick start shows {line:?}, which no test runs");
            shown += 1;
        }
    }
    assert!(shown > 40, "the quick start shows {shown} lines");
}

/// The lines of the code blocks in this language, without their indentation.
fn code_of<'a>(guide: &'a str, language: &str) -> Vec<&'a str> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in guide.lines().map(str::trim) {
        match line.strip_prefix("```") {
            Some(fence) => inside = fence == language,
            None if inside && !line.is_empty() => lines.push(line),
            None => {}
        }
    }
    lines
}

/// Without what a formatter may choose: blanks, line ends, commas at line ends.
fn unformatted(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace() && *c != ',').collect()
}
