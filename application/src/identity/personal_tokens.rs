//! Tokens for programs of the user's own, which do not expire.

use domain::permission::Permission;
use domain::session::{PersonalTokenIssued, SessionCommand};
use projections::SessionFacts;

use crate::caller::Caller;
use crate::error::{Error, Refusal};
use crate::identity::sessions::{fresh_token, run};
use crate::ids::now;
use crate::token::token_hash;
use crate::workspace::Workspace;

/// How many characters of a token are shown again.
const LAST_PART: usize = 6;

/// The personal tokens of a caller who may have some.
#[derive(Clone, Copy)]
pub struct PersonalTokens<'a> {
    workspace: &'a Workspace,
    caller: &'a Caller,
}

impl<'a> PersonalTokens<'a> {
    /// Those of the caller, who needs a right for it.
    pub fn of(workspace: &'a Workspace, caller: &'a Caller) -> Result<Self, Error> {
        if !caller.may(workspace, Permission::CREATE_PERSONAL_ACCESS_TOKENS) {
            return Err(Refusal::PersonalTokensNotAllowed.into());
        }
        Ok(Self { workspace, caller })
    }

    /// All there are, oldest first.
    pub async fn list(self) -> Result<Vec<SessionFacts>, Error> {
        let views = self.workspace.views();
        Ok(views.personal_tokens(self.caller.id()).await?)
    }

    /// A new one.
    pub async fn issue(self, name: &str, bypass_second_factor: bool) -> Result<String, Error> {
        let token = fresh_token();
        self.run(SessionCommand::IssuePersonal {
            token: PersonalTokenIssued {
                user: self.caller.id().clone(),
                hash: token_hash(&token),
                name: name.to_owned(),
                last_part: last_part(&token),
                bypass_second_factor,
                at: now(),
            },
            by: self.caller.credential().clone(),
        })
        .await?;
        Ok(token)
    }

    /// Replaces the one with that name by a new one.
    pub async fn regenerate(self, name: &str) -> Result<String, Error> {
        let token = fresh_token();
        self.run(SessionCommand::Regenerate {
            user: self.caller.id().clone(),
            name: name.to_owned(),
            hash: token_hash(&token),
            last_part: last_part(&token),
            by: self.caller.credential().clone(),
            at: now(),
        })
        .await?;
        Ok(token)
    }

    /// Voids the one with that name.
    pub async fn revoke(self, name: &str) -> Result<(), Error> {
        self.run(SessionCommand::RevokePersonal {
            user: self.caller.id().clone(),
            name: name.to_owned(),
            at: now(),
        })
        .await
    }

    async fn run(self, command: SessionCommand) -> Result<(), Error> {
        self.caller.must_be_owner()?;
        let user = self.caller.id();
        run(self.workspace, user, user, &[command]).await
    }
}

fn last_part(token: &str) -> String {
    token[token.len().saturating_sub(LAST_PART)..].to_owned()
}
