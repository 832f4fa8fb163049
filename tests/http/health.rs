use harness::{World, client};

#[tokio::test]
async fn a_server_says_that_it_lives_and_is_ready() {
    World::each(async |world| {
        for path in ["/healthz", "/readyz"] {
            let http = client().build().unwrap();
            let answer = http.get(format!("{}{path}", world.issuer())).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            world.restart().await;
        }
    })
    .await;
}
