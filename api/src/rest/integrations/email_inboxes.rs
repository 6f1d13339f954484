//! E-mail inboxes of the workspace (contract, admin 13.2). Passwords go in and never come out: lists and documents show
//! [`MASK`] in their place, and sending that back keeps the known password.

use application::dates::iso;
use application::ids::fresh_id;
use application::integrations::email_inboxes;
use application::outside::mail::{Mailbox, SmtpServer, for_account, send_through};
use application::people::document::Doc;
use axum::http::Method;
use domain::email_inbox::{Description, MailServer};
use domain::permission::Permission;
use domain::{Sealed, text};
use projections::EmailInboxRecord;
use reactors::mail::inbox_test_mail;
use serde_json::{Map, Value, json};

use crate::documents::users::author;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::Page;
use crate::http::parameters::{Inside, Parameters};
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;
use crate::state::AppState;

const INBOXES: &[Permission] = &[Permission::MANAGE_EMAIL_INBOX];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("email-inbox.list", list)
            .about("Lists the e-mail inboxes of the workspace.")
            .needs_or(INBOXES, wording::plainly_not_allowed)
            .answers(paged!("emailInboxes")),
        route::post("email-inbox", save)
            .about("Adds an e-mail inbox, or changes the one of an id.")
            .needs_or(INBOXES, wording::plainly_not_allowed)
            .answers(&[("_id", Kind::Text)]),
        route::get("email-inbox/{id}", get)
            .about("An e-mail inbox, without its passwords.")
            .needs_or(INBOXES, wording::plainly_not_allowed),
        route::logged_in(Method::DELETE, "email-inbox/{id}", remove)
            .about("Does away with an e-mail inbox.")
            .needs_or(INBOXES, wording::plainly_not_allowed)
            .answers(&[("_id", Kind::Text)]),
        route::get("email-inbox.search", search)
            .about("The e-mail inbox of an address.")
            .needs_or(INBOXES, wording::plainly_not_allowed)
            .answers(&[("emailInbox", Kind::Any)]),
        route::post("email-inbox.send-test/{id}", send_test)
            .about("Sends the caller a mail through an e-mail inbox.")
            .needs_or(INBOXES, wording::plainly_not_allowed)
            .answers(&[("_id", Kind::Text)]),
    ]
}

/// Stands for a known password.
pub const MASK: &str = "********";

#[derive(Parameters)]
#[params(open)]
struct Save {
    #[param(name = "_id")]
    id: Option<String>,
    active: bool,
    name: String,
    email: String,
    description: String,
    sender_info: String,
    department: String,
    smtp: Inside<WishedServer>,
    imap: Inside<WishedServer>,
}

#[derive(Parameters)]
#[params(open)]
struct WishedServer {
    server: String,
    port: u16,
    username: String,
    password: String,
    secure: bool,
    max_retries: Option<u32>,
}

impl From<WishedServer> for MailServer<Option<String>> {
    fn from(wish: WishedServer) -> Self {
        Self {
            server: text::trim(&wish.server).to_owned(),
            port: wish.port,
            username: wish.username,
            password: Some(wish.password).filter(|password| password != MASK),
            secure: wish.secure,
        }
    }
}

impl From<Save> for Description<Option<String>> {
    fn from(wish: Save) -> Self {
        Self {
            imap_retries: wish.imap.0.max_retries,
            active: wish.active,
            name: wish.name,
            email: text::trim(&wish.email).to_owned(),
            description: wish.description,
            sender_info: wish.sender_info,
            department: wish.department,
            smtp: wish.smtp.0.into(),
            imap: wish.imap.0.into(),
        }
    }
}

fn server(server: &MailServer<Sealed>) -> Value {
    json!({
        "server": server.server, "port": server.port, "username": server.username, "password": MASK,
        "secure": server.secure,
    })
}

async fn document(state: &AppState, record: &EmailInboxRecord) -> Result<Doc, ApiError> {
    let inbox = &record.description;
    let mut imap = server(&inbox.imap);
    if let Some(retries) = inbox.imap_retries {
        imap["maxRetries"] = json!(retries);
    }
    let document = json!({
        "_id": record.id,
        "active": inbox.active,
        "name": inbox.name,
        "email": inbox.email,
        "description": inbox.description,
        "senderInfo": inbox.sender_info,
        "department": inbox.department,
        "smtp": server(&inbox.smtp),
        "imap": imap,
        "_createdAt": iso(record.created_at),
        "_createdBy": author(state, &record.created_by).await?,
        "_updatedAt": iso(record.updated_at),
    });
    match document {
        Value::Object(document) => Ok(document),
        _ => Ok(Map::new()),
    }
}

/// `GET /api/v1/email-inbox.list`, by name by default.
async fn list(call: Call, page: Page) -> Outcome {
    let page = call.page(&page)?;
    let mut documents = Vec::new();
    for record in call.state.views().email_inboxes().await? {
        documents.push(document(&call.state, &record).await?);
    }
    let (documents, total) = page.select(documents, "name");
    Ok(Answer::empty()
        .field("emailInboxes", &documents)
        .field("count", &documents.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}

/// `POST /api/v1/email-inbox`: creates an inbox, or changes the one with `_id`.
async fn save(call: Call, wish: Save) -> Outcome {
    if !application::outside::mail::is_address(text::trim(&wish.email)) {
        return Err(wording::invalid_inbox_address(&wish.email));
    }
    let id = wish.id.clone().filter(|id| !id.is_empty());
    let id = email_inboxes::save(&call.state, &call.caller, id.as_deref(), wish.into()).await?;
    Ok(Answer::empty().field("_id", &id))
}

/// `GET /api/v1/email-inbox/{id}`: the inbox, or nothing.
async fn get(call: Call) -> Outcome {
    let found = call.state.views().email_inbox(call.input.path("id"));
    Ok(match found.await? {
        Some(record) => Answer::empty().fields(&document(&call.state, &record).await?),
        None => Answer::empty(),
    })
}

#[derive(Parameters)]
#[params(open)]
struct Search {
    email: String,
}

async fn search(call: Call, Search { email }: Search) -> Outcome {
    let found = match call.state.views().email_inbox_of(&email).await? {
        Some(record) => Some(document(&call.state, &record).await?),
        None => None,
    };
    Ok(Answer::empty().field("emailInbox", &found))
}

async fn remove(call: Call) -> Outcome {
    let record = known(&call).await?;
    email_inboxes::remove(&call.state, &call.caller, &record.id).await?;
    Ok(Answer::empty().field("_id", &record.id))
}

async fn known(call: &Call) -> Result<EmailInboxRecord, ApiError> {
    let found = call.state.views().email_inbox(call.input.path("id")).await;
    found?.ok_or_else(wording::not_found)
}

/// `POST /api/v1/email-inbox.send-test/{id}`: mails the caller at once, through the inbox's own server.
async fn send_test(call: Call) -> Outcome {
    const ROUTE: &str = "email-inbox.send-test";
    let record = known(&call).await?;
    let to = call.caller.user.first_address();
    let to = to.ok_or_else(|| wording::no_own_address(ROUTE))?;
    let inbox = &record.description;
    let sender = text::filled(&inbox.sender_info).unwrap_or(&inbox.name);
    let mail = inbox_test_mail(
        &call.state.views().settings(),
        (mailbox(sender, &inbox.email), &inbox.name),
        mailbox(call.caller.user.name.as_deref().unwrap_or_default(), to),
        &fresh_id(),
    );
    let server = smtp_server(&call.state, &record).await?;
    match send_through(&server, &mail).await {
        Ok(()) => Ok(Answer::empty().field("_id", &record.id)),
        Err(error) => Err(wording::email_send_failed(ROUTE, &error.to_string())),
    }
}

fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox {
        name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        address: address.to_owned(),
    }
}

/// How to reach the server an inbox sends through. Nobody may reach what is behind the firewall by adding an inbox, so
/// the host is looked up and checked here, and the connection goes to the address that was checked.
async fn smtp_server(state: &AppState, record: &EmailInboxRecord) -> Result<SmtpServer, ApiError> {
    let smtp = &record.description.smtp;
    let found = state.fetcher().resolve(&smtp.server).await;
    let addresses = found.map_err(|error| wording::inbox_server_unreachable(&error.to_string()))?;
    let credentials = if smtp.username.is_empty() {
        None
    } else {
        let password = email_inboxes::smtp_password(state, &record.id, &smtp.password)?;
        Some((smtp.username.clone(), password))
    };
    Ok(SmtpServer {
        host: smtp.server.clone(),
        port: Some(smtp.port),
        encryption: for_account(smtp.secure, credentials.is_some()),
        credentials,
        pool: false,
        address: addresses.first().copied(),
    })
}
