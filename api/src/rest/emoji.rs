//! Which emoji there are.

/// Whether `name`, with or without colons, is the shortname of an emoji.
pub fn is_known(name: &str) -> bool {
    let name: String = name.chars().filter(|letter| *letter != ':').collect();
    emojis::get_by_shortcode(&name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortnames_are_known_with_and_without_colons() {
        for name in ["smile", ":smile:", ":+1:", "thumbsup", "tada"] {
            assert!(is_known(name), "{name}");
        }
        for name in ["", ":", "no-such-emoji", "😄"] {
            assert!(!is_known(name), "{name}");
        }
    }
}
