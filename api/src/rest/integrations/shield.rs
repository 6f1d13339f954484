//! Badges for web pages (contract, admin 6 `shield.svg`).

use std::time::Duration;

use application::caller::Caller;
use axum::http::{Method, header};
use domain::permission::Permission;
use domain::settings::keys;
use domain::text;

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Anyone;
use crate::http::parameters::{Filled, Parameters};
use crate::http::route::{self, Rate, Route};
use crate::rest::lookup::{self, UserNamed};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::public(Method::GET, "shield.svg", shield)
            .about("A badge for web pages.")
            .rate(Rate::Calls(60, Duration::from_mins(1)))
            .sends(&["image/svg+xml"]),
    ]
}

/// Longest text in a badge.
const LONGEST: usize = 60;

#[derive(Parameters)]
struct Shield {
    name: String,
    channel: String,
    #[param(name = "type")]
    kind: Option<Filled>,
    icon: Option<Icon>,
    #[param(flatten)]
    user: UserNamed,
}

#[derive(PartialEq, Eq, Parameters)]
enum Icon {
    True,
    False,
}

async fn shield(call: Anyone, params: Shield) -> Outcome {
    let settings = call.state.views().settings();
    if !settings.bool(keys::API_ENABLE_SHIELDS) {
        return Err(wording::shields_disabled());
    }
    let kind = params.kind.as_deref().unwrap_or_default();
    let types = settings.text(keys::API_SHIELD_TYPES);
    let allowed = types.trim_ascii() == "*" || types.split(',').any(|one| one.trim_ascii() == kind);
    if !kind.is_empty() && !allowed {
        return Err(wording::shield_type_disabled());
    }
    let icon = params.icon != Some(Icon::False);
    let name = text::trim(&params.name);
    if !icon && name.is_empty() {
        return Err(wording::shield_name_missing());
    }
    let channel = params.channel;
    let (shown, colour) = match kind {
        "online" => {
            let (online, away, busy) = call.state.presence().counts();
            (format!("{} online", online + away + busy), GREEN)
        }
        "channel" if channel.is_empty() => return Err(wording::shield_channel_missing()),
        "channel" => (format!("#{channel}"), GREEN),
        "user" => user(&call, &params.user).await?,
        _ => ("join chat".to_owned(), GREEN),
    };
    let label = if icon && name.is_empty() {
        "chat"
    } else {
        name
    };
    let svg = badge(
        text::cut(label, LONGEST),
        text::cut(&shown, LONGEST),
        colour,
    );
    Ok(Answer::other((
        [(header::CONTENT_TYPE, "image/svg+xml;charset=utf-8")],
        svg,
    )))
}

const GREEN: &str = "#1fb31f";

/// The name of a user, and the colour of their status.
async fn user(call: &Anyone, named: &UserNamed) -> Result<(String, &'static str), ApiError> {
    let settings = call.state.views().settings();
    let must_log_in = settings.bool(keys::API_SHIELD_USER_REQUIRE_AUTH);
    // Callers who may not see users over REST do not see them here either.
    let may = |caller: &Caller| caller.may(&call.state, Permission::VIEW_D_ROOM);
    let seen = call.caller.as_ref().is_none_or(may);
    if (must_log_in && call.caller.is_none()) || !seen {
        return Err(ApiError::NotLoggedIn);
    }
    let user = lookup::user(&call.state, named).await?;
    let seen = call.state.presence().of(&user.id, user.chosen_status);
    let shown = match &user.name {
        Some(name) if settings.bool(keys::UI_USE_REAL_NAME) => name.clone(),
        _ => format!("@{}", user.username),
    };
    let colour = match seen.status.as_str() {
        "online" => GREEN,
        "away" => "#dc9b01",
        "busy" => "#bc2031",
        _ => "#a5a1a1",
    };
    Ok((shown, colour))
}

/// Two cells beside each other, 20 pixels high.
fn badge(left: &str, right: &str, colour: &str) -> String {
    let width = |text: &str| text.chars().count() * 7 + 12;
    let (first, second) = (width(left), width(right));
    let total = first + second;
    let escape = |text: &str| html_escape::encode_safe(text).into_owned();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{total}\" height=\"20\">\
         <rect rx=\"3\" width=\"{total}\" height=\"20\" fill=\"#555\"/>\
         <rect rx=\"3\" x=\"{first}\" width=\"{second}\" height=\"20\" fill=\"{colour}\"/>\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"{}\" y=\"14\">{}</text><text x=\"{}\" y=\"14\">{}</text></g></svg>",
        first / 2,
        escape(left),
        first + second / 2,
        escape(right),
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_in_a_badge_is_markup() {
        let svg = super::badge("<script>", "a&b", "#fff");
        assert!(svg.contains("&lt;script&gt;"), "{svg}");
        assert!(svg.contains("a&amp;b"));
        assert!(svg.contains("height=\"20\""));
    }
}
