use harness::{PASSWORD, World, claims};

#[tokio::test]
async fn what_an_operator_makes_is_known_at_once() {
    World::each(async |world| {
        let service = world.rp("service").await;
        let tokens = service.client_credentials("reports:read").await.tokens();
        assert_eq!(claims(&tokens.access)["client_id"], service.client_id.as_str());

        world.restart().await;
        assert_eq!(service.client_credentials("reports:read").await.status, 200);
        let made = world.create_user("ada@example.test", PASSWORD).await;
        assert_eq!(made["email_verified"], true);
    })
    .await;
}
