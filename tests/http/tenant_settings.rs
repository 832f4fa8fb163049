//! What a tenant's settings change of its pages.

use harness::World;
use serde_json::{Value, json};
use server::admin::{AdminCommand, AdminError};

async fn set(world: &World, settings: Value) -> Result<Value, AdminError> {
    world.operate(AdminCommand::TenantsSet { settings }).await
}

#[tokio::test]
async fn settings_are_seen_at_once_kept_and_merged() {
    World::each(async |world| {
        let given =
            json!({ "name": "Łódź <Trams>", "terms_uri": "https://trams.example/terms", "corner_radius": 2 });
        let shown = set(world, given).await.unwrap();
        assert_eq!(shown["settings"]["name"], "Łódź <Trams>");
        world.restart().await;
        set(world, json!({ "privacy_uri": "https://trams.example/privacy" })).await.unwrap();
        let shown = world.operate(AdminCommand::TenantsShow).await.unwrap();
        assert_eq!((&shown["settings"]["corner_radius"], &shown["slug"]), (&json!(2), &json!("default")));

        let page = world.browser().open("/sign-up").await;
        assert!(page.body.contains("Łódź &#60;Trams&#62;"), "{page}");
        assert!(page.says("By creating an account you agree to the terms of service"), "{page}");
        for (link, text) in [
            ("https://trams.example/terms", "Terms of service"),
            ("https://trams.example/privacy", "Privacy policy"),
        ] {
            assert_eq!(page.link(text).as_str(), link);
        }
        let kinds = world.event_kinds().await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "tenant.updated").count(), 2, "{kinds:?}");

        set(world, json!({ "terms_uri": null, "privacy_uri": null, "name": null })).await.unwrap();
        let page = world.browser().open("/sign-up").await;
        assert!(page.says("Portico") && !page.says("agree") && !page.says("Privacy policy"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn with_anything_wrong_nothing_is_changed_and_all_of_it_is_said() {
    let world = World::start().await;
    let given = json!({ "name": "Trams", "font": "Papyrus", "colours": { "light": { "background": "#777777" } }, "logo": "x" });
    let Err(AdminError::Refused(lines)) = set(&world, given).await else { panic!("it was taken") };
    assert_eq!(lines.len(), 3, "{lines:?}");
    for path in ["font: ", "colours.light.background: has a contrast of ", "logo: "] {
        assert!(lines.iter().any(|line| line.starts_with(path)), "{path}: {lines:?}");
    }
    let shown = world.operate(AdminCommand::TenantsShow).await.unwrap();
    assert_eq!(shown["settings"]["name"], "Portico");
    assert!(!world.event_kinds().await.iter().any(|kind| kind == "tenant.updated"));
}

#[tokio::test]
async fn a_change_that_changes_nothing_leaves_no_event() {
    let world = World::start().await;
    set(&world, json!({ "name": "Portico", "corner_radius": 10 })).await.unwrap();
    assert!(!world.event_kinds().await.iter().any(|kind| kind == "tenant.updated"));
}
