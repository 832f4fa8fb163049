use harness::{PASSWORD, World, claims};
use serde_json::{Value, json};
use server::admin::{AdminCommand, ClientChanges, Part};

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

fn part(after: Option<&str>, limit: u32) -> Part {
    Part { after: after.map(str::to_owned), limit: Some(limit) }
}

/// One member of every row.
fn each(rows: &Value, member: &str) -> Vec<String> {
    rows.as_array().unwrap().iter().map(|row| row[member].as_str().unwrap().to_owned()).collect()
}

/// Goes through a list two rows at a time, as its continuation says.
async fn read_in_parts(world: &World, member: &str, ask: impl Fn(Part) -> AdminCommand) -> Vec<String> {
    let mut read: Vec<String> = Vec::new();
    loop {
        let command = ask(part(read.last().map(String::as_str), 2));
        let continuation = command.continuation().unwrap();
        let rows = world.operate(command).await.unwrap();
        read.extend(each(&rows, member));
        match continuation.after(&rows) {
            Some(next) => assert_eq!(next, format!("--after {} goes on from here", read.last().unwrap())),
            None => return read,
        }
    }
}

#[tokio::test]
async fn long_lists_come_in_parts() {
    World::each(async |world| {
        for name in ["ada", "bob", "cyd"] {
            world.create_user(&format!("{name}@example.test"), PASSWORD).await;
            let metadata = json!({ "client_name": name, "redirect_uris": ["https://app.example/callback"] });
            let changes = ClientChanges { metadata, whole: true, ..ClientChanges::default() };
            world.operate(AdminCommand::ClientsCreate(changes)).await.unwrap();
            let (slug, issuer) = (name.to_owned(), None);
            world.operate(AdminCommand::TenantsCreate { slug, issuer, hosts: Vec::new() }).await.unwrap();
        }
        let users = |part| AdminCommand::UsersList { beginning: None, part };
        for (ask, member) in [
            (&users as &dyn Fn(Part) -> AdminCommand, "user_id"),
            (&AdminCommand::ClientsList, "client_id"),
            (&AdminCommand::TenantsList, "tenant_id"),
        ] {
            let whole = each(&world.operate(ask(Part::default())).await.unwrap(), member);
            assert!(whole.len() >= 3 && whole.is_sorted(), "{whole:?}");
            assert_eq!(read_in_parts(world, member, ask).await, whole);
            for limit in [0, 1001] {
                let refused = world.operate(ask(part(None, limit))).await.unwrap_err().to_string();
                assert!(refused.contains("--limit"), "{refused}");
            }
        }
        for (beginning, found) in
            [("BOB", &["bob@example.test"][..]), ("b@", &[]), ("", &["ada@example.test"])]
        {
            let asked =
                AdminCommand::UsersList { beginning: Some(beginning.to_owned()), part: part(None, 1) };
            assert_eq!(each(&world.operate(asked).await.unwrap(), "email"), found);
        }
        for refused in [
            users(part(Some("nobody"), 1)),
            AdminCommand::TenantsList(part(Some("nowhere"), 1)),
            AdminCommand::UsersList { beginning: Some("b".to_owned()), part: part(Some("x"), 1) },
        ] {
            let said = format!("{refused:?}");
            assert!(world.operate(refused).await.is_err(), "{said}");
        }
    })
    .await;
}
