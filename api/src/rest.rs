//! The REST doors (contract, all chapters). Handlers are short: parse, one command or one query, answer.

mod table;

pub mod answer;
pub mod lookup;
pub mod media;
pub mod shape;
pub mod target;

pub mod auth;
pub mod banners;
pub mod cloud;
pub mod info;
pub mod login_services;
pub mod oauth_apps;
pub mod oauth_provider;
pub mod permissions;
pub mod push;
pub mod roles;
pub mod second_factors;
pub mod setting_docs;
pub mod settings;
pub mod tokens;

pub mod accounts;
pub mod avatars;
pub mod data_export;
pub mod departure;
pub mod mail;
pub mod mail_links;
pub mod people;
pub mod presence;
pub mod profile;
pub mod registration;
pub mod users;

pub mod counters;
pub mod family;
pub mod history;
pub mod im;
pub mod members;
pub mod room_settings;
pub mod rooms;
pub mod subscriptions;

pub mod chat;
pub mod emoji;

pub mod assets;
pub mod autotranslate;
pub mod custom_status;
pub mod dns;
pub mod e2e;
pub mod email_inbox;
pub mod emoji_custom;
pub mod i18n;
pub mod moderation;
pub mod search;
pub mod shield;
pub mod small;
pub mod sounds;
pub mod statistics;

pub use table::routes;
