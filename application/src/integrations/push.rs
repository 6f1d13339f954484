//! Devices that are to be notified of messages.

use domain::push::{self, Platform, Push, PushCommand, PushTokenRegistered};
use domain::settings::keys;
use domain::{TokenHash, UserId};
use eventstore::ExecuteError;
use projections::PushRecord;

use crate::caller::Caller;
use crate::error::{Error, Refusal};
use crate::identity::credentials;
use crate::ids::{fresh_id, now};
use crate::token::token_hash;
use crate::workspace::Workspace;

/// The purpose that the address of a device is sealed for.
fn purpose(id: &str) -> String {
    format!("push/{id}")
}

/// A device as it registers.
#[derive(Clone, Debug)]
pub struct Device<'a> {
    /// The id it wants its record to have.
    pub id: Option<&'a str>,
    /// The push service that reaches it.
    pub platform: Platform,
    /// Its address at that service.
    pub address: &'a str,
    /// The app on the device that registers it.
    pub app_name: &'a str,
}

/// Makes or renews the record of the caller's device, and returns its id. The device has no other record then: a phone
/// that changed hands gets what its new owner gets. Its other records are read from the views, because a device
/// registers once at a time.
pub async fn register(
    workspace: &Workspace,
    caller: &Caller,
    device: &Device<'_>,
) -> Result<String, Error> {
    let views = workspace.views();
    let fingerprint = token_hash(device.address);
    let same: Vec<PushRecord> = views
        .push_tokens_with(&fingerprint)
        .await?
        .into_iter()
        .filter(|record| record.app_name == device.app_name)
        .collect();
    let own = |record: &&PushRecord| record.user == *caller.id();
    let named = match device.id {
        Some(id) => views.push_token(id).await?,
        None => None,
    };
    let id = match (&named, device.id) {
        (Some(record), _) if own(&record) => record.id.clone(),
        // Another user's record stays theirs.
        (None, Some(id)) if !id.is_empty() => id.to_owned(),
        _ => same
            .iter()
            .find(own)
            .map_or_else(fresh_id, |record| record.id.clone()),
    };
    match record(workspace, caller, device, &fingerprint, &id, &same).await {
        // The id once belonged to another user.
        Ok(false) => {
            let id = fresh_id();
            record(workspace, caller, device, &fingerprint, &id, &same).await?;
            Ok(id)
        }
        outcome => outcome.map(|_| id),
    }
}

/// Returns whether the record could have that id.
async fn record(
    workspace: &Workspace,
    caller: &Caller,
    device: &Device<'_>,
    fingerprint: &TokenHash,
    id: &str,
    same: &[PushRecord],
) -> Result<bool, Error> {
    let at = now();
    let wish = PushTokenRegistered {
        id: id.to_owned(),
        user: caller.id().clone(),
        platform: device.platform,
        token: workspace.vault().seal(&purpose(id), device.address),
        fingerprint: fingerprint.clone(),
        app_name: device.app_name.to_owned(),
        session: caller.token.clone(),
        at,
    };
    workspace
        .run(caller.id(), async |tx| {
            let register = PushCommand::Register(Box::new(wish.clone()));
            // A device is notified as long as its login lasts, so that login must be good.
            credentials::must_be_good(&tx, caller).await?;
            match tx.decide::<Push>(&push::stream(id), register, &()).await {
                Ok(_) => {}
                Err(ExecuteError::Refused(_)) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
            for other in same.iter().filter(|other| other.id != id) {
                let remove = PushCommand::Remove {
                    id: other.id.clone(),
                    at,
                };
                tx.decide::<Push>(&push::stream(&other.id), remove, &())
                    .await?;
            }
            Ok(true)
        })
        .await
}

/// Removes the user's records of the device with that address, and returns how many there were.
pub async fn forget(workspace: &Workspace, user: &UserId, address: &str) -> Result<usize, Error> {
    let records: Vec<PushRecord> = workspace
        .views()
        .push_tokens_with(&token_hash(address))
        .await?
        .into_iter()
        .filter(|record| record.user == *user)
        .collect();
    let at = now();
    workspace
        .run(user, async |tx| {
            for record in &records {
                let remove = PushCommand::Remove {
                    id: record.id.clone(),
                    at,
                };
                tx.decide::<Push>(&push::stream(&record.id), remove, &())
                    .await?;
            }
            Ok(())
        })
        .await?;
    Ok(records.len())
}

/// The address of a device; empty if it was sealed with another key.
pub fn address(workspace: &Workspace, record: &PushRecord) -> String {
    workspace
        .vault()
        .open(&purpose(&record.id), &record.token)
        .unwrap_or_default()
}

/// Why the caller's devices are not notified.
pub async fn why_not_notified(workspace: &Workspace, caller: &Caller) -> Result<Refusal, Error> {
    let views = workspace.views();
    Ok(if !views.settings().bool(keys::PUSH_ENABLE) {
        Refusal::PushOff
    } else if views.push_tokens_of(caller.id()).await?.is_empty() {
        Refusal::NoDevices
    } else {
        Refusal::PushNotDelivered
    })
}
