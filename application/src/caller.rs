//! Who asks for something, and what they may do.

use std::sync::Arc;

use domain::permission::{Authority, Permission, PermissionTable};
use domain::{RoleId, TokenHash, UserId};
use projections::UserFacts;
use subtle::ConstantTimeEq as _;

use crate::error::Error;
use crate::identity::enrolment::counting_roles;
use crate::ids::now;
use crate::token::{is_expired, token_hash};
use crate::workspace::Workspace;

/// A user who proved who they are by a token.
#[derive(Clone)]
pub struct Caller {
    /// The account as it was when they came.
    pub user: Arc<UserFacts>,
    /// The hash of the token that was presented.
    pub token: TokenHash,
    /// The grant it was handed out for, where a program presents it that was let in.
    grant: Option<TokenHash>,
    /// The roles that give rights, where those are not all the user has.
    counting: Option<Arc<[RoleId]>>,
}

impl Caller {
    /// The user who came with that token, with the rights they have now.
    pub async fn new(
        workspace: &Workspace,
        user: Arc<UserFacts>,
        token: TokenHash,
    ) -> Result<Self, Error> {
        let counting = counting_roles(workspace, &user).await?;
        Ok(Self {
            user,
            token,
            grant: None,
            counting,
        })
    }

    /// Whose account a program may use with this access token, if it is good.
    pub async fn from_access_token(
        workspace: &Workspace,
        hash: TokenHash,
    ) -> Result<Option<Self>, Error> {
        let Some(granted) = workspace.views().oauth_token(&hash).await? else {
            return Ok(None);
        };
        if granted.renews || !granted.app_active || granted.expires_at < now() {
            return Ok(None);
        }
        let caller = Self::active(workspace, &granted.user, hash).await?;
        Ok(caller.map(|caller| Self {
            grant: Some(granted.grant),
            ..caller
        }))
    }

    /// Whose token that is, by its hash: of a login, for a program of the user's own, or for one they gave access to.
    pub async fn from_hash(workspace: &Workspace, token: TokenHash) -> Result<Option<Self>, Error> {
        match workspace.views().session(&token).await? {
            Some(session) if is_expired(&workspace.views().settings(), &session) => Ok(None),
            Some(session) => Self::active(workspace, &session.user, token).await,
            None => Self::from_access_token(workspace, token).await,
        }
    }

    /// Who the login token `token` belongs to, if that is the user `id`.
    pub async fn from_token(
        workspace: &Workspace,
        id: &str,
        token: &str,
    ) -> Result<Option<Self>, Error> {
        let token = token_hash(token);
        // The lookup is by the hash of a secret: how long it takes says nothing about the secret.
        let Some(session) = workspace.views().session(&token).await? else {
            return Ok(None);
        };
        let same_user = bool::from(session.user.as_str().as_bytes().ct_eq(id.as_bytes()));
        if !same_user || is_expired(&workspace.views().settings(), &session) {
            return Ok(None);
        }
        Self::active(workspace, &session.user, token).await
    }

    /// The user, if they may log in.
    async fn active(
        workspace: &Workspace,
        user: &UserId,
        token: TokenHash,
    ) -> Result<Option<Self>, Error> {
        match workspace.views().user(user).await? {
            Some(user) if user.active => Self::new(workspace, user, token).await.map(Some),
            _ => Ok(None),
        }
    }

    /// What the log knows the credential by that the caller came with.
    pub fn credential(&self) -> &TokenHash {
        self.grant.as_ref().unwrap_or(&self.token)
    }

    /// The account's id.
    pub fn id(&self) -> &UserId {
        &self.user.id
    }

    /// The workspace-wide roles that give rights.
    pub fn roles(&self) -> &[RoleId] {
        self.counting.as_deref().unwrap_or(&self.user.roles)
    }

    /// Whether the caller holds `permission` through a workspace-wide role.
    pub fn may(&self, workspace: &Workspace, permission: Permission) -> bool {
        self.authority(&[], &workspace.views().permissions())
            .has(permission)
    }

    /// The caller's rights, with the roles held in the room in question.
    pub fn authority<'a>(
        &'a self,
        room_roles: &'a [RoleId],
        permissions: &'a PermissionTable,
    ) -> Authority<'a> {
        Authority {
            actor: &self.user.id,
            roles: self.roles(),
            room_roles,
            permissions,
        }
    }
}
