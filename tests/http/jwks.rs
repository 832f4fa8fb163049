use harness::{World, client};
use serde_json::Value;

#[tokio::test]
async fn the_key_set_holds_one_public_key_of_each_algorithm_and_survives_a_restart() {
    World::each(async |world| {
        let mut documents = Vec::new();
        for _ in 0..2 {
            let url = format!("{}/.well-known/jwks.json", world.issuer());
            let answer = client().build().unwrap().get(url).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["content-type"], "application/json");
            assert_eq!(answer.headers()["access-control-allow-origin"], "*");
            documents.push(answer.json::<Value>().await.unwrap());
            world.restart().await;
        }
        assert_eq!(documents[0], documents[1]);
        let keys = documents[0]["keys"].as_array().unwrap();
        let algorithms: Vec<_> = keys.iter().map(|key| key["alg"].as_str().unwrap()).collect();
        assert_eq!(algorithms, ["RS256", "ES256"]);
        for key in keys {
            assert!(key["kid"].as_str().unwrap().starts_with("key_"), "{key}");
            assert_eq!(key["use"], "sig");
            assert!(["d", "p", "q", "dp", "dq", "qi", "k"].iter().all(|private| key.get(private).is_none()));
        }
    })
    .await;
}
