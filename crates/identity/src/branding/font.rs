//! Fonts that devices have already: nothing is fetched from anywhere.

use serde::{Deserialize, Serialize};

/// Declares the fonts with their names and stacks, once.
macro_rules! fonts {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $stack:literal;)*) => {
        /// A closed list, since a free one would be a way to write into the style sheet.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Font { $($(#[$doc])* $name,)* }

        impl Font {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The families, as CSS takes them.
            pub const fn stack(self) -> &'static str {
                match self { $(Self::$name => $stack,)* }
            }
        }
    };
}

fonts! {
    /// What the device itself speaks in.
    #[default]
    System = "system", r#"system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif"#;
    /// Neutral and even.
    Grotesque = "grotesque", r#""Helvetica Neue", Inter, Roboto, "Arial Nova", "Nimbus Sans", Arial, sans-serif"#;
    /// Open, after handwriting.
    Humanist = "humanist", r#"Seravek, "Gill Sans Nova", Ubuntu, Calibri, "DejaVu Sans", sans-serif"#;
    /// Circles and straight lines.
    Geometric = "geometric", r#"Avenir, Montserrat, Corbel, "URW Gothic", sans-serif"#;
    /// Soft ends.
    Rounded = "rounded", r#"ui-rounded, "Hiragino Maru Gothic ProN", Quicksand, Comfortaa, Manjari, "Arial Rounded MT Bold", sans-serif"#;
    /// A book's.
    Serif = "serif", r#"Charter, "Bitstream Charter", "Sitka Text", Cambria, "Noto Serif", serif"#;
    /// Strong, with blocks for feet.
    Slab = "slab", r#"Rockwell, "Rockwell Nova", "Roboto Slab", "DejaVu Serif", "Sitka Small", serif"#;
}

impl std::str::FromStr for Font {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|font| font.as_str() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_font_survives_its_name_and_ends_in_a_family_of_css() {
        for font in Font::ALL {
            assert_eq!(font.as_str().parse(), Ok(*font));
            assert_eq!(serde_json::to_value(font).unwrap(), font.as_str());
            let last = font.stack().rsplit(", ").next().unwrap();
            assert!(matches!(last, "sans-serif" | "serif"), "{last}");
            assert!(!font.stack().contains([';', '{', '}', '<', '\\']), "{}", font.stack());
        }
        assert!("Comic Sans".parse::<Font>().is_err());
    }
}
