//! One workspace setting. Every change is an event; the defaults are code ([`crate::settings`]).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::events;
use crate::permission::{Authority, Permission};
use crate::settings::{self, InvalidValue};
use crate::{Category, Decider, StreamId, Timestamp};

/// The stream of a setting.
pub fn stream(id: &str) -> StreamId {
    StreamId::new(Category::Setting, id)
}

events! {
    /// What can happen to a setting.
    SettingEvent {
        SettingChanged = 1,
    }
}

/// The setting has a new value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettingChanged {
    /// The setting.
    pub setting: String,
    /// Its value from now on.
    pub value: Value,
    /// When.
    pub at: Timestamp,
}

/// The value somebody gave it; `None` while it still has its default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setting {
    /// See above.
    pub value: Option<Value>,
}

/// Gives a setting a value.
#[derive(Clone, Debug)]
pub struct ChangeSetting {
    /// Which.
    pub setting: String,
    /// The value wanted.
    pub value: Value,
    /// When.
    pub at: Timestamp,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum SettingContext<'a> {
    /// The server itself: first start, or the operator's environment.
    System,
    /// A user.
    User(Authority<'a>),
}

/// Why a setting stays as it is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SettingRefusal {
    /// The actor lacks `edit-privileged-setting`.
    #[error("not allowed to change settings")]
    NotAllowed,
    /// There is no such setting, or it cannot be set.
    #[error("no setting {0}")]
    Unknown(String),
    /// The value does not fit the setting.
    #[error(transparent)]
    Invalid(#[from] InvalidValue),
}

impl Decider for Setting {
    type State = Self;
    type Command = ChangeSetting;
    type Context<'a> = SettingContext<'a>;
    type Event = SettingEvent;
    type Refusal = SettingRefusal;

    fn decide(
        state: &Self,
        command: ChangeSetting,
        context: &SettingContext<'_>,
    ) -> Result<Vec<SettingEvent>, SettingRefusal> {
        let definition = settings::find(&command.setting)
            .ok_or_else(|| SettingRefusal::Unknown(command.setting.clone()))?;
        if let SettingContext::User(authority) = context {
            if !authority.has(Permission::EDIT_PRIVILEGED_SETTING) {
                return Err(SettingRefusal::NotAllowed);
            }
            if definition.hidden {
                return Err(SettingRefusal::Unknown(command.setting));
            }
        }
        let value = definition.check(command.value)?;
        if state.value.as_ref() == Some(&value) {
            return Ok(vec![]);
        }
        Ok(vec![
            SettingChanged {
                setting: command.setting,
                value,
                at: command.at,
            }
            .into(),
        ])
    }

    fn evolve(_: Self, event: &SettingEvent) -> Self {
        let SettingEvent::SettingChanged(event) = event;
        Self {
            value: Some(event.value.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Stage, given};
    use proptest::prelude::*;
    use serde_json::json;

    const AT: Timestamp = Timestamp::from_millis(1);

    fn change(setting: &str, value: Value) -> ChangeSetting {
        ChangeSetting {
            setting: setting.to_owned(),
            value,
            at: AT,
        }
    }

    fn changed(setting: &str, value: Value) -> SettingEvent {
        SettingChanged {
            setting: setting.to_owned(),
            value,
            at: AT,
        }
        .into()
    }

    fn admin() -> Stage {
        Stage::default().with_roles(&["admin"])
    }

    #[test]
    fn administrators_change_settings() {
        let stage = admin();
        let context = SettingContext::User(stage.authority());
        given::<Setting>([])
            .when(change("Message_MaxAllowedSize", json!(10)), &context)
            .then([changed("Message_MaxAllowedSize", json!(10))]);
        given::<Setting>([changed("Message_MaxAllowedSize", json!(10))])
            .when(change("Message_MaxAllowedSize", json!("10")), &context)
            .then_nothing();
    }

    #[test]
    fn changing_settings_has_its_rules() {
        let (stage, user) = (admin(), Stage::default());
        let context = SettingContext::User(stage.authority());
        given::<Setting>([])
            .when(
                change("Threads_enabled", json!(false)),
                &SettingContext::User(user.authority()),
            )
            .then_refused(SettingRefusal::NotAllowed);
        given::<Setting>([])
            .when(change("No_Such_Setting", json!(1)), &context)
            .then_refused(SettingRefusal::Unknown("No_Such_Setting".to_owned()));
        let invalid = InvalidValue {
            setting: "Threads_enabled".to_owned(),
            wanted: "true or false".to_owned(),
        };
        given::<Setting>([])
            .when(change("Threads_enabled", json!("maybe")), &context)
            .then_refused(SettingRefusal::Invalid(invalid));
    }

    #[test]
    fn hidden_settings_are_the_servers_own() {
        let (stage, hidden) = (admin(), "Accounts_SystemBlockedUsernameList");
        given::<Setting>([])
            .when(
                change(hidden, json!("x")),
                &SettingContext::User(stage.authority()),
            )
            .then_refused(SettingRefusal::Unknown(hidden.to_owned()));
        given::<Setting>([])
            .when(change(hidden, json!("x")), &SettingContext::System)
            .then([changed(hidden, json!("x"))]);
    }

    proptest! {
        #[test]
        fn every_value_is_taken_or_refused_and_taking_it_twice_changes_nothing(
            index in 0..settings::definitions().len(),
            value in prop_oneof![
                Just(json!(null)), Just(json!([])), Just(json!({})), any::<bool>().prop_map(Value::from),
                any::<i64>().prop_map(Value::from), any::<f64>().prop_map(Value::from), "\\PC*".prop_map(Value::from),
            ],
        ) {
            let command = change(settings::definitions()[index].id, value);
            if let Ok(events) = Setting::decide(&Setting::default(), command.clone(), &SettingContext::System) {
                let state = Setting::fold(&events);
                prop_assert_eq!(Setting::decide(&state, command, &SettingContext::System), Ok(vec![]));
            }
        }
    }
}
