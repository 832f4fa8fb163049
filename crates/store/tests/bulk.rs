//! People and clients that were made in bulk are as others.
#![allow(clippy::unwrap_used, reason = "a test whose set-up fails can only stop")]

use identity::password::PasswordHash;
use identity::{Actor, EventKind};
use oidc::client::{Client, ClientMetadata, ClientSettings};
use serde_json::json;
use store::bulk::{Clients, People};
use store::events::EventFilter;
use store::testing::{self, NOW};
use store::{Fault, write_tx};
use terms::{ClientSecret, ClientSecretId, EmailAddress, EventId, UserId};

fn people(password: &PasswordHash, first: i64, last: i64) -> People<'_> {
    People {
        first,
        last,
        user: UserId::new(NOW, testing::id_bits()),
        event: EventId::new(NOW, testing::id_bits()),
        subject: "0123456789abcdef",
        webauthn_handle: [1; 32],
        name: "Person",
        password,
        now: NOW,
    }
}

#[tokio::test]
async fn people_are_found_by_all_that_finds_people() {
    for store in testing::engines().await {
        let password = PasswordHash::from_stored("$argon2id$x".to_owned());
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            tx.insert_people(&people(&password, 1, 30)).await?;
            tx.insert_people(&people(&password, 31, 40)).await
        })
        .unwrap();
        let mut read = store.read(store.tenant);
        let address = EmailAddress::parse("person31@example.test").unwrap();
        let user = read.user_by_email(address.canonical()).await.unwrap().unwrap();
        assert!(user.emails[0].is_primary && user.emails[0].verified_at == Some(NOW));
        assert_eq!(user.id.made_at(), NOW);
        assert_eq!(read.user_by_subject(&user.subject).await.unwrap().as_ref(), Some(&user));
        let stored = read.password_of(user.id).await.unwrap().unwrap();
        assert_eq!((stored.hash.as_phc(), stored.version), ("$argon2id$x", 1));
        let everybody = read.users_after(None, 100).await.unwrap();
        assert_eq!(everybody.len(), 40);
        let events = EventFilter { about: Some(user.id.to_string()), ..EventFilter::default() };
        let events = read.events_where(&events, 9).await.unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!((events[0].kind, &events[0].actor), (EventKind::UserCreated, &Actor::Operator));
        // By address and by name, a page at a time, until there are no more.
        for (beginning, many) in [("person", 80), ("PERSON3", 11), ("person31@", 1)] {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = read.users_found(beginning, after.as_ref(), 7).await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some(last.clone());
                seen.extend(page);
            }
            assert_eq!(seen.len(), many, "{beginning}");
            assert!(seen.is_sorted_by(|one, next| (&one.term, one.user) < (&next.term, next.user)));
        }
        let twice = write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            tx.insert_people(&people(&password, 40, 41)).await
        });
        assert!(twice.is_err());
        let stranger = testing::add_tenant(&store, "stranger").await.unwrap();
        assert!(store.read(stranger).users_after(None, 1).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn clients_have_the_metadata_of_the_one_that_they_are_like() {
    for store in testing::engines().await {
        let metadata = json!({ "client_name": "Shop", "redirect_uris": ["https://shop.example/cb"] });
        let like = Client {
            id: "like".parse().unwrap(),
            metadata: ClientMetadata::parse(&metadata).unwrap(),
            settings: ClientSettings { first_party: true, ..ClientSettings::default() },
            created_at: NOW,
            last_used_at: None,
        };
        let clients = Clients {
            first: 1,
            last: 12,
            like: &like,
            secret: ClientSecretId::new(NOW, testing::id_bits()),
            secret_hash: ClientSecret::new([1; 32]).hash(),
            now: NOW,
        };
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> { tx.insert_clients(&clients).await })
            .unwrap();
        let mut read = store.read(store.tenant);
        let page = read.clients_after("client10", 2).await.unwrap();
        let ids: Vec<_> = page.iter().map(|client| client.id.as_str().to_owned()).collect();
        assert_eq!(ids, ["client11", "client12"]);
        assert_eq!(page[0], Client { id: page[0].id.clone(), ..like.clone() });
        assert_eq!(read.client_secrets(&page[0].id).await.unwrap().len(), 1);
        assert!(read.tenant_record().await.unwrap().unwrap().version > 1);
    }
}
