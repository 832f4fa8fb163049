//! What has expired goes from the database while the server runs, and what is in use stays.

use std::time::Duration;

use harness::World;
use server::sweeping::sweep;

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn a_long_absence_leaves_nothing_but_the_person_and_one_node_sweeps() {
    World::each(async |world| {
        let (ada, web) = (world.sign_up("ada@example.test").await, world.rp("web").await);
        web.exchange(&web.authorize(&ada.browser).await.code()).await.tokens();
        assert_eq!(sweep(world.app()).await.unwrap(), 0, "what was made just now was swept");
        assert!(!world.event_kinds().await.is_empty());
        world.clock.advance(DAY * 399);
        let gone = sweep(world.app()).await.unwrap();
        // A sign-up, its code, its mail, a session, a grant, a code, a browser.
        assert!(gone >= 6, "{gone}");
        assert_eq!(sweep(world.app()).await.unwrap(), 0, "a tenant was swept again at once");
        assert!(world.event_kinds().await.contains(&"user.created".to_owned()), "an event went too early");
        world.clock.advance(DAY + Duration::from_secs(1));
        sweep(world.app()).await.unwrap();
        assert!(world.event_kinds().await.is_empty(), "events stay for good");
        let again = harness::Person { browser: world.browser(), ..ada };
        assert_eq!(again.sign_in().await.heading(), "You are signed in");
        world.restart_as(|config| config.events_kept = None).await;
        world.clock.advance(DAY * 4000);
        sweep(world.app()).await.unwrap();
        assert!(!world.event_kinds().await.is_empty(), "events went though they are kept for good");
    })
    .await;
}
