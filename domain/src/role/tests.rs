//! The rules about roles.

use super::*;
use crate::testing::{Stage, given};
use proptest::prelude::*;

const AT: Timestamp = Timestamp::from_millis(1);

fn properties(name: &str) -> RoleProperties {
    RoleProperties {
        name: name.to_owned(),
        description: String::new(),
        scope: RoleScope::Users,
        mandatory_second_factor: false,
    }
}

fn create(name: &str) -> RoleCommand {
    RoleCommand::Create {
        role: RoleId::new("r1"),
        properties: properties(name),
        at: AT,
    }
}

fn change(role: &str, properties: RoleProperties) -> RoleCommand {
    RoleCommand::Change {
        role: RoleId::new(role),
        properties,
        at: AT,
    }
}

fn delete(role: &str) -> RoleCommand {
    RoleCommand::Delete {
        role: RoleId::new(role),
        at: AT,
    }
}

fn created(name: &str) -> RoleEvent {
    RoleCreated {
        role: RoleId::new("r1"),
        properties: properties(name),
        at: AT,
    }
    .into()
}

fn changed(role: &str, properties: RoleProperties) -> RoleEvent {
    RoleChanged {
        role: RoleId::new(role),
        properties,
        at: AT,
    }
    .into()
}

fn deleted(role: &str) -> RoleEvent {
    RoleDeleted {
        role: RoleId::new(role),
        at: AT,
    }
    .into()
}

fn given_to(room: Option<&str>) -> RoleGiven {
    RoleGiven {
        role: RoleId::new("r1"),
        user: UserId::new("bob"),
        room: room.map(RoomId::new),
        at: AT,
    }
}

struct World {
    stage: Stage,
    roles: RoleTable,
    in_use: bool,
}

impl World {
    fn new() -> Self {
        let mut roles = RoleTable::default();
        roles.set(RoleId::new("r1"), properties("helper"));
        Self {
            stage: Stage::default().with_roles(&["admin"]),
            roles,
            in_use: false,
        }
    }

    fn context(&self) -> RoleContext<'_> {
        RoleContext {
            authority: self.stage.authority(),
            roles: &self.roles,
            in_use: self.in_use,
        }
    }
}

#[test]
fn administrators_make_roles() {
    let world = World::new();
    given::<Role>([])
        .when(create(" clerk "), &world.context())
        .then([created("clerk")]);
}

#[test]
fn a_role_has_a_name_that_nothing_else_has() {
    let world = World::new();
    for name in ["helper", "r1", "admin"] {
        given::<Role>([])
            .when(create(name), &world.context())
            .then_refused(RoleRefusal::NameTaken);
    }
    for name in ["", "  ", &"x".repeat(LONGEST_NAME + 1)] {
        given::<Role>([])
            .when(create(name), &world.context())
            .then_refused(RoleRefusal::InvalidProperties);
    }
    given::<Role>([created("clerk")])
        .when(create("other"), &world.context())
        .then_refused(RoleRefusal::NameTaken);
}

#[test]
fn others_change_nothing() {
    let mut world = World::new();
    world.stage = Stage::default();
    for command in [create("x"), change("r1", properties("x")), delete("r1")] {
        given::<Role>([created("helper")])
            .when(command, &world.context())
            .then_refused(RoleRefusal::NotAllowed);
    }
}

#[test]
fn roles_change() {
    let world = World::new();
    let there = || given::<Role>([created("helper")]);
    there()
        .when(change("r1", properties("aide")), &world.context())
        .then([changed("r1", properties("aide"))]);
    there()
        .when(change("r1", properties("helper")), &world.context())
        .then_nothing();
    there()
        .when(change("r1", properties("admin")), &world.context())
        .then_refused(RoleRefusal::NameTaken);
    given::<Role>([])
        .when(change("r2", properties("aide")), &world.context())
        .then_refused(RoleRefusal::NotFound);
    given::<Role>([created("helper"), deleted("r1")])
        .when(change("r1", properties("aide")), &world.context())
        .then_refused(RoleRefusal::NotFound);
}

#[test]
fn roles_every_workspace_has_keep_name_and_scope() {
    let world = World::new();
    let described = RoleProperties {
        description: "The boss".to_owned(),
        ..properties("admin")
    };
    given::<Role>([])
        .when(change("admin", described.clone()), &world.context())
        .then([changed("admin", described.clone())]);
    given::<Role>([changed("admin", described)])
        .when(change("admin", properties("boss")), &world.context())
        .then_refused(RoleRefusal::Protected);
    given::<Role>([])
        .when(change("owner", properties("owner")), &world.context())
        .then_refused(RoleRefusal::Protected);
    given::<Role>([])
        .when(delete("user"), &world.context())
        .then_refused(RoleRefusal::Protected);
}

#[test]
fn a_role_goes_when_nobody_has_it() {
    let mut world = World::new();
    let there = || given::<Role>([created("helper")]);
    there()
        .when(delete("r1"), &world.context())
        .then([deleted("r1")]);
    world.in_use = true;
    there()
        .when(delete("r1"), &world.context())
        .then_refused(RoleRefusal::InUse);
    given::<Role>([])
        .when(delete("r2"), &world.context())
        .then_refused(RoleRefusal::NotFound);
}

#[test]
fn a_role_is_given_while_it_is_there_and_where_it_is_held() {
    let mut world = World::new();
    // Who may give it is decided elsewhere.
    world.stage = Stage::default();
    let give = |room| RoleCommand::Give(given_to(room));
    let there = || given::<Role>([created("helper")]);
    there()
        .when(give(None), &world.context())
        .then([given_to(None).into()]);
    there()
        .when(give(Some("room")), &world.context())
        .then_refused(RoleRefusal::NotFound);
    given::<Role>([created("helper"), given_to(None).into(), deleted("r1")])
        .when(give(None), &world.context())
        .then_refused(RoleRefusal::NotFound);
    given::<Role>([])
        .when(give(None), &world.context())
        .then_refused(RoleRefusal::NotFound);
    let builtin = RoleCommand::Give(RoleGiven {
        role: RoleId::new("bot"),
        ..given_to(None)
    });
    given::<Role>([])
        .when(builtin, &world.context())
        .then_nothing();
}

#[test]
fn a_role_is_found_by_id_or_name() {
    let world = World::new();
    let found = |text| world.roles.find(text).map(|(id, _)| id.as_str());
    assert_eq!(found("r1"), Some("r1"));
    assert_eq!(found("helper"), Some("r1"));
    assert_eq!(found("nobody"), None);
    assert_eq!(
        world.roles.ids_in(RoleScope::Subscriptions).len(),
        3,
        "leader, moderator, owner"
    );
}

proptest! {
    #[test]
    fn a_role_that_was_deleted_never_comes_back(steps in proptest::collection::vec((0..3_u8, "[ab]"), 0..12)) {
        let world = World { roles: RoleTable::default(), ..World::new() };
        let (mut state, mut gone) = (Role::default(), false);
        for (step, name) in steps {
            let command = match step {
                0 => create(&name),
                1 => change("r1", properties(&name)),
                _ => delete("r1"),
            };
            let Ok(events) = Role::decide(&state, command, &world.context()) else { continue };
            prop_assert!(!gone || events.is_empty());
            state = events.iter().fold(state, Role::evolve);
            gone |= state == Role::Deleted;
        }
    }
}
