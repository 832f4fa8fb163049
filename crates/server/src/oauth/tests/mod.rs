//! The endpoints over a real store, with what can't be done over HTTP: disabling a user, withdrawing a consent.

mod negative;
mod replay;
mod scene;
mod standing;
