//! What a tenant may change of how its pages look: colours that can be read, a logo that does no harm, a font that every
//! device has.

pub mod colour;
pub mod font;
pub mod logo;
pub mod palette;

pub use colour::Colour;
pub use font::Font;
pub use logo::{Logo, LogoFault, LogoFormat, LogoRef};
pub use palette::{Palette, Scheme};
