use rusqlite::Connection;

use super::*;

/// The tables of users, with so many in them.
fn workspace(users: u32) -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(crate::chat::users::VIEW.tables).unwrap();
    for index in crate::chat::users::VIEW.indexes {
        index.create(&conn).unwrap();
    }
    let mut insert = conn
        .prepare(
            "INSERT INTO users (id, username, username_key, name, name_key, kind, active, admin, created_at, updated_at,
                search, doc)
             VALUES (?1, ?2, ?2, ?2, ?3, 'user', 1, 0, ?4, ?4, ?2, ?5)",
        )
        .unwrap();
    for number in 0..users {
        let (id, name) = (format!("id{number}"), format!("user{number:06}"));
        insert
            .execute(rusqlite::params![
                id,
                name,
                "same",
                number / 7,
                name.as_bytes()
            ])
            .unwrap();
    }
    drop(insert);
    conn.execute_batch("ANALYZE").unwrap();
    conn
}

fn plan(conn: &Connection, sql: &str) -> String {
    let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let places = explain.parameter_count();
    let lines: Vec<String> = explain
        .query_map(params_from_iter((0..places).map(|_| "x")), |row| row.get(3))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap();
    lines.join("; ")
}

#[test]
fn any_stretch_is_the_same_as_walking_there() {
    let conn = workspace(1000);
    for sort in [UserSort::Username, UserSort::Name, UserSort::CreatedAt] {
        let column = sort.column();
        let marks = marks(&conn, column).unwrap();
        assert_eq!((marks.total, marks.keys.len()), (1000, 4));
        for (first, count) in [(0, 3), (255, 2), (256, 50), (700, 300), (999, 5)] {
            let walked: Vec<Bytes> = conn
                .prepare(&format!(
                    "SELECT doc FROM users ORDER BY {column}, id LIMIT {count} OFFSET {first}"
                ))
                .unwrap()
                .query_map([], |row| json::column(row, 0))
                .unwrap()
                .collect::<rusqlite::Result<_>>()
                .unwrap();
            assert_eq!(
                stretch(&conn, column, &marks, first, count).unwrap(),
                walked
            );
        }
    }
}

#[test]
fn pages_seek_and_never_sort() {
    let conn = workspace(2000);
    for (sort, index) in [
        (UserSort::Username, "users_username"),
        (UserSort::Name, "users_name"),
        (UserSort::CreatedAt, "users_created"),
    ] {
        let column = sort.column();
        let plan = plan(
            &conn,
            &format!(
                "SELECT doc FROM users WHERE ({column}, id) >= (?1, ?2) ORDER BY {column}, id LIMIT 50 OFFSET 3"
            ),
        );
        assert!(
            plan.contains("SEARCH") && plan.contains(index) && !plan.contains("TEMP B-TREE"),
            "{plan}"
        );
    }
}

#[test]
fn those_who_have_a_role_are_found_by_index() {
    let conn = workspace(2000);
    conn.execute_batch(
        "INSERT INTO user_roles SELECT id, 'user', username_key FROM users;
         INSERT INTO user_roles SELECT id, 'bot', username_key FROM users WHERE created_at < 3;
         ANALYZE",
    )
    .unwrap();
    for descending in [false, true] {
        let page = page_of_role(Slice::ALL, descending);
        let plan = plan(&conn, &page);
        assert!(
            plan.contains("COVERING INDEX user_roles_role") && !plan.contains("TEMP B-TREE"),
            "{plan}"
        );
    }
}

#[test]
fn the_few_who_can_be_selected_are_found_by_index() {
    let conn = workspace(2000);
    for (query, index) in [
        (
            UserQuery {
                ids: Some(vec![UserId::new("id7")]),
                ..UserQuery::default()
            },
            "PRIMARY KEY",
        ),
        (
            UserQuery {
                username: Some("user000007".to_owned()),
                ..UserQuery::default()
            },
            "users_username",
        ),
        (
            UserQuery {
                address: Some("a@b".to_owned()),
                ..UserQuery::default()
            },
            "user_emails_address",
        ),
    ] {
        let query = UserQuery {
            active: Some(true),
            ..query
        };
        let plan = plan(&conn, &query.page(&query.condition().0));
        assert!(plan.contains(index) && !plan.contains("SCAN"), "{plan}");
    }
}
