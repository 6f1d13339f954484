//! Texts of our own in mails, by the keys that templates use. English is the only language.

pub fn text(key: &str) -> Option<&'static str> {
    TEXTS
        .iter()
        .find(|(known, _)| *known == key)
        .map(|(_, text)| *text)
}

pub const TEXTS: &[(&str, &str)] = &[
    ("Hi", "Hello"),
    ("Hi_username", "Hello [name],"),
    ("Login", "Log in"),
    (
        "Direct_Reply_Advice",
        "You can answer this mail, and your answer appears in the conversation.",
    ),
    ("Join_Chat", "Join the conversation"),
    ("Reset", "Choose a new password"),
    ("Verify_your_email", "Confirm this address"),
    ("Welcome_to", "Welcome to [Site_Name]"),
    (
        "Visit_Site_Url_and_try_the_best_open_source_chat_solution_available_today",
        "Your team talks at [Site_URL].",
    ),
    (
        "Verification_Email_Subject",
        "[Site_Name]: please confirm your address",
    ),
    (
        "Verification_email_body",
        "You gave this address at [Site_Name]. Please confirm that it is yours:",
    ),
    (
        "Forgot_Password_Email_Subject",
        "[Site_Name]: choose a new password",
    ),
    ("Forgot_password", "Forgot your password?"),
    (
        "Lets_get_you_new_one",
        "With the link below you choose a new one. It works once, within three days.",
    ),
    (
        "If_you_didnt_ask_for_reset_ignore_this_email",
        "If you did not ask for this, do nothing: your password stays as it is.",
    ),
    (
        "Email_Changed_Email_Subject",
        "[Site_Name]: your address was changed",
    ),
    (
        "Your_email_address_has_changed",
        "Your account has another e-mail address now.",
    ),
    (
        "Your_new_email_is_email",
        "It is [email]. If that was not you, tell an administrator at once.",
    ),
    (
        "Password_Changed_Email_Subject",
        "[Site_Name]: your password was changed",
    ),
    (
        "Your_password_was_changed_by_an_admin",
        "An administrator gave your account a new password.",
    ),
    (
        "Your_temporary_password_is_password",
        "It is: [password] (choose your own after logging in)",
    ),
    (
        "Your_first_password_is_password",
        "Your user name is [username], your first password: [password]",
    ),
    (
        "Choose_your_password",
        "Your user name is [username]. With this link, which works once within 30 days, you choose your password:",
    ),
    ("Choose_password", "Choose your password"),
    (
        "Invitation_Subject_Default",
        "You are invited to [Site_Name]",
    ),
    (
        "Accounts_Admin_Email_Approval_Needed_Subject_Default",
        "[Site_Name]: somebody new waits for approval",
    ),
    (
        "Accounts_Admin_Email_Approval_Needed_Default",
        "<p>[name] ([email]) signed up and waits for an administrator to approve the account.</p>",
    ),
    (
        "Accounts_Admin_Email_Approval_Needed_With_Reason_Default",
        "<p>[name] ([email]) signed up and waits for an administrator to approve the account. The reason given:</p><p>[reason]</p>",
    ),
    (
        "Accounts_Email_Approved_Subject",
        "[Site_Name]: your account was approved",
    ),
    (
        "Accounts_Email_Approved",
        "<p>Hello [name],</p><p>your account was approved. You can log in at <a href=\"[Site_URL]\">[Site_URL]</a>.</p>",
    ),
    (
        "Accounts_Email_Activated_Subject",
        "[Site_Name]: your account was activated",
    ),
    (
        "Accounts_Email_Activated",
        "<p>Hello [name],</p><p>your account is active again. You can log in at <a href=\"[Site_URL]\">[Site_URL]</a>.</p>",
    ),
    (
        "Accounts_Email_Deactivated_Subject",
        "[Site_Name]: your account was deactivated",
    ),
    (
        "Accounts_Email_Deactivated",
        "<p>Hello [name],</p><p>your account at [Site_Name] was deactivated. You cannot log in any more.</p>",
    ),
    (
        "Authentication_code_Subject",
        "[Site_Name]: your code to log in",
    ),
    (
        "Authentication_code_Email",
        "<p>Hello [name],</p><p>your code is <b>[code]</b>. It works once, for a short time. If you are not logging in right now, somebody else knows your password: change it.</p>",
    ),
    (
        "TOTP_reset_Subject",
        "[Site_Name]: your second factor was removed",
    ),
    (
        "TOTP_reset_Email",
        "<p>Hello [name],</p><p>an administrator removed the authenticator app from your account, and logged you out everywhere. Set one up again after logging in.</p>",
    ),
    (
        "E2E_key_reset_Subject",
        "[Site_Name]: your encryption keys were reset",
    ),
    (
        "E2E_key_reset_Email",
        "<p>Hello [name],</p><p>an administrator reset the keys of your encrypted rooms, and logged you out everywhere. After logging in you get new ones; others in those rooms must let you in again.</p>",
    ),
    (
        "UserDataDownload_Subject",
        "[Site_Name]: the copy of your data is ready",
    ),
    (
        "UserDataDownload_Email",
        "<p>Hello [name],</p><p>the copy of your data you asked for is ready. Log in and fetch it: <a href=\"[Download_Url]\">[Download_Url]</a></p>",
    ),
    (
        "RoomExport_Subject",
        "[Site_Name]: the copy of [Room] is ready",
    ),
    (
        "RoomExport_Email",
        "<p>Hello [name],</p><p>the copy of what was said in [Room] you asked for is ready. Log in and fetch it: <a href=\"[Download_Url]\">[Download_Url]</a></p>",
    ),
    ("RoomMessages_Subject", "[Site_Name]: messages of [Room]"),
    (
        "RoomMessages_Email",
        "<p>[name] sends you messages of [Room] at [Site_Name]:</p>[Messages]",
    ),
    ("Inbox_Test_Subject", "[Site_Name]: the inbox [Inbox] sends"),
    (
        "Inbox_Test_Email",
        "<p>This is the test mail you asked for. The inbox [Inbox] of [Site_Name] ([Site_URL]) can send mail.</p>",
    ),
    ("SMTP_Test_Subject", "[Site_Name]: mail works"),
    (
        "SMTP_Test_Email",
        "<p>This is the test mail you asked for. Mail from [Site_Name] ([Site_URL]) arrives.</p>",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_the_default_templates_name_has_a_text() {
        let mut checked = 0;
        for definition in domain::settings::definitions() {
            if !definition.group.starts_with("Email") {
                continue;
            }
            for part in definition
                .default
                .as_str()
                .unwrap_or_default()
                .split('{')
                .skip(1)
            {
                let key: String = part
                    .chars()
                    .take_while(|one| one.is_ascii_alphanumeric() || *one == '_')
                    .collect();
                // Style sheets have braces too.
                if part.starts_with(&key) && !key.is_empty() {
                    assert!(text(&key).is_some(), "{} names {key}", definition.id);
                    checked += 1;
                }
            }
        }
        assert!(checked > 15, "the defaults name texts: {checked}");
    }
}
