//! What the command line asks of an earlier moment, and how it is written for it.

use application::error::Error;
use application::record::access::Auditor;
use application::record::at::{self, AskedAt};
use application::workspace::Workspace;
use serde::{Deserialize, Serialize};

use crate::audit::at_page;
use crate::audit::message_wish::{Form, Written};
use crate::documents::record_at::{self, Fields};

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtWish {
    pub asked: AskedAt,
    pub form: Form,
    /// Private rooms too, whatever the setting says.
    pub private_rooms: bool,
    /// What the operating system calls whoever asks.
    pub account: String,
}

impl AtWish {
    pub async fn answer(self, workspace: &Workspace) -> Result<Written, Error> {
        let auditor = Auditor::command_line(workspace, self.account, self.private_rooms);
        let then = at::look(workspace, &auditor, &self.asked).await?;
        let (then, unrecorded) = then.record_anyway(workspace, &auditor).await;
        let fields = record_at::fields(&then, &workspace.config().settings).await?;
        let page = match self.form {
            Form::Table => at_page::page(&then, &fields, self.asked.offset),
            Form::Json => json(&fields),
        };
        Ok(Written {
            page: page.into(),
            unrecorded,
        })
    }
}

/// One object on one line.
fn json(fields: &Fields) -> String {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, json)| format!("\"{name}\":{}", json.get()))
        .collect();
    format!("{{{}}}\n", fields.join(","))
}
