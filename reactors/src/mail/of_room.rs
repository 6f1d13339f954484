//! What was said in a room, by mail.

use application::chat::hidden_kinds::hidden_kinds;
use application::outside::mail::Mailbox;
use application::record::room_exports::is_shown;
use domain::RoomId;
use domain::room_export::{MessagesMailRequested, RoomExportCompleted};
use serde_json::{Map, Value};

use super::occasion::{Desk, Letter, Trouble, values};
use crate::said::Said;

impl Desk<'_> {
    /// A copy of what was said in a room is ready to be downloaded.
    pub(super) async fn archive_ready(
        &self,
        event: &RoomExportCompleted,
    ) -> Result<Vec<Letter>, Trouble> {
        let Some((account, to)) = self.reachable(&event.user).await? else {
            return Ok(Vec::new());
        };
        let values = values(&account)
            .with("Room", self.called(&event.room).await?)
            .with("Download_Url", self.link("data-export", &event.export));
        Ok(vec![Letter {
            to,
            subject: "{RoomExport_Subject}".to_owned(),
            body: "{RoomExport_Email}".to_owned(),
            values,
        }])
    }

    /// Messages of a room, as they are now, to each who is to get them.
    pub(super) async fn messages(
        &self,
        event: &MessagesMailRequested,
    ) -> Result<Vec<Letter>, Trouble> {
        let sender = self.account(&event.user).await?;
        let messages = self.told(event).await?;
        let Some(sender) = sender.filter(|_| !messages.is_empty()) else {
            return Ok(Vec::new());
        };
        let values = values(&sender)
            .with("Room", self.called(&event.room).await?)
            .with("Subject", event.subject.as_deref().unwrap_or_default())
            .with_html("Messages", &messages);
        let subject = match event.subject {
            Some(_) => "[Subject]",
            None => "{RoomMessages_Subject}",
        };
        let mut recipients: Vec<Mailbox> = Vec::new();
        for user in &event.recipients {
            let account = self.reachable(user).await?;
            recipients.extend(account.map(|(_, to)| to));
        }
        for address in &event.addresses {
            let same = |to: &Mailbox| to.address.eq_ignore_ascii_case(address);
            if !recipients.iter().any(same) {
                recipients.push(Mailbox {
                    name: None,
                    address: address.clone(),
                });
            }
        }
        let letter = |to| Letter {
            to,
            subject: subject.to_owned(),
            body: "{RoomMessages_Email}".to_owned(),
            values: values.clone(),
        };
        Ok(recipients.into_iter().map(letter).collect())
    }

    /// Those of the messages that the room still shows, as HTML.
    async fn told(&self, event: &MessagesMailRequested) -> Result<String, Trouble> {
        let hidden = hidden_kinds(self.views, &event.room).await?;
        let mut told = String::new();
        for id in &event.messages {
            let message = self.views.message(id).await?;
            let message = message.filter(|message| {
                message.room == event.room && is_shown(message.kind.as_deref(), &hidden)
            });
            let said = message.and_then(|message| Said::of(&message.doc));
            told.extend(said.map(|said| said.html()));
        }
        Ok(told)
    }

    /// What a mail calls a room.
    async fn called(&self, room: &RoomId) -> Result<String, Trouble> {
        let record = self.views.room(room).await?;
        let doc: Option<Map<String, Value>> =
            record.and_then(|record| serde_json::from_slice(&record.doc).ok());
        let doc = doc.unwrap_or_default();
        let named = |field: &str| doc.get(field).and_then(Value::as_str);
        let name = named("fname").or_else(|| named("name"));
        Ok(name.unwrap_or("a direct message").to_owned())
    }
}
