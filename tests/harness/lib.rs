//! What the black-box tests are written with: a whole Portico on a free port with a clock that the test holds, browsers
//! without scripts, relying parties, and the verbs of a story.

#![allow(clippy::print_stdout, reason = "what a test prints is shown when it fails")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails in the harness fails the test")]

mod authority;
mod browser;
mod folder;
mod landing;
mod logout_receiver;
mod mail_server;
mod meddler;
mod opener;
mod operator;
mod page;
mod people;
mod picture;
mod program;
mod published;
mod relying_party;
mod script;
mod signer;
mod world;

pub use authority::{Authority, Issued};
pub use browser::{Browser, client};
pub use folder::Folder;
pub use landing::Landing;
pub use logout_receiver::{LogoutReceiver, verified};
pub use mail_server::MailServer;
pub use meddler::Meddler;
pub use opener::{Opened, Opener};
pub use operator::web_metadata;
pub use page::{Form, Page};
pub use people::{PASSWORD, Person};
pub use picture::{Picture, picture};
pub use program::{Program, free_port, portico, run_portico};
pub use published::Published;
pub use relying_party::{
    Answer, CHALLENGE, DEVICE_CODE, RelyingParty, TokenAnswer, Tokens, VERIFIER, claims, header,
};
pub use script::{REMEDY, Script, target};
pub use signer::{ASSERTION_TYPE, Signer, assertion_claims, request_claims};
pub use world::World;
