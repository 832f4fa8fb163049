//! The texts of the repository.

use std::fs;
use std::path::Path;

/// What was built, downloaded or written at run time is not part of the source.
const SKIPPED: [&str; 6] = ["target", "node_modules", ".git", "data", "corpus", "artifacts"];

/// Larger files are data (word lists), not text that people wrote here.
const LARGEST: u64 = 512 * 1024;

pub(super) struct Text {
    /// From the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

impl Text {
    pub(super) fn has_extension(&self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, own)| own == extension)
    }

    /// With their numbers, from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

#[derive(Default)]
pub(super) struct Tree {
    pub(super) texts: Vec<Text>,
}

impl Tree {
    pub(super) fn read(root: &Path) -> Result<Self, String> {
        let mut tree = Self::default();
        tree.read_directory(root, "")?;
        tree.texts.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(tree)
    }

    fn read_directory(&mut self, directory: &Path, prefix: &str) -> Result<(), String> {
        let unreadable = |error: std::io::Error| format!("cannot read {}: {error}", directory.display());
        for entry in fs::read_dir(directory).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let kind = entry.file_type().map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            if SKIPPED.contains(&name.as_str()) {
                continue;
            }
            if kind.is_dir() {
                self.read_directory(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() && entry.metadata().map_err(unreadable)?.len() <= LARGEST {
                // Not UTF-8: an image, not a text.
                if let Ok(text) = fs::read_to_string(entry.path()) {
                    self.texts.push(Text { path, text });
                }
            }
        }
        Ok(())
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.texts.iter().any(|text| text.path == path)
    }

    pub(super) fn with_extension(&self, extension: &str) -> impl Iterator<Item = &Text> {
        self.texts.iter().filter(move |text| text.has_extension(extension))
    }

    #[cfg(test)]
    pub(super) fn of(texts: &[(&str, &str)]) -> Self {
        let text = |(path, text): &(&str, &str)| Text { path: (*path).to_owned(), text: (*text).to_owned() };
        Self { texts: texts.iter().map(text).collect() }
    }
}
