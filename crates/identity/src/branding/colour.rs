//! Colours and how well one is read on another (WCAG 2.2, "relative luminance" and "contrast ratio").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A colour of sRGB without transparency, written `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// A text that is no colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAColour;

impl fmt::Display for NotAColour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is no colour; write it as # and six hexadecimal digits, such as #0e6152")
    }
}

impl std::error::Error for NotAColour {}

impl Colour {
    pub const WHITE: Self = Self::new(0xff_ff_ff);
    pub const BLACK: Self = Self::new(0);

    /// From the number that the six digits are.
    pub const fn new(digits: u32) -> Self {
        let [_, red, green, blue] = digits.to_be_bytes();
        Self { red, green, blue }
    }

    /// Relative luminance: 0 of black, 1 of white.
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// The contrast ratio with another colour, from 1 to 21, the same both ways.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// This colour with so many hundredths of another, channel by channel.
    pub fn mixed(self, other: Self, hundredths: u8) -> Self {
        let share = u32::from(hundredths.min(100));
        let mix = |one: u8, two: u8| {
            let sum = u32::from(one) * (100 - share) + u32::from(two) * share;
            u8::try_from((sum + 50) / 100).unwrap_or(u8::MAX)
        };
        Self {
            red: mix(self.red, other.red),
            green: mix(self.green, other.green),
            blue: mix(self.blue, other.blue),
        }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

impl FromStr for Colour {
    type Err = NotAColour;

    fn from_str(text: &str) -> Result<Self, NotAColour> {
        let digits = text.strip_prefix('#').ok_or(NotAColour)?;
        let is_six = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if !is_six {
            return Err(NotAColour);
        }
        u32::from_str_radix(digits, 16).map(Self::new).map_err(|_| NotAColour)
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.to_string()
    }
}

impl TryFrom<String> for Colour {
    type Error = NotAColour;

    fn try_from(text: String) -> Result<Self, NotAColour> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_six_digits_and_nothing_else() {
        assert_eq!("#0E6152".parse::<Colour>().unwrap().to_string(), "#0e6152");
        for bad in
            ["", "#", "0e6152", "#fff", "#0e61522", "#+e6152", "#0e615g", "#0e6152ff", "red", "#0e615\u{e9}"]
        {
            assert_eq!(bad.parse::<Colour>(), Err(NotAColour), "{bad}");
        }
    }

    #[test]
    fn contrast_is_what_wcag_says() {
        let ratio =
            |one: u32, two: u32| (Colour::new(one).contrast(Colour::new(two)) * 100.0).round() / 100.0;
        // 21:1 by definition; #767676 is the lightest grey that reaches 4.5 on white, #777777 is just below.
        for (one, two, expected) in [
            (0, 0xff_ff_ff, 21.0),
            (0xff_ff_ff, 0xff_ff_ff, 1.0),
            (0x76_76_76, 0xff_ff_ff, 4.54),
            (0x77_77_77, 0xff_ff_ff, 4.48),
        ] {
            assert!(
                (ratio(one, two) - expected).abs() < 0.005,
                "{one:06x} on {two:06x}: {}",
                ratio(one, two)
            );
            assert!((ratio(two, one) - expected).abs() < 0.005);
        }
    }

    #[test]
    fn a_mixture_goes_from_one_to_the_other() {
        let (one, two) = (Colour::new(0x00_40_ff), Colour::new(0xff_c0_00));
        assert_eq!((one.mixed(two, 0), one.mixed(two, 100), one.mixed(two, 200)), (one, two, two));
        assert_eq!(one.mixed(two, 50), Colour::new(0x80_80_80));
    }
}
