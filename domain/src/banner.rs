//! One banner: something announced to people above what they are doing, for a time (contract, admin 9), and whether
//! one user has dismissed it.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::events;
use crate::permission::{Authority, Permission};
use crate::{Category, Decider, RoleId, StreamId, Timestamp, UserId};

/// The most bytes of what a banner shows, as JSON.
pub const LARGEST_VIEW: usize = 16 * 1024;

/// How deeply what a banner shows may be nested.
const DEEPEST_VIEW: usize = 20;

/// How a banner can look.
const VARIANTS: [&str; 5] = ["neutral", "info", "success", "warning", "danger"];

/// The most roles a banner can be for.
pub const MOST_ROLES: usize = 100;

/// The stream of a banner.
pub fn stream(banner: &str) -> StreamId {
    StreamId::new(Category::Banner, banner)
}

/// The stream of what one user did with one banner.
pub fn dismissal_stream(banner: &str, user: &UserId) -> StreamId {
    StreamId::new(Category::BannerDismissal, &format!("{banner}:{user}"))
}

/// The kinds of client that show banners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// Browsers and desktops.
    Web,
    Mobile,
}

impl Platform {
    /// The platform of that wire name.
    pub fn find(name: &str) -> Option<Self> {
        match name {
            "web" => Some(Self::Web),
            "mobile" => Some(Self::Mobile),
            _ => None,
        }
    }

    /// Its wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Mobile => "mobile",
        }
    }
}

/// What is announced, to whom, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// At least one.
    pub platforms: Vec<Platform>,
    pub start_at: Timestamp,
    pub expire_at: Timestamp,
    /// Whom it is for; `None`: everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<RoleId>>,
    /// An object with the `UIKit` `blocks` and how they are shown.
    pub view: Value,
}

impl Content {
    /// Whether somebody with these workspace-wide roles sees the banner on `platform` at `now`.
    pub fn is_for(&self, platform: Platform, now: Timestamp, roles: &[RoleId]) -> bool {
        self.platforms.contains(&platform)
            && self.start_at <= now
            && now < self.expire_at
            && self
                .roles
                .as_ref()
                .is_none_or(|wanted| wanted.iter().any(|role| roles.contains(role)))
    }
}

events! {
    /// What can happen to a banner.
    BannerEvent {
        BannerPublished = 1,
        BannerWithdrawn = 1,
    }
}

events! {
    /// What a user can do with a banner.
    BannerDismissalEvent [user: UserId] {
        BannerDismissed = 1,
    }
}

/// A banner was published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BannerPublished {
    pub banner: String,
    pub content: Content,
    pub by: UserId,
    pub at: Timestamp,
}

/// A banner is not shown any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BannerWithdrawn {
    pub banner: String,
    pub by: UserId,
    pub at: Timestamp,
}

/// A user dismissed a banner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BannerDismissed {
    pub banner: String,
    pub user: UserId,
    pub at: Timestamp,
}

/// What is known of one banner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Banner {
    #[default]
    Absent,
    Published,
    Withdrawn,
}

/// What can be asked of a banner.
#[derive(Clone, Debug)]
pub enum BannerCommand {
    Publish {
        banner: String,
        content: Box<Content>,
        at: Timestamp,
    },
    /// Changes nothing if it is withdrawn already.
    Withdraw { banner: String, at: Timestamp },
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum BannerContext<'a> {
    /// The server itself.
    System,
    User(Authority<'a>),
}

/// Why a wish about a banner is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BannerRefusal {
    /// `manage-cloud` is missing: in the reference server banners come from the cloud, and this right governs that.
    #[error("not allowed to publish banners")]
    NotAllowed,
    /// It would never be seen, or it shows nothing.
    #[error("{0}")]
    Invalid(&'static str),
    #[error("no such banner")]
    NotFound,
    /// There is, or was, a banner of this id.
    #[error("there is a banner of this id already")]
    AlreadyExists,
}

/// How many lists and objects are within each other.
fn depth(value: &Value) -> usize {
    let deepest = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        _ => return 0,
    };
    1 + deepest.unwrap_or(0)
}

fn check(content: &Content, at: Timestamp) -> Result<(), BannerRefusal> {
    let invalid = |why| Err(BannerRefusal::Invalid(why));
    if content.platforms.is_empty() {
        return invalid("a banner needs a platform");
    }
    if content.expire_at <= content.start_at || content.expire_at <= at {
        return invalid("a banner must end after it starts, and in the future");
    }
    if let Some(roles) = &content.roles
        && (roles.is_empty() || roles.len() > MOST_ROLES)
    {
        return invalid("the roles of a banner are a list of at least one and at most 100");
    }
    let blocks = content.view.get("blocks").and_then(Value::as_array);
    let typed = |block: &Value| block.get("type").is_some_and(Value::is_string);
    if !blocks.is_some_and(|blocks| !blocks.is_empty() && blocks.iter().all(typed)) {
        return invalid("the view of a banner needs blocks, each with a type");
    }
    let fits = |(name, value): (&String, &Value)| match name.as_str() {
        "blocks" => true,
        "title" | "icon" => value.is_string(),
        "inline" => value.is_boolean(),
        "variant" => value
            .as_str()
            .is_some_and(|variant| VARIANTS.contains(&variant)),
        _ => false,
    };
    if !content
        .view
        .as_object()
        .is_some_and(|view| view.iter().all(fits))
    {
        return invalid(
            "the view of a banner has blocks, and a title, an icon, a variant or inline",
        );
    }
    if !crate::link::are_harmless(&content.view) {
        return invalid("the view of a banner has an address that must not be followed");
    }
    if content.view.to_string().len() > LARGEST_VIEW || depth(&content.view) > DEEPEST_VIEW {
        return invalid("the view of a banner is too large or too deeply nested");
    }
    Ok(())
}

impl Decider for Banner {
    type State = Self;
    type Command = BannerCommand;
    type Context<'a> = BannerContext<'a>;
    type Event = BannerEvent;
    type Refusal = BannerRefusal;

    fn decide(
        state: &Self,
        command: BannerCommand,
        context: &BannerContext<'_>,
    ) -> Result<Vec<BannerEvent>, BannerRefusal> {
        let by = match context {
            BannerContext::System => UserId::system(),
            BannerContext::User(authority) if authority.has(Permission::MANAGE_CLOUD) => {
                authority.actor.clone()
            }
            BannerContext::User(_) => return Err(BannerRefusal::NotAllowed),
        };
        match (command, state) {
            (
                BannerCommand::Publish {
                    banner,
                    content,
                    at,
                },
                Self::Absent,
            ) => {
                check(&content, at)?;
                Ok(vec![
                    BannerPublished {
                        banner,
                        content: *content,
                        by,
                        at,
                    }
                    .into(),
                ])
            }
            (BannerCommand::Publish { .. }, _) => Err(BannerRefusal::AlreadyExists),
            (BannerCommand::Withdraw { .. }, Self::Absent) => Err(BannerRefusal::NotFound),
            (BannerCommand::Withdraw { .. }, Self::Withdrawn) => Ok(vec![]),
            (BannerCommand::Withdraw { banner, at }, Self::Published) => {
                Ok(vec![BannerWithdrawn { banner, by, at }.into()])
            }
        }
    }

    fn evolve(_: Self, event: &BannerEvent) -> Self {
        match event {
            BannerEvent::BannerPublished(_) => Self::Published,
            BannerEvent::BannerWithdrawn(_) => Self::Withdrawn,
        }
    }
}

/// Whether a user has dismissed a banner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BannerDismissal {
    pub dismissed: bool,
}

/// What the rule about dismissing needs to know.
#[derive(Clone, Copy, Debug)]
pub struct DismissalContext {
    /// There is, or was, such a banner.
    pub exists: bool,
}

impl Decider for BannerDismissal {
    type State = Self;
    type Command = BannerDismissed;
    type Context<'a> = DismissalContext;
    type Event = BannerDismissalEvent;
    type Refusal = BannerRefusal;

    fn decide(
        state: &Self,
        dismissed: BannerDismissed,
        context: &DismissalContext,
    ) -> Result<Vec<BannerDismissalEvent>, BannerRefusal> {
        if !context.exists {
            return Err(BannerRefusal::NotFound);
        }
        if state.dismissed {
            return Ok(vec![]);
        }
        Ok(vec![dismissed.into()])
    }

    fn evolve(_: Self, _: &BannerDismissalEvent) -> Self {
        Self { dismissed: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Stage, given};
    use serde_json::json;

    const AT: Timestamp = Timestamp::from_millis(100);

    fn content() -> Content {
        Content {
            platforms: vec![Platform::Web],
            start_at: Timestamp::from_millis(100),
            expire_at: Timestamp::from_millis(200),
            roles: None,
            view: json!({ "blocks": [{ "type": "section" }] }),
        }
    }

    fn publish(content: Content) -> BannerCommand {
        BannerCommand::Publish {
            banner: "b".to_owned(),
            content: Box::new(content),
            at: AT,
        }
    }

    fn published() -> BannerEvent {
        BannerPublished {
            banner: "b".to_owned(),
            content: content(),
            by: UserId::new("me"),
            at: AT,
        }
        .into()
    }

    fn withdraw() -> BannerCommand {
        BannerCommand::Withdraw {
            banner: "b".to_owned(),
            at: AT,
        }
    }

    fn withdrawn() -> BannerEvent {
        BannerWithdrawn {
            banner: "b".to_owned(),
            by: UserId::new("me"),
            at: AT,
        }
        .into()
    }

    #[test]
    fn banners_are_published_and_withdrawn() {
        let stage = Stage::default().with_roles(&["admin"]);
        let admin = BannerContext::User(stage.authority());
        given::<Banner>([])
            .when(publish(content()), &admin)
            .then([published()]);
        given::<Banner>([published()])
            .when(withdraw(), &admin)
            .then([withdrawn()]);
        given::<Banner>([published(), withdrawn()])
            .when(withdraw(), &admin)
            .then_nothing();
        given::<Banner>([published(), withdrawn()])
            .when(publish(content()), &admin)
            .then_refused(BannerRefusal::AlreadyExists);
        given::<Banner>([])
            .when(withdraw(), &admin)
            .then_refused(BannerRefusal::NotFound);
        given::<Banner>([])
            .when(
                publish(content()),
                &BannerContext::User(Stage::default().authority()),
            )
            .then_refused(BannerRefusal::NotAllowed);
        given::<Banner>([published()])
            .when(publish(content()), &BannerContext::System)
            .then_refused(BannerRefusal::AlreadyExists);
    }

    #[test]
    fn a_banner_that_nobody_could_see_is_refused() {
        let stage = Stage::default().with_roles(&["admin"]);
        let wrong = |change: fn(&mut Content)| {
            let mut content = content();
            change(&mut content);
            content
        };
        for content in [
            wrong(|content| content.platforms.clear()),
            wrong(|content| content.expire_at = content.start_at),
            wrong(|content| {
                content.start_at = Timestamp::from_millis(10);
                content.expire_at = AT;
            }),
            wrong(|content| content.roles = Some(vec![])),
            wrong(|content| content.view = json!({})),
            wrong(|content| content.view = json!({ "blocks": [] })),
            wrong(|content| content.view = json!({ "blocks": [{ "text": "x" }] })),
            wrong(|content| content.view["variant"] = json!("pink")),
            wrong(|content| {
                let deep = (0..DEEPEST_VIEW).fold(json!(1), |inner, _| json!([inner]));
                content.view["blocks"][0]["elements"] = deep;
            }),
            wrong(|content| content.view["viewId"] = json!("x")),
            wrong(|content| {
                let text = "x".repeat(LARGEST_VIEW);
                content.view = json!({ "blocks": [{ "type": text }] });
            }),
        ] {
            let context = BannerContext::User(stage.authority());
            let outcome = Banner::decide(&Banner::Absent, publish(content), &context);
            assert!(
                matches!(outcome, Err(BannerRefusal::Invalid(_))),
                "{outcome:?}"
            );
        }
    }

    #[test]
    fn who_is_shown_a_banner() {
        let (ms, user) = (Timestamp::from_millis, [RoleId::new("user")]);
        let everybody = content();
        assert!(everybody.is_for(Platform::Web, ms(100), &[]));
        assert!(everybody.is_for(Platform::Web, ms(199), &user));
        assert!(!everybody.is_for(Platform::Web, ms(200), &user), "expired");
        assert!(!everybody.is_for(Platform::Web, ms(99), &user), "not yet");
        assert!(!everybody.is_for(Platform::Mobile, ms(150), &user));
        let guests = Content {
            roles: Some(vec![RoleId::new("guest"), RoleId::new("bot")]),
            ..content()
        };
        assert!(!guests.is_for(Platform::Web, ms(150), &user));
        assert!(guests.is_for(Platform::Web, ms(150), &[RoleId::new("bot")]));
    }

    #[test]
    fn a_banner_is_dismissed_once() {
        let dismissed = BannerDismissed {
            banner: "b".to_owned(),
            user: UserId::new("me"),
            at: AT,
        };
        let there = DismissalContext { exists: true };
        given::<BannerDismissal>([])
            .when(dismissed.clone(), &there)
            .then([dismissed.clone().into()]);
        given::<BannerDismissal>([dismissed.clone().into()])
            .when(dismissed.clone(), &there)
            .then_nothing();
        given::<BannerDismissal>([])
            .when(dismissed, &DismissalContext { exists: false })
            .then_refused(BannerRefusal::NotFound);
    }
}
