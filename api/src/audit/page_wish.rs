//! What the command line asks that has one answer, and how that is written for it.

use application::error::{Error, Fault};
use application::record::access::{Auditor, Shown};
use application::record::at::{self, AskedAt, Then};
use application::record::diff::{self, AskedDiff};
use application::record::explain::{self, AskedRequest};
use application::record::message::{self, AskedMessage};
use application::record::plain;
use application::record::reach::{self, AskedReach};
use application::workspace::Workspace;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::audit::{at_page, diff_page, explain_page, message_page, reach_page};
use crate::documents::record_at::{self, Fields};
use crate::documents::{record_diff, record_explain, record_message, record_reach};
use crate::http::parameters::Choice;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// Every version of a message.
    History(AskedMessage),
    /// Who could read a message, and who had.
    Readers(AskedMessage),
    /// What somebody could read.
    Access(AskedReach),
    /// What came of a request.
    Explain(AskedRequest),
    /// What there was at an earlier moment.
    At(Box<AskedAt>),
    /// What changed between two moments.
    Diff(AskedDiff),
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
pub struct PageWish {
    pub about: About,
    pub form: Form,
    /// Private rooms too, whatever the setting says.
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

impl PageWish {
    pub async fn answer(self, workspace: &Workspace) -> Result<Written, Error> {
        let form = self.form;
        let auditor = &Auditor::command_line(workspace, self.account, self.private_rooms);
        match self.about {
            About::History(asked) => {
                let told = message::history(workspace, auditor, &asked).await?;
                let shown = told.record(workspace, auditor).await?;
                written(shown, form, message_page::history, record_message::history).await
            }
            About::Readers(asked) => {
                let told = message::readers(workspace, auditor, &asked).await?;
                let shown = told.record(workspace, auditor).await?;
                written(shown, form, message_page::readers, record_message::readers).await
            }
            About::Access(asked) => {
                let told = reach::reach(workspace, auditor, &asked).await?;
                let shown = told.record(workspace, auditor).await?;
                written(shown, form, reach_page::reach, record_reach::reach).await
            }
            About::Explain(asked) => {
                let told = explain::explain(workspace, auditor, &asked).await?;
                let shown = told.record(workspace, auditor).await?;
                let (page, document) = (explain_page::explanation, record_explain::explanation);
                written(shown, form, page, document).await
            }
            About::Diff(asked) => {
                let told = diff::diff(workspace, auditor, &asked).await?;
                let shown = told.record(workspace, auditor).await?;
                written(shown, form, diff_page::diff, record_diff::diff).await
            }
            About::At(asked) => {
                let told = at::look(workspace, auditor, &asked).await?;
                let Shown { answer, unrecorded } = told.record(workspace, auditor).await?;
                let fields = record_at::fields(&answer, &workspace.config().settings).await?;
                let answer = At {
                    then: answer,
                    fields,
                    offset: asked.offset,
                };
                let shown = Shown { answer, unrecorded };
                written(shown, form, At::page, At::document).await
            }
        }
    }
}

/// A sight of an earlier moment, as it is written.
struct At {
    then: Then,
    fields: Fields,
    offset: u64,
}

impl At {
    fn page(&self) -> String {
        at_page::page(&self.then, &self.fields, self.offset)
    }

    fn document(&self) -> Value {
        let field = |(name, json): &(&str, Box<RawValue>)| {
            let value = serde_json::from_str(json.get()).unwrap_or_default();
            ((*name).to_owned(), value)
        };
        Value::Object(self.fields.iter().map(field).collect())
    }
}

/// There may be much to write: not on the runtime's threads.
async fn written<T: Send + 'static>(
    Shown { answer, unrecorded }: Shown<T>,
    form: Form,
    page: fn(&T) -> String,
    document: fn(&T) -> Value,
) -> Result<Written, Error> {
    let write = move || match form {
        Form::Table => page(&answer),
        Form::Json => plain::pretty(&document(&answer)) + "\n",
    };
    let failed = |_| Fault::Impossible("a page cannot be written".into());
    let page = tokio::task::spawn_blocking(write).await.map_err(failed)?;
    Ok(Written {
        page: page.into(),
        unrecorded,
    })
}
