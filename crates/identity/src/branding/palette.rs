//! From a tenant's one or two colours to all that stand on a page, so that every pair can be read (WCAG 2.2, success
//! criteria 1.4.3 and 1.4.11), whatever colour was chosen.

use super::Colour;

/// For text (WCAG 2.2, success criterion 1.4.3).
pub const LEAST_FOR_TEXT: f64 = 4.5;
/// For what is no text but must be seen (success criterion 1.4.11).
pub const LEAST_FOR_EDGES: f64 = 3.0;

/// The colours of the style sheet that a tenant doesn't change. A test holds the sheet to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
    /// What forms and lists lie on.
    pub card: Colour,
    /// What cards lie on, unless the tenant has another.
    pub ground: Colour,
    pub ink: Colour,
    pub soft: Colour,
    /// The accent's own, unless the tenant has another.
    pub accent: Colour,
    /// Where a colour goes that is not seen well enough.
    toward: Colour,
}

impl Scheme {
    pub const LIGHT: Self = Self {
        card: Colour::new(0xff_ff_ff),
        ground: Colour::new(0xf4_f5_f3),
        ink: Colour::new(0x18_20_1d),
        soft: Colour::new(0x53_5f_59),
        accent: Colour::new(0x0e_61_52),
        toward: Colour::BLACK,
    };
    pub const DARK: Self = Self {
        card: Colour::new(0x17_1e_1b),
        ground: Colour::new(0x0e_13_11),
        ink: Colour::new(0xe9_ef_ec),
        soft: Colour::new(0xa6_b3_ad),
        accent: Colour::new(0x7f_d6_c0),
        toward: Colour::WHITE,
    };

    /// The contrast with a background of the text that reaches least.
    pub fn least_contrast_on(&self, background: Colour) -> f64 {
        self.ink.contrast(background).min(self.soft.contrast(background))
    }

    /// What can be read on cards, on this ground and on the accent's own tint, by way of a chosen colour.
    pub fn palette(&self, accent: Colour, ground: Colour) -> Palette {
        let tint = self.card.mixed(accent, 11);
        let is_read = |colour: Colour| {
            [self.card, ground, tint].into_iter().all(|it| colour.contrast(it) >= LEAST_FOR_TEXT)
        };
        let steps = (0..=100).step_by(4).map(|share| accent.mixed(self.toward, share));
        let accent_ink = steps.into_iter().find(|colour| is_read(*colour)).unwrap_or(self.ink);
        let on_accent =
            if accent.contrast(Colour::WHITE) >= LEAST_FOR_TEXT { Colour::WHITE } else { Colour::BLACK };
        // Away from the text on it, so that a button under the pointer is read better, not worse.
        let away = if on_accent == Colour::WHITE { Colour::BLACK } else { Colour::WHITE };
        let is_seen = accent.contrast(self.card) >= LEAST_FOR_EDGES;
        Palette {
            accent,
            accent_deep: accent.mixed(away, 16),
            on_accent,
            accent_ink,
            accent_edge: if is_seen { accent } else { accent_ink },
            tint,
            ground,
        }
    }
}

/// The colours of one scheme that follow from a tenant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// What buttons are filled with: the tenant's own colour, as it is.
    pub accent: Colour,
    /// The same under the pointer.
    pub accent_deep: Colour,
    /// Text on either.
    pub on_accent: Colour,
    /// Links, marks and the ring of the focus.
    pub accent_ink: Colour,
    /// The edge of a button, where its filling is not seen against the card.
    pub accent_edge: Colour,
    /// Notices, badges, a row under the pointer.
    pub tint: Colour,
    pub ground: Colour,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_a_palette_can_be_read_whatever_the_colour() {
        let mut seen = 0;
        for scheme in [Scheme::LIGHT, Scheme::DARK] {
            for digits in
                (0..=0xff_ff_ff).step_by(4_099).chain([0xff_ff_ff, 0xff_ff_00, 0x00_00_ff, 0x77_77_77])
            {
                let accent = Colour::new(digits);
                let it = scheme.palette(accent, scheme.ground);
                let says = |text: Colour, behind: Colour, least: f64| {
                    assert!(text.contrast(behind) >= least, "{accent}: {text} on {behind} in {it:?}");
                };
                for behind in [scheme.card, it.ground, it.tint] {
                    says(it.accent_ink, behind, LEAST_FOR_TEXT);
                    says(scheme.ink, behind, LEAST_FOR_TEXT);
                }
                says(it.on_accent, it.accent, LEAST_FOR_TEXT);
                says(it.on_accent, it.accent_deep, LEAST_FOR_TEXT);
                says(it.accent_edge, scheme.card, LEAST_FOR_EDGES);
                assert_eq!(it.accent, accent, "a button has the tenant's own colour");
                seen += 1;
            }
        }
        println!("{seen} palettes");
    }

    #[test]
    fn our_own_colours_are_read_on_our_own_grounds() {
        for scheme in [Scheme::LIGHT, Scheme::DARK] {
            for behind in [scheme.card, scheme.ground] {
                assert!(scheme.least_contrast_on(behind) >= LEAST_FOR_TEXT, "{behind}");
            }
            let tint = scheme.palette(scheme.accent, scheme.ground).tint;
            assert!(scheme.least_contrast_on(tint) >= LEAST_FOR_TEXT, "{tint}");
        }
    }
}
