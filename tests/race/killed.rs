//! The server is killed (SIGKILL) at some moment between a request and its answer; the clients that got no answer ask again.

use std::time::Duration;

use harness::Tokens;
use server::testing::{StoredGrant, engine_kinds};
use tokio::time::Instant;

use crate::deployment::{Deployment, Outcome, redeem, refresh};

const KILLS: u64 = 30;

/// A sequence without a source of chance, so that a run can be repeated.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// How the requests ended that were under way at a kill.
#[derive(Debug, Default)]
struct Tally {
    answered: u32,
    /// Nothing was written: the client's second attempt was like a first.
    undone: u32,
    /// It was written, and the answer was lost.
    lost: u32,
}

/// A client with a grant whose refresh tokens go from generation to generation.
struct Holder {
    tokens: Tokens,
    generation: i64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whenever_the_server_is_killed_nobody_holds_two_live_successors() {
    for engine in engine_kinds() {
        let mut deployment = Deployment::make(engine).await;
        let (mut holder, window) = measured(&deployment).await;
        let (mut codes, mut refreshes, mut chance) = (Tally::default(), Tally::default(), Sequence(KILLS));
        for _ in 0..KILLS {
            let code = deployment.code().await;
            let delay = Duration::from_micros(chance.below(window));
            let redemption = {
                let (relying_party, code) = (deployment.relying_party.clone(), code.clone());
                tokio::spawn(async move { redeem(&relying_party, &code).await })
            };
            let rotation = {
                let (relying_party, token) = (deployment.relying_party.clone(), holder.token());
                tokio::spawn(async move { refresh(&relying_party, &token).await })
            };
            tokio::time::sleep(delay).await;
            deployment.kill().await;
            let (redeemed, rotated) = (redemption.await.unwrap(), rotation.await.unwrap());
            deployment.start().await;
            after_redemption(&deployment, &code, redeemed, &mut codes).await;
            holder.after_rotation(&deployment, rotated, &mut refreshes).await;
            deployment.assert_whole().await;
        }
        println!("{engine:?}: {KILLS} kills within {window} us; codes {codes:?}, refreshes {refreshes:?}");
        let unanswered = codes.undone + codes.lost + refreshes.undone + refreshes.lost;
        assert!(unanswered > 0, "no kill met a request that was under way");
    }
}

/// A first grant, and how long after the request a kill can still meet it, in microseconds.
async fn measured(deployment: &Deployment) -> (Holder, u64) {
    let mut shortest = Duration::MAX;
    let mut latest = None;
    for _ in 0..3 {
        let code = deployment.code().await;
        let since = Instant::now();
        let tokens = redeem(&deployment.relying_party, &code).await.tokens();
        shortest = shortest.min(since.elapsed());
        latest = Some(tokens);
    }
    let tokens = latest.unwrap();
    let generation = deployment.stored_grant(&tokens.access).await.generation;
    (Holder { tokens, generation }, u64::try_from(shortest.as_micros()).unwrap() * 2)
}

/// The client that was answered has a live grant. The one that wasn't asks again, and gets what it is due or ends what
/// the lost answer held.
async fn after_redemption(deployment: &Deployment, code: &str, first: Outcome, tally: &mut Tally) {
    let relying_party = &deployment.relying_party;
    let tokens = match first {
        Outcome::Granted(tokens) => {
            tally.answered += 1;
            tokens
        }
        Outcome::Refused => panic!("a good code was refused"),
        Outcome::Unanswered => match redeem(relying_party, code).await {
            Outcome::Granted(tokens) => {
                tally.undone += 1;
                tokens
            }
            // It had been redeemed, so this was a replay: nothing of it lives.
            Outcome::Refused => {
                tally.lost += 1;
                let stored = deployment.newest_grant().await;
                assert!(stored.ended && stored.codes_spent == 1, "{stored:?}");
                return;
            }
            Outcome::Unanswered => panic!("the server that was started again doesn't answer"),
        },
    };
    let stored = deployment.stored_grant(&tokens.access).await;
    assert!(!stored.ended && stored.codes_spent == 1 && stored.refresh_rows == 1, "{stored:?}");
    // A code that was answered is spent, whatever came after: using it again ends the grant.
    assert!(matches!(redeem(relying_party, code).await, Outcome::Refused));
    assert!(deployment.stored_grant(&tokens.access).await.ended);
    assert!(matches!(refresh(relying_party, &tokens.refresh.unwrap()).await, Outcome::Refused));
}

impl Holder {
    fn token(&self) -> String {
        self.tokens.refresh.clone().unwrap()
    }

    /// Whether or not the answer came, asking again gives the one successor.
    async fn after_rotation(&mut self, deployment: &Deployment, first: Outcome, tally: &mut Tally) {
        let before = deployment.stored_grant(&self.tokens.access).await.generation;
        let again = refresh(&deployment.relying_party, &self.token()).await.tokens();
        match first {
            Outcome::Granted(tokens) => {
                tally.answered += 1;
                assert_eq!(before, self.generation + 1, "an answer was given that isn't in the database");
                assert_eq!(tokens.refresh, again.refresh, "two successors of one refresh token");
            }
            Outcome::Unanswered if before == self.generation => tally.undone += 1,
            Outcome::Unanswered => tally.lost += 1,
            Outcome::Refused => panic!("a good refresh token was refused"),
        }
        self.generation += 1;
        self.tokens = again;
        let expected =
            StoredGrant { ended: false, codes_spent: 1, refresh_rows: 1, generation: self.generation };
        assert_eq!(deployment.stored_grant(&self.tokens.access).await, expected);
    }
}
