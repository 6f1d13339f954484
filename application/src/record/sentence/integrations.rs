//! Login services, programs and their grants, devices, WebDAV accounts and e-mail inboxes.

use domain::email_inbox::{Description, EmailInboxEvent, MailServer};
use domain::login_service::LoginServiceEvent;
use domain::oauth_app::{OAuthAppEvent, OAuthAppProperties};
use domain::oauth_grant::OAuthGrantEvent;
use domain::push::PushEvent;
use domain::webdav::{Login, WebdavAccountAdded, WebdavEvent};

use super::words::{Teller, name, quoted, quotes, with};

pub(super) fn login_service(teller: &Teller<'_>, event: &LoginServiceEvent) -> String {
    match event {
        LoginServiceEvent::LoginServiceAdded(event) => {
            let service = name(&event.service);
            teller.did(format_args!("added the login service {service}"))
        }
        LoginServiceEvent::LoginServiceRemoved(event) => {
            let service = name(&event.service);
            teller.did(format_args!(
                "removed the login service {service} and its settings"
            ))
        }
    }
}

pub(super) fn oauth_app(teller: &Teller<'_>, event: &OAuthAppEvent) -> String {
    match event {
        OAuthAppEvent::OAuthAppAdded(event) => {
            let (id, what) = (name(&event.app), app(&event.properties));
            teller.deed(
                &event.by,
                format_args!("added the program with the id {id}: {what}"),
            )
        }
        OAuthAppEvent::OAuthAppChanged(event) => {
            let (id, to) = (name(&event.app), app(&event.properties));
            teller.deed(
                &event.by,
                format_args!("changed the program with the id {id} to: {to}"),
            )
        }
        OAuthAppEvent::OAuthAppRemoved(event) => {
            let id = name(&event.app);
            teller.deed(
                &event.by,
                format_args!("removed the program with the id {id}"),
            )
        }
    }
}

fn app(properties: &OAuthAppProperties) -> String {
    let called = quoted(&properties.name);
    let active = active(properties.active);
    let addresses = quotes(&properties.redirect_uris);
    format!("called {called}, {active}, sending people back to {addresses}")
}

fn active(active: bool) -> &'static str {
    if active { "active" } else { "switched off" }
}

pub(super) fn oauth_grant(teller: &Teller<'_>, event: &OAuthGrantEvent) -> String {
    match event {
        OAuthGrantEvent::OAuthCodeIssued(event) => {
            let (app, to) = (name(&event.app), quoted(&event.redirect_uri));
            let deed = format!(
                "let the program with the id {app} into their account and was sent back to {to}"
            );
            teller.deed(&event.user, deed)
        }
        OAuthGrantEvent::OAuthCodeRedeemed(event) => {
            let (app, account) = (name(&event.app), teller.of(&event.user, "account"));
            let deed = format!("gave the program with the id {app} its tokens for {account}");
            teller.did(deed)
        }
        OAuthGrantEvent::OAuthTokensRenewed(event) => {
            let (app, account) = (name(&event.app), teller.of(&event.user, "account"));
            let deed = format!("gave the program with the id {app} new tokens for {account}");
            teller.did(deed)
        }
        OAuthGrantEvent::OAuthGrantRevoked(_) => {
            teller.did("ended the access of a program to an account")
        }
    }
}

pub(super) fn push(teller: &Teller<'_>, event: &PushEvent) -> String {
    match event {
        PushEvent::PushTokenRegistered(event) => {
            let (platform, app) = (event.platform.as_str(), quoted(&event.app_name));
            let deed = format!("registered a device for notifications ({platform}, {app})");
            teller.deed(&event.user, deed)
        }
        PushEvent::PushTokenRemoved(event) => {
            let id = name(&event.id);
            teller.did(format_args!(
                "removed the device with the id {id} from notifications"
            ))
        }
    }
}

pub(super) fn webdav(teller: &Teller<'_>, event: &WebdavEvent) -> String {
    match event {
        WebdavEvent::WebdavAccountAdded(event) => webdav_added(teller, event),
        WebdavEvent::WebdavAccountRemoved(event) => {
            let id = name(&event.account);
            teller.deed(
                &event.user,
                format_args!("removed the WebDAV account with the id {id}"),
            )
        }
    }
}

fn webdav_added(teller: &Teller<'_>, event: &WebdavAccountAdded) -> String {
    let url = quoted(&event.server_url);
    let called = event.name.as_deref();
    let called = called.map(|called| format!("called {}", quoted(called)));
    let login = match &event.login {
        Login::Password { username, .. } => {
            format!("with a password as {}", quoted(username))
        }
        Login::Token(_) => "with a token".to_owned(),
    };
    let deed = format!("added a WebDAV account at {url}");
    teller.deed(&event.user, with(deed, called.into_iter().chain([login])))
}

pub(super) fn email_inbox(teller: &Teller<'_>, event: &EmailInboxEvent) -> String {
    match event {
        EmailInboxEvent::EmailInboxAdded(event) => {
            let (id, what) = (name(&event.inbox), inbox(&event.description));
            teller.deed(
                &event.by,
                format_args!("added the e-mail inbox with the id {id}: {what}"),
            )
        }
        EmailInboxEvent::EmailInboxChanged(event) => {
            let (id, to) = (name(&event.inbox), inbox(&event.description));
            let deed = format!("changed the e-mail inbox with the id {id} to: {to}");
            teller.deed(&event.by, deed)
        }
        EmailInboxEvent::EmailInboxRemoved(event) => {
            let id = name(&event.inbox);
            teller.deed(
                &event.by,
                format_args!("removed the e-mail inbox with the id {id}"),
            )
        }
    }
}

fn inbox(inbox: &Description) -> String {
    let (called, email) = (quoted(&inbox.name), quoted(&inbox.email));
    let active = active(inbox.active);
    let (smtp, imap) = (server(&inbox.smtp), server(&inbox.imap));
    format!("called {called}, {active}, for {email}, sending through {smtp}, fetching from {imap}")
}

fn server(server: &MailServer) -> String {
    let account = if server.username.is_empty() {
        "without an account".to_owned()
    } else {
        format!("as {}", quoted(&server.username))
    };
    let tls = if server.secure { " with TLS" } else { "" };
    format!(
        "{} {account}{tls}",
        name(&format!("{}:{}", server.server, server.port))
    )
}
