//! The workspace's own pictures: logo, icons, background (contract, admin 12). The setting `Assets_<key>` says whether
//! one is in use; the events here say which file it is.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::permission::{Authority, Permission};
use crate::settings::{self, SettingType};
use crate::{Category, Decider, StoredFile, StreamId, Timestamp};

/// The stream of an asset.
pub fn stream(key: &str) -> StreamId {
    StreamId::new(Category::Asset, key)
}

/// The setting that says whether the asset is in use.
pub fn setting(key: &str) -> String {
    format!("Assets_{key}")
}

/// What a picture must be to serve as an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetRule {
    /// The endings its file name may have, without dots.
    pub extensions: Vec<&'static str>,
    /// Width and height it must have, in pixels.
    pub size: Option<(u32, u32)>,
}

/// The rule of an asset; `None`: there is no such asset.
pub fn rule(key: &str) -> Option<AssetRule> {
    let definition = settings::find(&setting(key))?;
    if definition.value_type != SettingType::Asset {
        return None;
    }
    let mut extensions = Vec::new();
    let mut size = None;
    for word in definition.constraint.split(' ') {
        if let Some(list) = word.strip_prefix("ext:") {
            extensions = list.split('|').collect();
        } else if let Some((width, height)) = word.split_once('x') {
            size = width.parse().ok().zip(height.parse().ok());
        }
    }
    Some(AssetRule { extensions, size })
}

events! {
    /// What can happen to an asset.
    AssetEvent {
        AssetSet = 1,
        AssetUnset = 1,
    }
}

/// The asset is this picture from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssetSet {
    /// The key of the asset, e.g. `logo`.
    pub asset: String,
    /// The ending of its file name, without a dot.
    pub extension: String,
    pub file: StoredFile,
    pub at: Timestamp,
}

/// The asset has its default picture again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssetUnset {
    pub asset: String,
    pub at: Timestamp,
}

/// The picture that is in use, if there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asset {
    pub file: Option<StoredFile>,
}

/// The size of a picture in pixels, as it was measured; `None`: it has none.
pub type Measured = Option<(u32, u32)>;

/// What can be asked of an asset.
#[derive(Clone, Debug)]
pub enum AssetCommand {
    Set(Box<AssetSet>, Measured),
    Unset { asset: String, at: Timestamp },
}

/// Why an asset stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssetRefusal {
    /// The actor lacks `manage-assets`.
    #[error("not allowed to manage assets")]
    NotAllowed,
    #[error("no such asset")]
    Unknown,
    #[error("the asset cannot be {content_type}")]
    WrongType { content_type: String },
    #[error("the picture has the wrong width")]
    WrongWidth,
    #[error("the picture has the wrong height")]
    WrongHeight,
}

/// Whether somebody may manage assets at all. Asked before a file is worked on as well.
pub fn check(authority: &Authority<'_>) -> Result<(), AssetRefusal> {
    if authority.has(Permission::MANAGE_ASSETS) {
        Ok(())
    } else {
        Err(AssetRefusal::NotAllowed)
    }
}

impl Decider for Asset {
    type State = Self;
    type Command = AssetCommand;
    type Context<'a> = Authority<'a>;
    type Event = AssetEvent;
    type Refusal = AssetRefusal;

    fn decide(
        state: &Self,
        command: AssetCommand,
        authority: &Authority<'_>,
    ) -> Result<Vec<AssetEvent>, AssetRefusal> {
        check(authority)?;
        match command {
            AssetCommand::Set(set, measured) => {
                let rule = rule(&set.asset).ok_or(AssetRefusal::Unknown)?;
                if !rule.extensions.contains(&set.extension.as_str()) {
                    return Err(AssetRefusal::WrongType {
                        content_type: set.file.content_type,
                    });
                }
                if let Some((width, height)) = rule.size {
                    let (is_width, is_height) = measured.unwrap_or_default();
                    if is_width != width {
                        return Err(AssetRefusal::WrongWidth);
                    }
                    if is_height != height {
                        return Err(AssetRefusal::WrongHeight);
                    }
                }
                Ok(vec![(*set).into()])
            }
            AssetCommand::Unset { asset, at } => {
                if state.file.is_some() {
                    return Ok(vec![AssetUnset { asset, at }.into()]);
                }
                rule(&asset).map(|_| vec![]).ok_or(AssetRefusal::Unknown)
            }
        }
    }

    fn evolve(_: Self, event: &AssetEvent) -> Self {
        match event {
            AssetEvent::AssetSet(event) => Self {
                file: Some(event.file.clone()),
            },
            AssetEvent::AssetUnset(_) => Self { file: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Stage, given};

    const AT: Timestamp = Timestamp::from_millis(1);

    fn set(asset: &str, extension: &str) -> AssetSet {
        AssetSet {
            asset: asset.to_owned(),
            extension: extension.to_owned(),
            file: StoredFile {
                id: "f".to_owned(),
                sha256: "00".to_owned(),
                content_type: format!("image/{extension}"),
                size: 3,
            },
            at: AT,
        }
    }

    fn command(asset: &str, extension: &str, measured: Measured) -> AssetCommand {
        AssetCommand::Set(Box::new(set(asset, extension)), measured)
    }

    #[test]
    fn every_asset_says_what_it_may_be() {
        let keys = "logo background favicon_ico favicon favicon_16 favicon_32 favicon_192 favicon_512 touchicon_180 \
                    touchicon_180_pre tile_70 tile_144 tile_150 tile_310_square tile_310_wide safari_pinned";
        for key in keys.split_ascii_whitespace() {
            let rule = rule(key).unwrap_or_else(|| panic!("no asset {key}"));
            assert!(!rule.extensions.is_empty(), "{key}");
        }
        assert_eq!(
            rule("tile_310_wide").and_then(|rule| rule.size),
            Some((310, 150))
        );
        assert_eq!(rule("SvgFavicon_Enable"), None);
        assert_eq!(rule("no_such_asset"), None);
    }

    #[test]
    fn assets_have_a_type_and_a_size() {
        let stage = Stage::default().with_roles(&["admin"]);
        let refused = |command, refusal| {
            given::<Asset>([])
                .when(command, &stage.authority())
                .then_refused(refusal);
        };
        given::<Asset>([])
            .when(
                command("favicon_16", "png", Some((16, 16))),
                &stage.authority(),
            )
            .then([set("favicon_16", "png").into()]);
        given::<Asset>([])
            .when(command("logo", "jpg", Some((7, 9))), &stage.authority())
            .then([set("logo", "jpg").into()]);
        refused(command("nothing", "png", None), AssetRefusal::Unknown);
        let wrong = AssetRefusal::WrongType {
            content_type: "image/png".to_owned(),
        };
        refused(command("favicon", "png", None), wrong);
        refused(
            command("favicon_16", "png", Some((17, 16))),
            AssetRefusal::WrongWidth,
        );
        refused(
            command("favicon_16", "png", Some((16, 17))),
            AssetRefusal::WrongHeight,
        );
    }

    #[test]
    fn assets_need_a_right_and_are_unset_once() {
        let (stage, user) = (Stage::default().with_roles(&["admin"]), Stage::default());
        let unset = || AssetCommand::Unset {
            asset: "logo".to_owned(),
            at: AT,
        };
        given::<Asset>([])
            .when(unset(), &user.authority())
            .then_refused(AssetRefusal::NotAllowed);
        given::<Asset>([])
            .when(unset(), &stage.authority())
            .then_nothing();
        given::<Asset>([set("logo", "png").into()])
            .when(unset(), &stage.authority())
            .then([AssetUnset {
                asset: "logo".to_owned(),
                at: AT,
            }
            .into()]);
    }
}
