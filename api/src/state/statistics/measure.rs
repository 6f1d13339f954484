use std::sync::Arc;
use std::time::Duration;

use application::dates::{from_iso, iso};
use application::ids::{fresh_id, now};
use application::people::document::Doc;
use bytes::Bytes;
use domain::settings::keys;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::errors::ApiError;
use crate::state::AppState;
use crate::telemetry::host::Machine;

/// Where snapshots lie in the file store.
const KEY: &str = "statistics/snapshots.json";

/// How many snapshots are kept: more than a year of days.
const KEPT: usize = 400;

/// How often a snapshot is taken without a request.
const INTERVAL: Duration = Duration::from_hours(24);

/// Takes and keeps snapshots until `stop`.
pub async fn run(state: AppState, stop: CancellationToken) {
    let Ok(mut orders) = state.statistics().waiting.try_lock() else {
        return;
    };
    *state.statistics().snapshots.write() = kept(&state).await;
    let mut daily = tokio::time::interval(INTERVAL);
    // The first tick is at once; one was just taken if the server was restarted within a day.
    if state
        .statistics()
        .newest()
        .is_some_and(|doc| is_recent(&doc))
    {
        daily.reset();
    }
    loop {
        let order = tokio::select! {
            () = stop.cancelled() => return,
            _ = daily.tick() => None,
            order = orders.recv() => match order {
                Some(order) => Some(order),
                None => return,
            },
        };
        let taken = take(&state).await;
        if let Err(error) = &taken {
            tracing::warn!(%error, "no statistics could be taken");
        }
        if let Some(order) = order {
            // The caller may be gone.
            let _ = order.send(taken);
        }
    }
}

fn is_recent(doc: &Doc) -> bool {
    let taken = doc.get("createdAt").and_then(Value::as_str);
    taken.and_then(from_iso).is_some_and(|at| {
        u128::try_from(now().millis_since(at)).is_ok_and(|age| age < INTERVAL.as_millis())
    })
}

async fn kept(state: &AppState) -> Vec<Arc<Doc>> {
    match state.files().read(KEY).await {
        Ok(Some(bytes)) => serde_json::from_slice::<Vec<Doc>>(&bytes)
            .unwrap_or_default()
            .into_iter()
            .map(Arc::new)
            .collect(),
        Ok(None) => Vec::new(),
        Err(error) => {
            tracing::warn!(%error, "earlier statistics cannot be read");
            Vec::new()
        }
    }
}

async fn take(state: &AppState) -> Result<Arc<Doc>, ApiError> {
    let doc = Arc::new(measure(state).await?);
    let bytes = {
        let mut snapshots = state.statistics().snapshots.write();
        snapshots.push(Arc::clone(&doc));
        let surplus = snapshots.len().saturating_sub(KEPT);
        snapshots.drain(..surplus);
        let all: Vec<&Doc> = snapshots.iter().map(AsRef::as_ref).collect();
        serde_json::to_vec(&all).unwrap_or_default()
    };
    if let Err(error) = state.files().write(KEY, Bytes::from(bytes)).await {
        tracing::warn!(%error, "statistics cannot be kept");
    }
    Ok(doc)
}

async fn measure(state: &AppState) -> Result<Doc, ApiError> {
    let views = state.views();
    let figures = views.figures().await?;
    let settings = views.settings();
    let (online, away, busy) = state.presence().counts();
    let there = online + away + busy;
    let machine = Machine::look().await;
    let (rooms, messages) = [figures.channels, figures.groups, figures.directs]
        .iter()
        .fold((0, 0), |sum, kind| (sum.0 + kind.0, sum.1 + kind.1));
    let custom_roles = views
        .roles()
        .iter()
        .filter(|(_, role)| !role.protected)
        .count();
    let counters = state.statistics().counters.lock().clone();
    let counted = json!({
        "_id": fresh_id(),
        "createdAt": iso(now()),
        "wizard": {
            "organizationType": settings.get(keys::ORGANIZATION_TYPE.id()),
            "organizationName": settings.get(keys::ORGANIZATION_NAME.id()),
            "industry": settings.get(keys::INDUSTRY.id()),
            "size": settings.get(keys::SIZE.id()),
            "country": settings.get(keys::COUNTRY.id()),
            "language": settings.get(keys::LANGUAGE.id()),
        },
        "uniqueId": settings.get(keys::UNIQUE_ID.id()),
        "installedAt": views.oldest_account().await?.map(iso),
        "version": state.doors().announced_version,
        "totalUsers": figures.users,
        "activeUsers": figures.active_users,
        "activeGuests": figures.active_guests,
        "nonActiveUsers": figures.users - figures.active_users,
        "appUsers": figures.app_users,
        "onlineUsers": online,
        "awayUsers": away,
        "busyUsers": busy,
        "totalConnectedUsers": online + away,
        "offlineUsers": figures.users.saturating_sub(there),
        "userLanguages": figures.languages,
        "totalRooms": rooms,
        "totalChannels": figures.channels.0,
        "totalPrivateGroups": figures.groups.0,
        "totalDirect": figures.directs.0,
        "totalLivechat": 0,
        "totalDiscussions": figures.discussions,
        "totalBroadcastRooms": figures.broadcast_rooms,
        "totalE2ERooms": figures.encrypted_rooms,
        "totalChannelMessages": figures.channels.1,
        "totalPrivateGroupMessages": figures.groups.1,
        "totalDirectMessages": figures.directs.1,
        "totalLivechatMessages": 0,
        "totalMessages": messages,
        "totalCustomUserStatus": figures.custom_statuses,
        "totalCustomRoles": custom_roles,
        "totalCustomEmojis": figures.emoji,
        "totalCustomSounds": figures.sounds,
        "totalThreads": figures.threads,
        "totalUserTOTP": figures.totp_users,
        "totalUserEmail2fa": figures.email_factor_users,
        "totalLivechatVisitors": 0,
        "totalLivechatAgents": 0,
        "livechatEnabled": false,
        "totalOpenReports": figures.open_reports,
    });
    let told = json!({
        "federatedServers": 0,
        "federatedUsers": 0,
        "lastLogin": figures.last_login.map(iso),
        "lastMessageSentAt": figures.last_message.map(iso),
        "lastSeenSubscription": figures.last_seen.map(iso),
        // Every file the log knows of: pictures of users and rooms, emoji, sounds, the workspace's own pictures.
        "uploadsTotal": figures.files.0,
        "uploadsTotalSize": figures.files.1,
        // This one; nodes of one workspace do not know of each other.
        "instanceCount": 1,
        "integrations": {
            "totalIntegrations": 0, "totalIncoming": 0, "totalIncomingActive": 0, "totalOutgoing": 0,
            "totalOutgoingActive": 0, "totalWithScriptEnabled": 0,
        },
        "pushQueue": 0,
        "oplogEnabled": false,
        "migration": { "version": 0, "locked": false },
        "deploy": { "method": "binary", "platform": std::env::consts::OS },
        "enterpriseReady": false,
        "enterprise": { "modules": [], "tags": [], "seatRequests": 0 },
        "teams": { "totalTeams": 0 },
        "videoConf": {},
        "apps": { "engineVersion": "", "enabled": false, "totalInstalled": 0, "totalActive": 0, "totalFailed": 0 },
        "counters": counters,
        "os": {
            "type": std::env::consts::OS,
            "platform": std::env::consts::OS,
            "arch": std::env::consts::ARCH,
            "release": machine.release,
            "uptime": machine.uptime,
            "loadavg": machine.load,
            "totalmem": machine.memory,
            "freemem": machine.free_memory,
            "cpus": vec![json!({ "model": std::env::consts::ARCH }); machine.processors],
        },
        "process": {
            "nodeVersion": "",
            "pid": std::process::id(),
            "uptime": now().millis_since(state.started_at()) / 1000,
        },
    });
    match (without_nulls(counted), without_nulls(told)) {
        (Value::Object(mut doc), Value::Object(told)) => {
            doc.extend(told);
            Ok(doc)
        }
        _ => Err(ApiError::Internal),
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, without_nulls(value)))
                .collect(),
        ),
        other => other,
    }
}
