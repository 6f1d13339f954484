//! What the command line asks of one message, and how it is written for it.

use application::error::{Error, Fault};
use application::record::access::Auditor;
use application::record::message::{self, AskedMessage};
use application::workspace::Workspace;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::audit::message_page;
use crate::documents::record_message;
use crate::http::parameters::Choice;

/// What is asked of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// Every version of it.
    History,
    /// Who could read it, and who had.
    Readers,
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A page for people.
    #[default]
    Table,
    /// One object.
    Json,
}

impl Choice for Form {
    const NAMES: &'static [&'static str] = &["table", "json"];

    fn find(name: &str) -> Option<Self> {
        match name {
            "table" => Some(Self::Table),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageWish {
    pub about: About,
    pub asked: AskedMessage,
    pub form: Form,
    /// In a private room too, whatever the setting says.
    pub private_rooms: bool,
    /// What the operating system calls whoever asks.
    pub account: String,
}

/// What is to be printed.
pub struct Written {
    pub page: Bytes,
    /// Why the reading is not recorded, if the log could not be written.
    pub unrecorded: Option<String>,
}

impl MessageWish {
    pub async fn answer(self, workspace: &Workspace) -> Result<Written, Error> {
        let auditor = Auditor::command_line(workspace, self.account, self.private_rooms);
        let form = self.form;
        let (page, unrecorded) = match self.about {
            About::History => {
                let told = message::history(workspace, &auditor, &self.asked).await?;
                let (told, unrecorded) = told.record_anyway(workspace, &auditor).await;
                let page = move || match form {
                    Form::Table => message_page::history(&told),
                    Form::Json => json(&record_message::history(&told)),
                };
                (written(page).await?, unrecorded)
            }
            About::Readers => {
                let told = message::readers(workspace, &auditor, &self.asked).await?;
                let (told, unrecorded) = told.record_anyway(workspace, &auditor).await;
                let page = move || match form {
                    Form::Table => message_page::readers(&told),
                    Form::Json => json(&record_message::readers(&told)),
                };
                (written(page).await?, unrecorded)
            }
        };
        Ok(Written { page, unrecorded })
    }
}

/// There may be much to write: not on the runtime's threads.
async fn written(page: impl FnOnce() -> String + Send + 'static) -> Result<Bytes, Error> {
    let page = tokio::task::spawn_blocking(page).await;
    let failed = |_| Fault::Impossible("a page cannot be written".into());
    Ok(page.map_err(failed)?.into())
}

fn json(document: &Value) -> String {
    format!("{document:#}\n")
}
