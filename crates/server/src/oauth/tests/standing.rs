//! What a grant rests on, taken away: every grant type and every use sees it at once.

use std::time::Duration;

use http::StatusCode;
use oidc::client::{ClientMetadata, ClientSettings};
use oidc::scope::Scope;
use serde_json::json;
use store::consents::Consent;
use store::{Fault, write_tx};
use terms::GrantId;

use super::scene::{GOOD, OPAQUE_API, Party, Person, Scene, Wanted};

/// Something that is taken away between the grant and its use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    Nothing,
    UserDisabled,
    UserDeleted,
    SessionEnded,
    SessionExpired,
    ConsentWithdrawn,
    ConsentNarrowed,
    ConsentGivenAnew,
    GrantEnded,
    ClientDeleted,
    GrantTypesLost,
}

impl Loss {
    const ALL: [Self; 11] = [
        Self::Nothing,
        Self::UserDisabled,
        Self::UserDeleted,
        Self::SessionEnded,
        Self::SessionExpired,
        Self::ConsentWithdrawn,
        Self::ConsentNarrowed,
        Self::ConsentGivenAnew,
        Self::GrantEnded,
        Self::ClientDeleted,
        Self::GrantTypesLost,
    ];

    /// Whether what `wanted` describes stands nevertheless.
    fn is_survived(self, wanted: Wanted) -> bool {
        match self {
            Self::Nothing => true,
            Self::SessionEnded | Self::SessionExpired => wanted.offline,
            Self::ConsentWithdrawn | Self::ConsentNarrowed | Self::ConsentGivenAnew => !wanted.by_consent,
            Self::UserDisabled
            | Self::UserDeleted
            | Self::GrantEnded
            | Self::ClientDeleted
            | Self::GrantTypesLost => false,
        }
    }

    async fn happen(self, scene: &Scene, person: &Person, party: &Party, grant: GrantId) {
        let now = scene.now();
        if self == Self::SessionExpired {
            return end_session_by_time(scene, person).await;
        }
        let scope = if self == Self::ConsentNarrowed { "openid" } else { GOOD.scope };
        let again = Consent {
            user: person.user,
            client: party.id.clone(),
            scope: scope.parse::<Scope>().unwrap(),
            given_at: now,
        };
        write_tx!(scene.app.store, scene.tenant, |tx| -> Result<(), Fault> {
            let changed = match self {
                Self::Nothing | Self::SessionExpired => true,
                Self::UserDisabled => tx.set_disabled(person.user, Some(now)).await?,
                Self::UserDeleted => tx.delete_user(person.user, now).await?.is_some(),
                Self::SessionEnded => tx.end_session(person.session, now).await?.is_any(),
                Self::ConsentWithdrawn => tx.withdraw_consent(person.user, &party.id, now).await?,
                Self::ConsentNarrowed | Self::ConsentGivenAnew => {
                    let had = tx.withdraw_consent(person.user, &party.id, now).await?;
                    tx.add_consent(&again).await?;
                    had
                }
                Self::GrantEnded => tx.end_grant(grant, now).await?,
                Self::ClientDeleted => tx.delete_client(&party.id).await?,
                Self::GrantTypesLost => {
                    let mut client = tx.client(&party.id).await?.expect("the client");
                    let mut metadata = client.metadata.to_json();
                    metadata["grant_types"] = json!(["client_credentials"]);
                    metadata["response_types"] = json!([]);
                    client.metadata = ClientMetadata::parse(&metadata).expect("metadata");
                    tx.update_client(&client).await?
                }
            };
            assert!(changed, "{self:?}");
            Ok(())
        })
        .unwrap();
    }
}

/// The session's last activity moves so far into the past that it has idled out, without the code expiring.
async fn end_session_by_time(scene: &Scene, person: &Person) {
    let mut session = scene.app.store.read(scene.tenant).session(person.session).await.unwrap().unwrap();
    session.last_active_at = scene.now().minus(terms::limits::SESSION_IDLE);
    let renewed = write_tx!(scene.app.store, scene.tenant, |tx| -> Result<bool, Fault> {
        tx.renew_session(&session).await
    });
    assert!(renewed.unwrap());
}

fn shapes() -> [Wanted; 4] {
    [(false, true), (false, false), (true, true), (true, false)].map(|(offline, by_consent)| Wanted {
        offline,
        by_consent,
        ..GOOD
    })
}

#[tokio::test]
async fn every_grant_type_and_every_use_sees_what_was_lost() {
    Scene::each(async |scene| {
        let mut cells = 0;
        for (number, loss) in Loss::ALL.into_iter().enumerate() {
            for (shape, wanted) in shapes().into_iter().enumerate() {
                let name = format!("{number}-{shape}");
                cells += try_one(scene, loss, wanted, &name).await;
            }
        }
        println!("{cells} cells of the table of losses");
        assert_eq!(cells, 11 * 4 * 6);
    })
    .await;
}

async fn try_one(scene: &Scene, loss: Loss, wanted: Wanted, name: &str) -> usize {
    let method = "client_secret_basic";
    let party = scene.party(&format!("cli_{name}"), method, ClientSettings::default()).await;
    let person = scene.person(&format!("user-{name}")).await;
    let (spent, grant) = scene.code_and_grant(&person, &party, wanted).await;
    let tokens = scene.exchange(&party, &spent).await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    let opaque = opaque_token(scene, &party, &person, wanted).await;
    // The unspent code is of another grant of the same kind.
    let (code, other) = scene.code_and_grant(&person, &party, wanted).await;
    let (device_code, of_device) = scene.device_code_and_grant(&person, &party, wanted).await;
    loss.happen(scene, &person, &party, grant).await;
    if loss == Loss::GrantEnded {
        loss.happen(scene, &person, &party, of_device).await;
        loss.happen(scene, &person, &party, other).await;
        loss.happen(scene, &person, &party, opaque.1).await;
    }
    let survived = loss.is_survived(wanted);
    let at_token_endpoint = match loss {
        Loss::ClientDeleted => "invalid_client",
        Loss::GrantTypesLost => "unauthorized_client",
        _ => "invalid_grant",
    };
    for answer in [
        scene.exchange(&party, &code).await,
        scene.refresh(&party, &refresh).await,
        scene.poll(&party, &device_code).await,
    ] {
        if survived {
            assert_eq!(answer.status, StatusCode::OK, "{loss:?} {name} {}", answer.body);
        } else {
            assert_eq!(answer.error(), at_token_endpoint, "{loss:?} {name} {}", answer.body);
        }
    }
    // What was issued before the client lost its grant types lives on for its few minutes.
    let stands = survived || loss == Loss::GrantTypesLost;
    let userinfo = scene.userinfo(&access).await;
    assert_eq!(userinfo.status == StatusCode::OK, stands, "{loss:?} {name} {}", userinfo.body);
    if loss == Loss::ClientDeleted {
        let answer = scene.post("/oauth/introspect", &party, &[("token", &access)]).await;
        assert_eq!(answer.error(), "invalid_client");
        return 6;
    }
    assert_eq!(scene.is_active(&party, &access).await, stands, "{loss:?} {name}");
    assert_eq!(scene.is_active(&party, &opaque.0).await, stands, "{loss:?} {name}");
    assert_eq!(scene.is_active(&party, &refresh).await, survived, "{loss:?} {name}");
    6
}

async fn opaque_token(scene: &Scene, party: &Party, person: &Person, wanted: Wanted) -> (String, GrantId) {
    let wanted = Wanted { resource: Some(OPAQUE_API), ..wanted };
    let (code, grant) = scene.code_and_grant(person, party, wanted).await;
    (scene.exchange(party, &code).await.text("access_token"), grant)
}

#[tokio::test]
async fn a_clients_own_token_ends_with_the_client() {
    Scene::each(async |scene| {
        let backend = scene.backend().await;
        let reader = scene.party("cli_api", "client_secret_basic", ClientSettings::default()).await;
        scene.reads_tokens("https://read.example.test", &reader).await;
        let form = [("grant_type", "client_credentials"), ("resource", "https://read.example.test")];
        let token = scene.post("/oauth/token", &backend, &form).await.text("access_token");
        assert!(scene.is_active(&reader, &token).await);
        write_tx!(scene.app.store, scene.tenant, |tx| -> Result<bool, Fault> {
            tx.delete_client(&backend.id).await
        })
        .unwrap();
        assert!(!scene.is_active(&reader, &token).await);
        assert_eq!(scene.post("/oauth/token", &backend, &form).await.error(), "invalid_client");
    })
    .await;
}

#[tokio::test]
async fn tokens_expire() {
    Scene::each(async |scene| {
        let (backend, alice) = (scene.backend().await, scene.person("alice").await);
        let code = scene.code(&alice, &backend, GOOD).await;
        let access = scene.exchange(&backend, &code).await.text("access_token");
        scene.clock.advance(Duration::from_secs(299));
        assert!(scene.is_active(&backend, &access).await);
        scene.clock.advance(Duration::from_secs(1));
        assert!(!scene.is_active(&backend, &access).await);
        assert_eq!(scene.userinfo(&access).await.error(), "invalid_token");
    })
    .await;
}
