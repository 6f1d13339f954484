//! Which emoji exist: the standard ones, and those of this workspace.

use crate::errors::ApiError;
use crate::state::AppState;

/// Whether `name`, with or without colons, is the shortname of a standard emoji, or the name or an alias of a custom
/// one.
pub async fn exists(state: &AppState, name: &str) -> Result<bool, ApiError> {
    let name = bare(name);
    if is_known(&name) {
        return Ok(true);
    }
    Ok(!name.is_empty() && state.views().emoji_named(&name).await?.is_some())
}

/// The name without colons.
fn bare(name: &str) -> String {
    name.chars().filter(|letter| *letter != ':').collect()
}

/// Whether a standard emoji has that name.
fn is_known(name: &str) -> bool {
    let toneless = name
        .strip_suffix(['1', '2', '3', '4', '5'])
        .and_then(|name| name.strip_suffix("_tone"))
        .unwrap_or(name);
    [name, toneless].iter().any(|name| {
        emojis::get_by_shortcode(name).is_some() || OTHER_NAMES.binary_search(name).is_ok()
    })
}

/// Names that clients of the contract use for common emoji, in addition to those [`emojis`] knows. In order.
const OTHER_NAMES: [&str; OTHER_COUNT] = [
    "admission_tickets",
    "airplane_arriving",
    "airplane_departure",
    "airplane_small",
    "anger_right",
    "atom",
    "basketball_player",
    "beach",
    "beach_with_umbrella",
    "bellhop",
    "biohazard_sign",
    "bread_slice",
    "calendar_spiral",
    "call_me",
    "camera_with_flash",
    "card_box",
    "champagne_glass",
    "cheese_wedge",
    "cloud_lightning",
    "cloud_rain",
    "cloud_snow",
    "cloud_tornado",
    "clown",
    "construction_site",
    "couch",
    "cowboy",
    "cruise_ship",
    "derelict_house_building",
    "desktop",
    "dividers",
    "double_vertical_bar",
    "dove_of_peace",
    "drum_with_drumsticks",
    "eject",
    "eject_symbol",
    "eye_in_speech_bubble",
    "face_palm",
    "face_vomiting",
    "face_with_cowboy_hat",
    "face_with_hand_over_mouth",
    "face_with_monocle",
    "face_with_raised_eyebrow",
    "face_with_rolling_eyes",
    "face_with_symbols_over_mouth",
    "fencer",
    "film_frames",
    "fingers_crossed",
    "first_place",
    "first_place_medal",
    "flag_ar",
    "flag_at",
    "flag_au",
    "flag_be",
    "flag_black",
    "flag_br",
    "flag_ca",
    "flag_ch",
    "flag_cn",
    "flag_cz",
    "flag_de",
    "flag_dk",
    "flag_eg",
    "flag_es",
    "flag_eu",
    "flag_fi",
    "flag_fr",
    "flag_gb",
    "flag_gr",
    "flag_hu",
    "flag_ie",
    "flag_il",
    "flag_in",
    "flag_it",
    "flag_jp",
    "flag_kr",
    "flag_mx",
    "flag_ng",
    "flag_nl",
    "flag_no",
    "flag_pl",
    "flag_pt",
    "flag_ro",
    "flag_ru",
    "flag_se",
    "flag_tr",
    "flag_ua",
    "flag_us",
    "flag_white",
    "flag_za",
    "fork_and_knife_with_plate",
    "fork_knife_plate",
    "frames",
    "french_bread",
    "frowning2",
    "gay_pride_flag",
    "glass_of_milk",
    "goal",
    "golfer",
    "hammer_pick",
    "hand_splayed",
    "hand_with_index_and_middle_finger_crossed",
    "head_bandage",
    "heart_exclamation",
    "heavy_heart_exclamation_mark_ornament",
    "hockey",
    "homes",
    "hot_dog",
    "house_abandoned",
    "house_buildings",
    "hugging",
    "hugging_face",
    "island",
    "juggling",
    "key2",
    "kiwi",
    "left_facing_fist",
    "left_fist",
    "level_crossing",
    "levitate",
    "lifter",
    "linked_paperclips",
    "lion_face",
    "lower_left_ballpoint_pen",
    "lower_left_crayon",
    "lower_left_fountain_pen",
    "lower_left_paintbrush",
    "man_in_business_suit_levitating",
    "map",
    "medal",
    "meteor",
    "microphone2",
    "military_medal",
    "milk",
    "money_mouth",
    "mother_christmas",
    "motorbike",
    "motorboat",
    "mouse_three_button",
    "nerd",
    "newspaper2",
    "next_track",
    "notepad_spiral",
    "octagonal_sign",
    "oil",
    "om_symbol",
    "park",
    "peace",
    "pen_ballpoint",
    "pen_fountain",
    "person_bowing",
    "person_doing_cartwheel",
    "person_facepalming",
    "person_frowning",
    "person_gesturing_no",
    "person_gesturing_ok",
    "person_in_bed",
    "person_pouting",
    "person_raising_hand",
    "person_shrugging",
    "person_tipping_hand",
    "person_with_ball",
    "play_pause",
    "previous_track",
    "projector",
    "race_car",
    "racing_motorcycle",
    "radioactive_sign",
    "raised_hand_with_part_between_middle_and_ring_fingers",
    "red_heart",
    "reversed_hand_with_middle_finger_extended",
    "rhino",
    "right_facing_fist",
    "right_fist",
    "robot_face",
    "rolled_up_newspaper",
    "rolling_eyes",
    "rolling_on_the_floor_laughing",
    "salad",
    "satellite_orbital",
    "scales",
    "scooter",
    "second_place",
    "shopping_bags",
    "shopping_trolley",
    "sign_of_the_horns",
    "ski_jumper",
    "sleeping_accommodation",
    "sleuth_or_spy",
    "slight_frown",
    "slight_smile",
    "smiling_face_with_3_hearts",
    "snow_capped_mountain",
    "snowman2",
    "speaking_head_in_silhouette",
    "speech_left",
    "spiral_calendar_pad",
    "spiral_note_pad",
    "sports_medal",
    "spy",
    "starstruck",
    "thinking_face",
    "third_place",
    "three_button_mouse",
    "thumbdown",
    "thumbup",
    "thunder_cloud_rain",
    "timer",
    "tools",
    "track_next",
    "track_previous",
    "ufo",
    "umbrella2",
    "umbrella_on_ground",
    "unicorn_face",
    "upside_down",
    "vulcan",
    "waving_black_flag",
    "waving_white_flag",
    "weight_lifter",
    "white_frowning_face",
    "white_sun_behind_cloud",
    "white_sun_cloud",
    "white_sun_rain_cloud",
    "white_sun_small_cloud",
    "white_sun_with_small_cloud",
    "wilted_rose",
    "wind_blowing_face",
    "woman_tipping_hand",
    "zipper_mouth",
];
const OTHER_COUNT: usize = 229;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortnames_are_known_with_and_without_colons() {
        for name in [
            "smile",
            ":smile:",
            ":+1:",
            "thumbsup",
            "thumbup",
            "tada",
            ":slight_smile:",
            ":thumbsup_tone3:",
            ":+1_tone1:",
        ] {
            assert!(is_known(&bare(name)), "{name}");
        }
        for name in ["", ":", "no-such-emoji", "😄", "_tone1", "smile_tone9"] {
            assert!(!is_known(&bare(name)), "{name}");
        }
    }

    #[test]
    fn the_table_adds_names_and_can_be_searched() {
        assert!(OTHER_NAMES.is_sorted_by(|a, b| a < b));
        for name in OTHER_NAMES {
            let known = emojis::get_by_shortcode(name);
            assert!(known.is_none(), "{name} is known anyway");
        }
    }
}
