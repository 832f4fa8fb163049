//! `portico backup`: a copy of an SQLite database that is made while people use it, and that a server can begin with.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use harness::{PASSWORD, Person, World, run_portico};
use server::config::Database;
use server::testing::EngineKind;

fn database(world: &World) -> PathBuf {
    match &world.app().config.database {
        Database::Sqlite(path) => path.clone(),
        Database::Postgres(_) => panic!("another engine"),
    }
}

/// Everything in the folder whose name begins so.
fn beginning_with(folder: &Path, name: &str) -> Vec<String> {
    let files =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files.filter(|file| file.starts_with(name)).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backup_under_writes_is_whole_and_people_sign_in_where_it_is_restored() {
    let mut world = World::on(EngineKind::Sqlite).await;
    let ada = world.signed_in("ada@example.test").await;
    let backup = world.folder().join("backup.db");
    let writing = async {
        for number in 0..60 {
            world.create_user(&format!("person{number}@example.test"), PASSWORD).await;
        }
    };
    let from = database(&world);
    let copying = async {
        // Some are written before, some after.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        server::backup(&from, &backup).await.unwrap();
    };
    tokio::join!(writing, copying);
    assert_eq!(std::fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(beginning_with(world.folder(), "backup.db"), ["backup.db"], "something was left beside it");

    // What comes later is not in it.
    world.create_user("late@example.test", PASSWORD).await;
    ada.browser.submit(ada.browser.open("/sign-out").await.press("Sign out")).await;
    let restored = world.folder().join("restored");
    std::fs::create_dir(&restored).unwrap();
    std::fs::copy(&backup, restored.join("portico.db")).unwrap();
    world.restart_as(|config| config.database = Database::Sqlite(restored.join("portico.db"))).await;
    let again = Person { browser: world.browser(), ..ada };
    assert_eq!(again.sign_in().await.heading(), "You are signed in");
    let late =
        Person { email: "late@example.test".into(), browser: world.browser(), password: PASSWORD.into() };
    assert_eq!(late.sign_in().await.status, 422, "somebody came through time");
    // Keys and clients work: a code is issued and redeemed.
    let web = world.rp("web").await;
    web.exchange(&web.authorize(&again.browser).await.code()).await.tokens();
}

#[tokio::test]
async fn nothing_is_overwritten_and_nothing_half_made_is_left() {
    let world = World::on(EngineKind::Sqlite).await;
    let from = database(&world);
    let to = world.folder().join("backup.db");
    std::fs::write(&to, "somebody's").unwrap();
    let refused = server::backup(&from, &to).await.unwrap_err().to_string();
    assert!(refused.contains("a file of that name already"), "{refused}");
    assert_eq!(std::fs::read_to_string(&to).unwrap(), "somebody's");
    std::fs::remove_file(&to).unwrap();
    // What is no database has no backup, and one that was interrupted before is no hindrance.
    let nonsense = world.folder().join("nonsense.db");
    std::fs::write(&nonsense, "x".repeat(5000)).unwrap();
    std::fs::write(world.folder().join("backup.db.part"), "half").unwrap();
    assert!(server::backup(&nonsense, &to).await.is_err());
    assert!(server::backup(&world.folder().join("none.db"), &to).await.is_err());
    assert_eq!(beginning_with(world.folder(), "backup"), [""; 0]);
    assert!(!world.folder().join("none.db").exists());
    std::fs::write(world.folder().join("backup.db.part"), "half").unwrap();
    server::backup(&from, &to).await.unwrap();
    assert_eq!(beginning_with(world.folder(), "backup"), ["backup.db"]);
}

#[tokio::test]
async fn the_command_works_beside_a_server_and_sends_postgresql_to_its_own() {
    let world = World::on(EngineKind::Sqlite).await;
    let data = database(&world);
    let file = world.folder().join("portico.toml");
    let key = world.folder().join("master.key");
    let config = |database: &str| {
        let (issuer, key) = (world.issuer(), key.display());
        format!("issuer = {issuer:?}\ndatabase = {database:?}\nmaster_key_file = \"{key}\"\n")
    };
    std::fs::write(&file, config(data.to_str().unwrap())).unwrap();
    let to = world.folder().join("backup.db");
    let arguments = ["backup", "--config", file.to_str().unwrap(), to.to_str().unwrap()];
    let (done, said, complaint) = run_portico(&arguments).await;
    assert!(done && to.exists(), "{complaint}");
    assert!(said.contains("the master key, which is not in it"), "{said}");
    let (done, _, complaint) = run_portico(&arguments).await;
    assert!(!done && complaint.contains("a file of that name already"), "{complaint}");

    let url = "postgres://portico:secret@127.0.0.1:1/portico";
    std::fs::write(&file, config(url)).unwrap();
    let (done, said, complaint) = run_portico(&arguments).await;
    assert!(!done && complaint.contains("pg_dump --format=custom"), "{said}{complaint}");
    assert!(!complaint.contains("secret"), "{complaint}");
}
