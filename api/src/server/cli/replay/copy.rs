//! What is put into the folder of a sandbox: the events, the views of them, and the key if one is needed.

use std::sync::{Arc, Mutex};

use ::projections::{Registry, ViewsError, rebuild_offline};
use application::record::replay::{ReplayBegun, needs_key};
use eventstore::place::leaf_hex;
use eventstore::sqlite::{CopyError, LogCopy, SqliteLog};
use eventstore::vault::Vault;
use eventstore::{Chunks, EventStore, Place, Position};
use futures::StreamExt as _;
use tokio::task::spawn_blocking;

use super::super::print;
use super::super::progress::Bar;
use super::folder::Claimed;
use crate::server::app;
use crate::server::config::Config;
use crate::server::control::Failure;
use crate::server::data_dir::DataDir;
use crate::server::program;
use crate::server::sandbox::write_private;

/// Fills the folder.
pub(super) async fn fill(
    config: &Config,
    claimed: &Arc<Claimed>,
    begun: &ReplayBegun,
) -> Result<(), Failure> {
    let opened = app::read_log(config, begun.position).await;
    let (log, chunks) = opened.map_err(|error| error.to_string())?;
    if log != begun.log {
        return Err(format!("the log became another one, {log}").into());
    }
    print("The events:\n")?;
    let key_is_needed = events(begun, chunks, claimed).await?;
    print("The views:\n")?;
    views(claimed, &config.registry).await?;
    if key_is_needed {
        key(config, claimed)?;
    }
    Ok(())
}

/// Copies the events. Returns whether people need the key to log in.
async fn events(
    begun: &ReplayBegun,
    mut chunks: Chunks,
    claimed: &Arc<Claimed>,
) -> Result<bool, Failure> {
    let failed = |error: CopyError| Failure::from(error.to_string());
    let path = claimed.new_log()?;
    let mut copy = blocking(claimed, move || LogCopy::create(&path))
        .await?
        .map_err(failed)?;
    let (mut bar, mut reached) = (Bar::new(), Place::start(begun.log));
    let mut key_is_needed = false;
    while reached.position < begun.position {
        let at = reached.position;
        let chunk = chunks.next().await;
        let chunk = chunk.ok_or_else(|| format!("the log ends at position {at} now"))?;
        let chunk = chunk.map_err(|error| error.to_string())?;
        let count = chunk.partition_point(|event| event.position <= begun.position);
        let part = chunk.get(..count).unwrap_or_default();
        key_is_needed |= part.iter().any(needs_key);
        reached = part.last().map_or(reached, |last| reached.at(last));
        let add = move || {
            let added = copy.add(chunk.get(..count).unwrap_or_default());
            added.map(|()| copy)
        };
        copy = blocking(claimed, add).await?.map_err(failed)?;
        bar.reached(reached.position.get(), begun.position.get());
    }
    bar.end();
    if leaf_hex(&reached.leaf) != begun.leaf {
        return Err("the log became another one while it was copied".into());
    }
    blocking(claimed, || copy.finish()).await?.map_err(failed)?;
    Ok(key_is_needed)
}

/// Builds the views of what was copied.
async fn views(claimed: &Arc<Claimed>, registry: &Registry) -> Result<(), Failure> {
    let path = claimed.log();
    let log = blocking(claimed, move || SqliteLog::open(&path)).await?;
    let log: Arc<dyn EventStore> = Arc::new(log.map_err(|error| error.to_string())?);
    let bar = Arc::new(Mutex::new(Bar::new()));
    let (shown, held) = (Arc::clone(&bar), Arc::clone(claimed));
    let told = move |position: Position, head: Position| {
        // Whoever builds has the folder.
        let _ = &held;
        if let Ok(mut bar) = shown.lock() {
            bar.reached(position.get(), head.get());
        }
    };
    let (folder, store) = (claimed.new_views()?, Arc::clone(&log));
    let built = rebuild_offline(&folder, store, registry, None, None, told).await;
    log.close().await;
    if let Ok(bar) = bar.lock() {
        bar.end();
    }
    match built {
        Ok(_) => Ok(()),
        Err(ViewsError::Poison { position, reason }) => Err(format!(
            "this version of the program does not understand the event at position {position} ({reason}): is the log of a \
             newer one?"
        )
        .into()),
        Err(error) => Err(error.to_string().into()),
    }
}

/// The key that authenticator apps are checked with, as text.
fn key_text(config: &Config) -> std::io::Result<String> {
    match &config.secret_key {
        Some(key) => Ok(key.reveal().to_owned()),
        None => std::fs::read_to_string(DataDir::secret_key_of(&config.data_dir)),
    }
}

/// Whether the key can be copied if it is needed, as far as there is one: whether it is can be told only once everything
/// is copied.
pub(super) fn check_key(config: &Config) -> Result<(), Failure> {
    match key_text(config).map(|text| Vault::from_text(&text)) {
        Ok(Err(error)) => Err(error.to_string().into()),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

/// Copies the key that authenticator apps are checked with.
fn key(config: &Config, claimed: &Claimed) -> Result<(), Failure> {
    let text = match key_text(config) {
        Ok(text) => text,
        Err(error) => {
            // Whoever has no authenticator app can log in all the same.
            eprintln!(
                "{}: nobody can log in with an authenticator app, because the key cannot be read: {error}",
                program::name()
            );
            return Ok(());
        }
    };
    let path = claimed.new_secret_key()?;
    write_private(&path, text.as_bytes())
        .map_err(|error| format!("{} cannot be written: {error}", path.display()).into())
}

/// Does what blocks. The folder is let go only when that has ended, whether or not somebody still waits for it.
async fn blocking<T: Send + 'static>(
    claimed: &Arc<Claimed>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let held = Arc::clone(claimed);
    let done = spawn_blocking(move || {
        let done = work();
        drop(held);
        done
    });
    done.await.map_err(|error| error.to_string().into())
}
