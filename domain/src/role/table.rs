//! Which roles there are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RoleProperties;
use crate::RoleId;

/// Where a role is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleScope {
    /// In the whole workspace.
    Users,
    /// In one room at a time.
    Subscriptions,
}

impl RoleScope {
    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Users => "Users",
            Self::Subscriptions => "Subscriptions",
        }
    }

    /// The scope of that name on the wire.
    pub fn find(name: &str) -> Option<Self> {
        [Self::Users, Self::Subscriptions]
            .into_iter()
            .find(|scope| scope.as_str() == name)
    }
}

/// A role that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoleDefinition {
    pub properties: RoleProperties,
    /// Every workspace has it: its name and scope cannot be changed.
    pub protected: bool,
}

/// The roles every workspace has: id (which is also the name), scope, description (contract, admin 2).
const BUILTIN: [(&str, RoleScope, &str); 12] = [
    ("admin", RoleScope::Users, "Admin"),
    ("anonymous", RoleScope::Users, ""),
    ("app", RoleScope::Users, ""),
    ("auditor", RoleScope::Users, "Auditor"),
    ("bot", RoleScope::Users, ""),
    ("guest", RoleScope::Users, ""),
    ("leader", RoleScope::Subscriptions, "Leader"),
    ("livechat-agent", RoleScope::Users, "Livechat Agent"),
    ("livechat-manager", RoleScope::Users, "Livechat Manager"),
    ("moderator", RoleScope::Subscriptions, "Moderator"),
    ("owner", RoleScope::Subscriptions, "Owner"),
    ("user", RoleScope::Users, ""),
];

fn definition((id, scope, description): (&str, RoleScope, &str)) -> RoleDefinition {
    RoleDefinition {
        properties: RoleProperties {
            name: id.to_owned(),
            description: description.to_owned(),
            scope,
            mandatory_second_factor: false,
        },
        protected: true,
    }
}

/// The role every workspace has under that id, as it is at first.
pub fn builtin(id: &RoleId) -> Option<RoleDefinition> {
    BUILTIN
        .into_iter()
        .find(|(known, ..)| *known == id.as_str())
        .map(definition)
}

/// Every role there is, by id.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleTable {
    roles: BTreeMap<RoleId, RoleDefinition>,
}

impl Default for RoleTable {
    fn default() -> Self {
        let roles = BUILTIN
            .into_iter()
            .map(|role| (RoleId::new(role.0), definition(role)))
            .collect();
        Self { roles }
    }
}

impl RoleTable {
    /// Adds a role, or replaces its properties.
    pub fn set(&mut self, role: RoleId, properties: RoleProperties) {
        let protected = builtin(&role).is_some();
        self.roles.insert(
            role,
            RoleDefinition {
                properties,
                protected,
            },
        );
    }

    /// Removes a role.
    pub fn remove(&mut self, role: &RoleId) {
        self.roles.remove(role);
    }

    /// The role of that id.
    pub fn get(&self, role: &RoleId) -> Option<&RoleDefinition> {
        self.roles.get(role)
    }

    /// The role of that id, or else of that name.
    pub fn find(&self, id_or_name: &str) -> Option<(&RoleId, &RoleDefinition)> {
        self.roles.get_key_value(id_or_name).or_else(|| {
            self.iter()
                .find(|(_, role)| role.properties.name == id_or_name)
        })
    }

    /// Whether a role other than `except` has that name, or has it as its id.
    pub fn taken(&self, name: &str, except: Option<&RoleId>) -> bool {
        self.iter().any(|(id, role)| {
            Some(id) != except && (id.as_str() == name || role.properties.name == name)
        })
    }

    /// All roles, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&RoleId, &RoleDefinition)> {
        self.roles.iter()
    }

    /// The ids of all roles.
    pub fn ids(&self) -> Vec<RoleId> {
        self.roles.keys().cloned().collect()
    }

    /// The ids of the roles held in `scope`.
    pub fn ids_in(&self, scope: RoleScope) -> Vec<RoleId> {
        self.iter()
            .filter(|(_, role)| role.properties.scope == scope)
            .map(|(id, _)| id.clone())
            .collect()
    }
}
