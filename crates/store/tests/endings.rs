//! Whatever ends a session queues what its clients are told, in the same transaction.
#![allow(clippy::unwrap_used, reason = "a test whose set-up fails can only stop")]

use std::time::Duration;

use identity::{BrowserRecord, Device, Factor, FactorMethod, Profile, Session, User};
use oidc::back_channel_logout::NOTICE_LIFETIME;
use oidc::client::{Client, ClientMetadata, ClientSettings};
use oidc::grant::{Authentication, Grant};
use serde_json::json;
use store::consents::Consent;
use store::endings::{Ended, FIRST_ATTEMPT, LogoutNotice};
use store::testing::{self, NOW, TestStore};
use store::{EngineKind, Fault, STATEMENTS, write_guarded, write_tx};
use terms::{BrowserHandleHash, BrowserId, ClientId, GrantId, SessionId, Timestamp, UserId, limits};

fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn id<T>(new: fn(Timestamp, [u8; 10]) -> T) -> T {
    new(NOW, testing::id_bits())
}

struct Scene {
    store: TestStore,
    user: User,
    browser: BrowserId,
}

/// A user with a browser, and three clients: one that wants to be told, one with a page to show, one with neither.
async fn scenes() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for store in testing::engines().await {
        let user = User {
            id: id(UserId::new),
            subject: "sub-ada".parse().unwrap(),
            emails: Vec::new(),
            profile: Profile::default(),
            created_at: NOW,
            updated_at: NOW,
            disabled_at: None,
            language: None,
            username: None,
        };
        let browser = BrowserRecord {
            id: id(BrowserId::new),
            handle_hash: BrowserHandleHash::from_bytes([1; 32]),
            previous_handle_hash: None,
            rotated_at: NOW,
            created_at: NOW,
            last_seen_at: NOW,
        };
        let clients = [
            ("told", json!({ "backchannel_logout_uri": "https://told.example/out" })),
            ("shown", json!({ "frontchannel_logout_uri": "https://shown.example/out" })),
            ("neither", json!({})),
        ]
        .map(|(name, mut metadata)| {
            metadata["redirect_uris"] = json!([format!("https://{name}.example/cb")]);
            Client {
                id: name.parse().unwrap(),
                metadata: ClientMetadata::parse(&metadata).unwrap(),
                settings: ClientSettings::default(),
                created_at: NOW,
                last_used_at: None,
            }
        });
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            tx.insert_user(&user, &[1; 32]).await?;
            tx.insert_browser(&browser).await?;
            for client in &clients {
                tx.insert_client(client).await?;
            }
            Ok(())
        })
        .unwrap();
        scenes.push(Scene { store, user, browser: browser.id });
    }
    scenes
}

impl Scene {
    fn a_session(&self) -> Session {
        Session {
            id: id(SessionId::new),
            browser_id: self.browser,
            user_id: self.user.id,
            factors: vec![Factor { method: FactorMethod::Password, verified_at: NOW }],
            created_at: NOW,
            last_active_at: NOW,
            expires_at: NOW.plus(limits::SESSION_LIFETIME),
            ended_at: None,
            device: Device::default(),
        }
    }

    fn a_grant(&self, client: &str, session: SessionId, at: Timestamp) -> Grant {
        Grant {
            id: GrantId::new(at, testing::id_bits()),
            client: client.parse().unwrap(),
            user: self.user.id,
            pairwise_subject: None,
            session,
            offline: false,
            by_consent: false,
            scope: "openid".parse().unwrap(),
            resources: Vec::new(),
            claims: oidc::claims_request::ClaimsRequest::default(),
            authentication: Authentication { time: NOW, methods: Vec::new(), acr: "1".to_owned() },
            created_at: at,
            ended_at: None,
        }
    }

    /// A session with a grant for each of these clients; pairwise by the name that stands with it.
    async fn session(&self, clients: &[(&str, Option<&str>)]) -> SessionId {
        let session = self.a_session();
        write_tx!(self.store, self.store.tenant, |tx| -> Result<(), Fault> {
            tx.insert_session(&session).await
        })
        .unwrap();
        for (index, (client, pairwise)) in clients.iter().enumerate() {
            let at = later(index.try_into().unwrap());
            let pairwise_subject = pairwise.map(|name| name.parse().unwrap());
            let grant = Grant { pairwise_subject, ..self.a_grant(client, session.id, at) };
            write_tx!(self.store, self.store.tenant, |tx| -> Result<(), Fault> {
                tx.insert_grant(&grant).await
            })
            .unwrap();
        }
        session.id
    }

    async fn waiting(&self) -> i64 {
        let queues = self.store.directory().notice_queues().await.unwrap();
        queues.iter().map(|queue| queue.waiting).sum()
    }

    async fn claim(&self, now: Timestamp) -> Option<LogoutNotice> {
        let until = now.plus(Duration::from_mins(1));
        let tenant = self.store.tenant;
        write_tx!(self.store, tenant, |tx| -> Result<_, Fault> { tx.claim_logout_notice(now, until).await })
            .unwrap()
    }
}

impl Scene {
    /// The sessions of which notices are due, each claimed, in the order of their making.
    async fn told(&self, now: Timestamp) -> Vec<SessionId> {
        let mut told = Vec::new();
        while let Some(notice) = self.claim(now).await {
            assert_eq!((notice.client.as_str(), notice.subject.as_str()), ("told", "sub-ada"));
            told.push(notice.session);
        }
        told.sort_unstable();
        told
    }
}

fn named(notices: &[LogoutNotice]) -> Vec<(SessionId, &str, &str)> {
    notices.iter().map(|it| (it.session, it.client.as_str(), it.subject.as_str())).collect()
}

/// A verb of another module that ended or deleted sessions would forget their clients.
#[test]
fn no_other_statement_ends_a_session_or_deletes_one_that_lives() {
    let mut ends = 0;
    for statement in STATEMENTS.iter().flat_map(|module| *module) {
        let sql = statement.sql.split_whitespace().collect::<Vec<_>>().join(" ");
        let ends_one = sql.starts_with("UPDATE session ") && sql.contains("ended_at =");
        if ends_one && !sql.contains("SET ended_at = ended_at WHERE") {
            assert!(statement.name.starts_with("store::endings::"), "{} ends sessions", statement.name);
            ends += 1;
        }
        let deletes = ["session", "user_account", "browser", "tenant"]
            .into_iter()
            .any(|table| sql.contains(&format!("DELETE FROM {table} ")));
        match statement.name {
            // After its sessions were ended.
            "store::users::delete_user_row" => assert!(deletes),
            "store::sweep::sweep_ended_sessions" => assert!(sql.contains("ended_at <= $2"), "{sql}"),
            // Of one that nobody came with for longer than any session lives, after those whose time is over were ended.
            "store::sweep::sweep_browsers" => assert!(sql.contains("last_seen_at <= $2"), "{sql}"),
            name => assert!(!deletes, "{name} deletes sessions"),
        }
    }
    assert_eq!(ends, 5);
}

/// Somebody changes their password while they are signed in once more, and while a client is let in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_made_beside_an_end_is_seen_by_it() {
    for scene in scenes().await {
        let (store, user) = (&scene.store, scene.user.id);
        let old = scene.session(&[]).await;
        let (grant, session) = (scene.a_grant("told", old, NOW), scene.a_session());
        let has_held = tokio::sync::Semaphore::new(0);
        let has_looked = tokio::sync::Semaphore::new(0);
        let pause = Duration::from_millis(100);
        let makes = async {
            write_guarded!(store, store.tenant, |tx| -> Result<(), Fault> {
                assert!(tx.hold_user(user).await? && tx.hold_session(old).await?);
                has_held.add_permits(1);
                // On SQLite the other one hasn't begun by then.
                let _ = tokio::time::timeout(pause, has_looked.acquire()).await;
                tokio::time::sleep(pause).await;
                tx.insert_grant(&grant).await?;
                tx.insert_session(&session).await
            })
        };
        let ends = async {
            has_held.acquire().await.unwrap().forget();
            write_tx!(store, store.tenant, |tx| -> Result<(usize, u64), Fault> {
                // From here on it sees nothing that is committed later.
                tx.user(user).await?.unwrap();
                has_looked.add_permits(1);
                let grants = tx.end_grants_of_user(user, later(1)).await?;
                let ended = tx.end_sessions_of_user(user, later(1)).await?;
                Ok((ended.sessions.len(), grants))
            })
        };
        let (made, ended) = tokio::join!(makes, ends);
        made.unwrap();
        assert_eq!(ended.unwrap(), (2, 1));
        assert_eq!(store.read(store.tenant).sessions_of_user(user).await.unwrap(), []);
        let (client, given_at): (ClientId, _) = ("told".parse().unwrap(), NOW);
        let consent = Consent { user, client: client.clone(), scope: "openid".parse().unwrap(), given_at };
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> { tx.add_consent(&consent).await }).unwrap();
        for is_given in [true, false] {
            let held = write_guarded!(store, store.tenant, |tx| -> Result<bool, Fault> {
                tx.hold_consent(user, &client).await
            });
            assert_eq!(held.unwrap(), is_given || store.kind() == EngineKind::Sqlite);
            write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> {
                tx.withdraw_consent(user, &client, later(2)).await
            })
            .unwrap();
        }
        // What has ended isn't held again; nobody is there who was never made.
        let held = write_guarded!(store, store.tenant, |tx| -> Result<(bool, bool), Fault> {
            Ok((tx.hold_session(old).await?, tx.hold_user(id(UserId::new)).await?))
        });
        let is_asked = store.kind() == EngineKind::Postgres;
        assert_eq!(held.unwrap(), (!is_asked, !is_asked));
    }
}

#[tokio::test]
async fn each_client_of_the_session_that_wants_it_is_told_once_by_its_own_name_for_the_person() {
    for scene in scenes().await {
        let both = scene
            .session(&[("told", Some("before")), ("shown", None), ("neither", None), ("told", Some("now"))])
            .await;
        let none = scene.session(&[("neither", None)]).await;
        let tenant = scene.store.tenant;
        let ended = write_tx!(scene.store, tenant, |tx| -> Result<Ended, Fault> {
            Ok(tx.end_session(both, later(9)).await?.and(tx.end_session(none, later(9)).await?))
        })
        .unwrap();
        assert_eq!(ended.sessions.iter().map(|it| it.id).collect::<Vec<_>>(), [both, none]);
        assert_eq!(named(&ended.notices), [(both, "told", "now")]);
        assert_eq!((ended.notices[0].attempt, ended.notices[0].queued_at), (1, later(9)));
        let again = write_tx!(scene.store, tenant, |tx| -> Result<_, Fault> {
            tx.end_session(both, later(10)).await
        });
        assert_eq!(again.unwrap(), Ended::default());
        assert_eq!(scene.waiting().await, 1);
        let mut read = scene.store.read(tenant);
        let shown = read.front_channel_clients(both).await.unwrap();
        assert_eq!(shown.iter().map(|client| client.id.as_str()).collect::<Vec<_>>(), ["shown"]);
        assert_eq!(read.front_channel_clients(none).await.unwrap(), []);
    }
}

#[tokio::test]
async fn no_way_to_end_a_session_forgets_its_clients() {
    for scene in scenes().await {
        let (tenant, user) = (scene.store.tenant, scene.user.id);
        let told = [("told", None)];
        let [one, two, three] =
            [scene.session(&told).await, scene.session(&told).await, scene.session(&told).await];
        let ended = write_tx!(scene.store, tenant, |tx| -> Result<Vec<Ended>, Fault> {
            Ok(vec![
                tx.end_session_of(id(UserId::new), one, later(1)).await?,
                tx.end_session_of(user, one, later(1)).await?,
                tx.end_other_sessions_of_user(user, three, later(2)).await?,
                tx.end_sessions_of_user(user, later(3)).await?,
            ])
        })
        .unwrap();
        let ended: Vec<_> = ended.iter().map(|it| named(&it.notices)).collect();
        let notice = |session| vec![(session, "told", "sub-ada")];
        assert_eq!(ended, [vec![], notice(one), notice(two), notice(three)]);
        assert_eq!(scene.told(later(3).plus(FIRST_ATTEMPT)).await, [one, two, three]);
        // Time, and only of what is over: as of when it was.
        let (lapsed, live) = (scene.session(&told).await, scene.session(&told).await);
        let idle = NOW.plus(limits::SESSION_IDLE);
        write_tx!(scene.store, tenant, |tx| -> Result<bool, Fault> {
            tx.touch_session(live, later(60)).await
        })
        .unwrap();
        scene.store.sweep(tenant, idle.minus(Duration::from_millis(1))).await.unwrap();
        assert_eq!(scene.store.read(tenant).session(lapsed).await.unwrap().unwrap().ended_at, None);
        scene.store.sweep(tenant, idle).await.unwrap();
        let mut read = scene.store.read(tenant);
        assert_eq!(read.session(lapsed).await.unwrap().unwrap().ended_at, Some(idle));
        assert_eq!(read.session(live).await.unwrap().unwrap().ended_at, None);
        // The account, of which nothing is left but what is to be told.
        let gone = write_tx!(scene.store, tenant, |tx| -> Result<_, Fault> {
            tx.delete_account(&scene.user, None, idle).await
        });
        assert_eq!(named(&gone.unwrap().unwrap().notices), notice(live));
        assert_eq!(scene.told(idle.plus(FIRST_ATTEMPT)).await, [lapsed, live]);
    }
}

#[tokio::test]
async fn many_sessions_lapse_in_one_sweep() {
    for scene in scenes().await {
        for _ in 0..3 {
            scene.session(&[("told", None)]).await;
        }
        let idle = NOW.plus(limits::SESSION_IDLE);
        let tenant = scene.store.tenant;
        for expected in [2, 1, 0] {
            let ended = write_tx!(scene.store, tenant, |tx| -> Result<_, Fault> {
                tx.end_lapsed_sessions(2, idle).await
            });
            assert_eq!(ended.unwrap().notices.len(), expected);
        }
    }
}

#[tokio::test]
async fn a_notice_is_its_enders_at_first_then_anybodys_and_the_newest_attempt_has_the_last_word() {
    for scene in scenes().await {
        let tenant = scene.store.tenant;
        let session = scene.session(&[("told", None)]).await;
        let ended =
            write_tx!(scene.store, tenant, |tx| -> Result<_, Fault> { tx.end_session(session, NOW).await });
        let first = ended.unwrap().notices.pop().unwrap();
        let due = NOW.plus(FIRST_ATTEMPT);
        assert_eq!(scene.claim(due.minus(Duration::from_millis(1))).await, None);
        let second = scene.claim(due).await.unwrap();
        assert_eq!(second, LogoutNotice { attempt: 2, ..first.clone() });
        assert_eq!(scene.claim(due).await, None, "claimed twice");
        let changed = write_tx!(scene.store, tenant, |tx| -> Result<[bool; 4], Fault> {
            Ok([
                tx.delete_logout_notice(&first).await?,
                tx.postpone_logout_notice(&first, NOW).await?,
                tx.postpone_logout_notice(&second, later(500)).await?,
                tx.delete_logout_notice(&second).await?,
            ])
        });
        assert_eq!(changed.unwrap(), [false, false, true, true]);
        assert_eq!(scene.waiting().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_who_look_at_once_each_notice_has_one() {
    for scene in scenes().await {
        for _ in 0..4 {
            scene.session(&[("told", None)]).await;
        }
        let (tenant, user) = (scene.store.tenant, scene.user.id);
        let ended = write_tx!(scene.store, tenant, |tx| -> Result<_, Fault> {
            tx.end_sessions_of_user(user, NOW).await
        });
        assert_eq!(ended.unwrap().notices.len(), 4);
        let sharer = scene.store.store.clone();
        let claims = testing::race(8, move |_| {
            let store = sharer.clone();
            async move {
                write_tx!(store, tenant, |tx| -> Result<_, Fault> {
                    tx.claim_logout_notice(later(60), later(120)).await
                })
            }
        });
        let mut got: Vec<SessionId> =
            claims.await.into_iter().filter_map(|claim| claim.unwrap()).map(|it| it.session).collect();
        got.sort_unstable();
        got.dedup();
        assert_eq!(got.len(), 4);
    }
}

#[tokio::test]
async fn a_notice_goes_with_its_client_and_is_swept_in_the_end() {
    for scene in scenes().await {
        let tenant = scene.store.tenant;
        for _ in 0..2 {
            scene.session(&[("told", None)]).await;
        }
        let user = scene.user.id;
        let end = async |now| {
            write_tx!(scene.store, tenant, |tx| -> Result<_, Fault> {
                tx.end_sessions_of_user(user, now).await
            })
            .unwrap()
        };
        assert_eq!(end(NOW).await.notices.len(), 2);
        let over = NOW.plus(NOTICE_LIFETIME).plus(Duration::from_hours(24));
        scene.store.sweep(tenant, over.minus(Duration::from_millis(1))).await.unwrap();
        assert_eq!(scene.waiting().await, 2);
        scene.store.sweep(tenant, over).await.unwrap();
        assert_eq!(scene.waiting().await, 0);
        scene.session(&[("told", None)]).await;
        assert_eq!(end(over).await.notices.len(), 1);
        let client: ClientId = "told".parse().unwrap();
        write_tx!(scene.store, tenant, |tx| -> Result<bool, Fault> { tx.delete_client(&client).await })
            .unwrap();
        assert_eq!(scene.waiting().await, 0);
    }
}
