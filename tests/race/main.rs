//! The program as it is run, on each engine, when requests race and when it is killed: nobody ever holds two live successors
//! of one code or of one refresh token. What holds is read from the database.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod deployment;
mod killed;
mod racing;
mod rotation;
