//! The views that serve beside those of this program.

use std::time::Duration;

use tests::server::Server;

use crate::{Place, Sandbox, command, copied, output, refused, say};

#[tokio::test(flavor = "multi_thread")]
async fn what_the_views_of_this_program_say_otherwise_is_told() {
    let server = Server::start().await;
    let admin = server.admin().await;
    say(&admin, "GENERAL", "as it was said").await;
    let place = Place::new();
    let said = copied(&server, &["--compare"], &place.folder("same")).await;
    assert!(said.contains(" tables are the same, 0 differ."), "{said}");

    let views = server.data().join("views");
    let name = std::fs::read_to_string(views.join("views.current")).unwrap();
    let conn = rusqlite::Connection::open(views.join(name.trim())).unwrap();
    conn.busy_timeout(Duration::from_secs(10)).unwrap();
    let damage = "UPDATE record_names SET name = 'wrong' WHERE name = 'general'";
    assert!(conn.execute(damage, []).unwrap() > 0);
    conn.execute_batch("CREATE TABLE gone (a TEXT NOT NULL PRIMARY KEY)")
        .unwrap();
    drop(conn);
    let command = command(&server, &["--compare"], &place.folder("different"));
    let output = output(command).await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for expected in [
        "The view record_names, the table record_names: 1 of ",
        "served  name=\"wrong\"",
        "here    name=\"general\"",
        "the table gone: not here any more.",
    ] {
        assert!(said.contains(expected), "{expected:?} is told: {said}");
    }
    let sandbox = Sandbox::serve(&server, &place.folder("different")).await;
    sandbox.admin().await;

    // Whoever has it served at once is told before it serves, and again when it ends.
    let serving = self::command(&server, &["--compare", "--serve"], &place.folder("served"));
    let sandbox = Sandbox::begin(serving).await;
    let told = sandbox.said.find("1 of ");
    assert!(told < sandbox.said.find("listening on"), "{}", sandbox.said);
    assert!(told.is_some(), "{}", sandbox.said);
    sandbox.admin().await;
    assert_eq!(sandbox.interrupted(), Some(1));

    let early = place.folder("early");
    let uncompared = self::command(&server, &["--compare", "--to", "5"], &early);
    refused(uncompared, 2, "those that serve are at position").await;
    assert!(!early.exists(), "nothing is copied that cannot be compared");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_that_fails_is_told_and_the_sandbox_served() {
    let mut server = Server::start().await;
    server.stop().await;
    let views = server.data().join("views");
    let name = std::fs::read_to_string(views.join("views.current")).unwrap();
    let conn = rusqlite::Connection::open(views.join(name.trim())).unwrap();
    conn.execute_batch("DROP TABLE projections").unwrap();
    drop(conn);
    let place = Place::new();
    let serving = command(&server, &["--compare", "--serve"], &place.folder("served"));
    let sandbox = Sandbox::begin(serving).await;
    sandbox.admin().await;
    assert_eq!(sandbox.interrupted(), Some(1));
    let alone = command(&server, &["--compare"], &place.folder("alone"));
    let why = "its views were not compared: ";
    refused(alone, 1, why).await;
}
