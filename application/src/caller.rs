//! The user who asks for something, and what they may do.

use std::sync::Arc;

use domain::permission::{Authority, Permission, PermissionTable};
use domain::{RoleId, TokenHash, UserId};
use projections::UserFacts;
use subtle::ConstantTimeEq as _;

use crate::error::{Error, Refusal};
use crate::identity::enrolment::counting_roles;
use crate::ids::now;
use crate::token::{is_expired, token_hash};
use crate::workspace::Workspace;

/// A user who proved who they are by a token.
#[derive(Clone)]
pub struct Caller {
    /// The account as it was when the request came.
    pub user: Arc<UserFacts>,
    /// Only its hash; the token itself is not kept.
    pub token: TokenHash,
    /// The grant behind the token, if a program presents it that the user let in.
    grant: Option<TokenHash>,
    /// The roles that give rights, if those are not all the user has.
    counting: Option<Arc<[RoleId]>>,
}

impl Caller {
    /// The user who presented that token, with the rights they have now.
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

    /// The user whose account a program may use with this access token, if the token is good.
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

    /// The user of a token, by its hash: of a login, for a program of the user's own, or for one they gave access to.
    pub async fn from_hash(workspace: &Workspace, token: TokenHash) -> Result<Option<Self>, Error> {
        match workspace.views().session(&token).await? {
            Some(session) if is_expired(&workspace.views().settings(), &session) => Ok(None),
            Some(session) => Self::active(workspace, &session.user, token).await,
            None => Self::from_access_token(workspace, token).await,
        }
    }

    /// The same caller as they are now; `None`: the token is void, or the account may no longer log in.
    pub async fn renewed(&self, workspace: &Workspace) -> Result<Option<Self>, Error> {
        let renewed = Self::from_hash(workspace, self.token.clone()).await?;
        Ok(renewed.filter(|renewed| renewed.id() == self.id()))
    }

    /// The user of the login token `token`, if that is the user `id`.
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

    /// The credential that the caller presented, as the log names it.
    pub fn credential(&self) -> &TokenHash {
        self.grant.as_ref().unwrap_or(&self.token)
    }

    /// Refuses a program that the user let in: it acts for them, but how the account is logged in to, and who else is
    /// let in, is theirs to say.
    pub fn must_be_owner(&self) -> Result<(), Refusal> {
        let program = self.grant.is_some();
        (!program).then_some(()).ok_or(Refusal::NotForPrograms)
    }

    /// The id of the account.
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
