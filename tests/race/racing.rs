//! Many connections at once want what may be had once.

use harness::Browser;
use server::testing::{self, StoredGrant, engine_kinds};

use crate::deployment::{Deployment, Outcome, redeem, refresh, sign_in};

const CONNECTIONS: usize = 32;
const ROUNDS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_racing_redemptions_of_a_code_one_is_granted_and_the_replay_ends_it() {
    for engine in engine_kinds() {
        let deployment = Deployment::make(engine).await;
        for _ in 0..ROUNDS {
            let code = deployment.code().await;
            let outcomes = testing::race(CONNECTIONS, |_| {
                let (relying_party, code) = (deployment.relying_party.clone(), code.clone());
                async move { redeem(&relying_party, &code).await }
            });
            let (mut granted, mut refused) = (Vec::new(), 0);
            for outcome in outcomes.await {
                match outcome {
                    Outcome::Granted(tokens) => granted.push(tokens),
                    Outcome::Refused => refused += 1,
                    Outcome::Unanswered => panic!("a connection broke"),
                }
            }
            assert_eq!((granted.len(), refused), (1, CONNECTIONS - 1), "{engine:?}");
            // The others were replays, so what the code bought is gone (RFC 6749 section 4.1.2).
            let tokens = granted.remove(0);
            let stored = deployment.stored_grant(&tokens.access).await;
            assert!(
                stored.ended && stored.codes_spent == 1 && stored.refresh_rows == 1,
                "{engine:?} {stored:?}"
            );
            let spent = refresh(&deployment.relying_party, &tokens.refresh.unwrap()).await;
            assert!(matches!(spent, Outcome::Refused));
        }
        deployment.assert_whole().await;
    }
}

/// In a new database all rows are neighbours, which PostgreSQL takes for conflicts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_who_sign_in_at_once_in_a_new_database_are_all_let_in() {
    const PEOPLE: usize = 12;
    for engine in engine_kinds() {
        let deployment = Deployment::make(engine).await;
        for number in 0..PEOPLE {
            deployment.add_person(&format!("person{number}@example.test")).await;
        }
        for _ in 0..ROUNDS {
            let pages = testing::race(PEOPLE, |number| {
                let browser = Browser::new(&deployment.relying_party.issuer);
                async move { sign_in(&browser, &format!("person{number}@example.test")).await }
            });
            for (status, page) in pages.await {
                assert_eq!(status, 200, "{engine:?}: {page}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_refreshes_of_a_token_get_one_and_the_same_successor() {
    for engine in engine_kinds() {
        let deployment = Deployment::make(engine).await;
        let tokens = redeem(&deployment.relying_party, &deployment.code().await).await.tokens();
        let StoredGrant { mut generation, .. } = deployment.stored_grant(&tokens.access).await;
        let mut token = tokens.refresh.unwrap();
        for _ in 0..ROUNDS {
            let outcomes = testing::race(CONNECTIONS, |_| {
                let (relying_party, token) = (deployment.relying_party.clone(), token.clone());
                async move { refresh(&relying_party, &token).await }
            });
            let mut successors: Vec<String> =
                outcomes.await.into_iter().map(|outcome| outcome.tokens().refresh.unwrap()).collect();
            successors.dedup();
            assert_eq!(successors.len(), 1, "{engine:?}: more than one successor");
            assert_ne!(successors[0], token);
            generation += 1;
            let expected = StoredGrant { ended: false, codes_spent: 1, refresh_rows: 1, generation };
            assert_eq!(deployment.stored_grant(&tokens.access).await, expected, "{engine:?}");
            token = successors.remove(0);
        }
        deployment.assert_whole().await;
    }
}
