//! What members choose and begin for themselves in a room.

use domain::membership::{MembershipEvent, NotificationChoice, NotificationsChanged, ToldOf};

use super::words::{Teller, list, quoted};

/// The sentence of an event about somebody's own place; of any other, that something happened to it.
pub(super) fn told(teller: &Teller<'_>, event: &MembershipEvent) -> String {
    let room = teller.room(event.room());
    let deed = match event {
        MembershipEvent::NotificationsChanged(event) => notified(&room, event),
        MembershipEvent::UserIgnored(event) => {
            let ignored = teller.user(&event.ignored);
            format!("no longer wants to see what {ignored} says in {room}")
        }
        MembershipEvent::UserUnignored(event) => {
            let ignored = teller.user(&event.ignored);
            format!("wants to see again what {ignored} says in {room}")
        }
        MembershipEvent::DraftChanged(event) => {
            let place = match event.thread {
                Some(_) => format!("a reply in a thread in {room}"),
                None => format!("a message in {room}"),
            };
            if event.draft.is_empty() {
                format!("gave up {place} that they had begun")
            } else {
                format!("began {place}, or went on with it")
            }
        }
        MembershipEvent::ThreadRead(_) => format!("read a thread in {room}"),
        MembershipEvent::DirectMessageBlocked(event) => {
            let other = teller.user(&event.other);
            format!("blocked {room}, so that neither they nor {other} can write to it")
        }
        MembershipEvent::DirectMessageUnblocked(_) => format!("no longer blocks {room}"),
        _ => format!("changed their place in {room}"),
    };
    teller.deed(event.user(), deed)
}

fn notified(room: &str, event: &NotificationsChanged) -> String {
    let choices = list(event.choices.iter().map(choice));
    format!("chose what they are told of in {room}: {choices}")
}

fn choice(choice: &NotificationChoice) -> String {
    let of = |how: &str, told_of: ToldOf| match told_of {
        ToldOf::Default => format!("{how} as they prefer everywhere"),
        ToldOf::All => format!("{how} of everything"),
        ToldOf::Mentions => format!("{how} when they are mentioned"),
        ToldOf::Nothing => format!("{how} of nothing"),
    };
    let is = |what: &str, is: bool| format!("{what} {}", if is { "on" } else { "off" });
    match choice {
        NotificationChoice::Desktop(told_of) => of("on the desktop", *told_of),
        NotificationChoice::Mobile(told_of) => of("on mobile devices", *told_of),
        NotificationChoice::Email(told_of) => of("by mail", *told_of),
        NotificationChoice::UnreadAlert(told_of) => of("by the unread mark", *told_of),
        NotificationChoice::Sound(Some(sound)) => format!("with the sound {}", quoted(sound)),
        NotificationChoice::Sound(None) => "with the usual sound".to_owned(),
        NotificationChoice::Disabled(disabled) => is("all notifications", !disabled),
        NotificationChoice::HideUnreadStatus(hide) => is("the unread mark", !hide),
        NotificationChoice::HideMentionStatus(hide) => is("the mention mark", !hide),
        NotificationChoice::MuteGroupMentions(mute) => is("calls to everybody", !mute),
    }
}
