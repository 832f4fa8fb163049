use harness::{World, client};

#[tokio::test]
async fn a_server_says_that_it_lives() {
    let world = World::start().await;
    let http = client().build().unwrap();
    let answer = http.get(format!("{}/healthz", world.issuer())).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}
