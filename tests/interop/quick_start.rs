use std::fs;
use std::path::Path;

/// What the guides show in a language, and the file that the tests beside this one run.
const SHOWN: [(&str, &str, &str); 8] = [
    ("quick-start.md", "js", "interop/openid-client.mjs"),
    ("quick-start.md", "rust", "interop/openidconnect_crate.rs"),
    ("integrate.md", "js", "interop/examples/javascript/app.mjs"),
    ("integrate.md", "python", "interop/examples/python/app.py"),
    ("integrate.md", "go", "interop/examples/go/main.go"),
    ("integrate.md", "java", "interop/examples/java/src/main/java/example/Application.java"),
    ("integrate.md", "properties", "interop/examples/java/src/main/resources/application.properties"),
    ("integrate.md", "apache", "interop/examples/apache/portico.conf"),
];

/// Every line of code in the guides is a line of what the tests run.
#[test]
fn the_guides_show_what_is_tested() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(tests.join(path)).unwrap();
    for (guide, language, source) in SHOWN {
        let run = unformatted(&read(source));
        let page = read(&format!("../docs/guide/{guide}"));
        let lines = code_of(&page, language);
        assert!(lines.len() > 3, "{guide} shows {} lines of {language}", lines.len());
        for line in lines {
            assert!(run.contains(&unformatted(line)), "{guide} shows {line:?}, which no test runs");
        }
    }
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
