//! The seeds of the fuzz targets (`fuzz/seeds/`), each through the function that libFuzzer calls (docs/how-to/fuzz.md).

#![allow(clippy::expect_used, reason = "what doesn't hold ends the test")]
#![allow(clippy::print_stdout, reason = "it is shown when a test fails: which seed it was")]

use std::fs;
use std::path::Path;

#[path = "../../../fuzz/src/lib.rs"]
mod targets;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut seeds: Vec<_> =
        fs::read_dir(&folder).expect("a folder of seeds").map(|seed| seed.expect("a seed").path()).collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "no seed in {}", folder.display());
    for seed in &seeds {
        let input = fs::read(seed).expect("a seed");
        println!("{}", seed.display());
        check(&input);
    }
}

#[test]
fn every_seed_of_a_request_holds() {
    replay("request", targets::request::check);
}

#[test]
fn every_seed_of_a_document_holds() {
    replay("document", targets::document::check);
}

#[test]
fn every_seed_of_a_token_holds() {
    replay("token", targets::token::check);
}

#[test]
fn every_seed_of_a_redirect_uri_holds() {
    replay("redirect_uri", targets::redirect_uri::check);
}
