//! Finding the database, and making sure that it is one the log can live in.

use std::time::Duration;

use ::mongodb::bson::raw::RawDocumentBuf;
use ::mongodb::bson::{DateTime, Document, doc};
use ::mongodb::error::{Error, ErrorKind};
use ::mongodb::options::{
    Acknowledgment, ClientOptions, IndexOptions, ReadConcern, ReadPreference, SelectionCriteria,
    WriteConcern,
};
use ::mongodb::{Client, Database, IndexModel};

use super::MongoOptions;
use super::document;
use super::failure::{Censor, Failure};
use crate::{LogId, OpenError};

/// The events, one document each.
pub(super) const EVENTS: &str = "events";
/// Last versions: one document per stream, named by the stream, and the log's own under [`LOG_HEAD`].
pub(super) const HEADS: &str = "heads";
/// What this database is.
pub(super) const META: &str = "meta";

/// `_id` of the log's own head. A number, so that no stream can have that name.
pub(super) const LOG_HEAD: i32 = 0;

/// Index that orders events by position.
pub(super) const BY_POSITION: &str = "position";
/// Index that orders the events of each stream by version.
pub(super) const BY_STREAM: &str = "stream_version";
/// Index that orders events by time, and those of one time by position.
pub(super) const BY_TIME: &str = "recorded_at";

const DEFAULT_DATABASE: &str = "hansard";
/// What [`META`] says a database of ours is.
const APPLICATION: &str = "hansard";
/// Number of the shape of the documents. A reader refuses higher ones.
const FORMAT: i32 = 1;
/// MongoDB 5.0: the first to take field names with dots and dollars in documents.
const MIN_WIRE_VERSION: i32 = 13;
/// A server that hangs instead of refusing is given up on after this many server selections.
const PATIENCE: u32 = 3;

/// A database that the log can live in.
pub(super) struct Connected {
    pub(super) client: Client,
    pub(super) database: Database,
    pub(super) censor: Censor,
    /// Database, hosts and replica set, without secrets.
    pub(super) describe: String,
    /// Which log it is.
    pub(super) id: LogId,
}

/// What is done with a database beside reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// It is laid out if it is not, and written.
    ReadWrite,
    /// Nothing.
    ReadOnly,
}

/// Connects, checks that transactions and majority writes are available, and lays out the collections.
pub(super) async fn connect(
    url: &str,
    options: &MongoOptions,
    access: Access,
) -> Result<Connected, OpenError> {
    let censor = Censor::for_url(url);
    let unusable = |error: Error| {
        let reason = reason(&censor, &error);
        OpenError::Unsuitable(format!("the MongoDB URL is not usable: {reason}"))
    };
    // Looks up names where the URL begins with `mongodb+srv`.
    let parsed = tokio::time::timeout(
        options.server_selection * PATIENCE,
        ClientOptions::parse(url),
    );
    let mut client_options = parsed
        .await
        .map_err(|_| {
            OpenError::Unavailable("the name in the MongoDB URL cannot be looked up".to_owned())
        })?
        .map_err(unusable)?;
    let selection = *client_options
        .server_selection_timeout
        .get_or_insert(options.server_selection);
    client_options
        .connect_timeout
        .get_or_insert(options.server_selection);
    client_options
        .app_name
        .get_or_insert_with(|| APPLICATION.to_owned());
    // The log's promises do not depend on what the URL asks for.
    client_options.selection_criteria =
        Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
    client_options.read_concern = Some(ReadConcern::majority());
    client_options.write_concern = Some(durable());
    let hosts = client_options
        .hosts
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    let name = client_options
        .default_database
        .clone()
        .unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
    if ["admin", "local", "config"].contains(&name.as_str()) {
        return Err(OpenError::Unsuitable(format!(
            "the MongoDB URL names the database {name}, which belongs to MongoDB itself; name another one, and if {name} \
             is where the user is defined, add authSource={name}"
        )));
    }
    let client = Client::with_options(client_options).map_err(unusable)?;
    let database = client.database(&name);
    let prepare = async {
        let hello = database
            .run_command(doc! { "hello": 1 })
            .await
            .map_err(|error| unreachable(&censor, &hosts, &error))?;
        check_server(&hello, &hosts)?;
        match access {
            Access::ReadWrite => lay_out(&database, &censor, options.make).await?,
            Access::ReadOnly => {
                let claim = claim(&database).await;
                let claim = claim.map_err(|error| unreachable(&censor, &hosts, &error))?;
                check_claim(&claim.unwrap_or_default(), &name)?;
            }
        }
        let id = identity(&database).await.map_err(|error| {
            OpenError::Unavailable(format!(
                "cannot tell which log is in MongoDB database {name}: {}",
                reason(&censor, &error)
            ))
        })?;
        Ok((hello, id))
    };
    let (hello, id) = tokio::time::timeout(selection * PATIENCE, prepare)
        .await
        .unwrap_or_else(|_| {
            Err(OpenError::Unavailable(format!(
                "MongoDB at {hosts} does not answer"
            )))
        })?;
    let set = hello.get_str("setName").map_or_else(
        |_| "sharded cluster".to_owned(),
        |set| format!("replica set {set}"),
    );
    Ok(Connected {
        client,
        database,
        censor,
        describe: format!("MongoDB database {name} at {hosts} ({set})"),
        id,
    })
}

/// What every write waits for: on the disks of a majority.
pub(super) fn durable() -> WriteConcern {
    WriteConcern::builder()
        .w(Acknowledgment::Majority)
        .journal(true)
        .w_timeout(Duration::from_secs(10))
        .build()
}

/// Whether a server that says `hello` can carry the log.
fn check_server(hello: &Document, hosts: &str) -> Result<(), OpenError> {
    let in_replica_set = hello.get_str("setName").is_ok();
    let sharded = hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid");
    if !in_replica_set && !sharded {
        return Err(OpenError::Unsuitable(format!(
            "MongoDB at {hosts} is not a replica set, and only a replica set has the transactions Hansard needs. One \
             member is enough: start it with `mongod --replSet rs0`, run `rs.initiate()` once in mongosh, and connect \
             with `?replicaSet=rs0` at the end of the URL"
        )));
    }
    let wire_version = hello.get_i32("maxWireVersion").unwrap_or(0);
    if wire_version < MIN_WIRE_VERSION {
        return Err(OpenError::Unsuitable(format!(
            "MongoDB at {hosts} is too old; Hansard needs MongoDB 5.0 or newer"
        )));
    }
    Ok(())
}

/// What the database says it is.
async fn claim(database: &Database) -> Result<Option<Document>, Error> {
    let meta = database.collection::<Document>(META);
    meta.find_one(doc! { "_id": "log" }).await
}

/// Claims the database and makes sure of the indexes and of the log's head.
async fn lay_out(database: &Database, censor: &Censor, make: bool) -> Result<(), OpenError> {
    let failed = |error: Error| {
        OpenError::Unavailable(format!(
            "cannot prepare MongoDB database {}: {}",
            database.name(),
            reason(censor, &error)
        ))
    };
    // Listed before the claim is looked up: a node that starts at the same time claims first and fills later.
    let present = database.list_collection_names().await.map_err(failed)?;
    let meta = database.collection::<Document>(META);
    let mut claim = claim(database).await.map_err(failed)?;
    if claim.is_none() {
        refuse_foreign(&present, database.name())?;
        if !make {
            return Err(OpenError::Unavailable(format!(
                "there is no log in the MongoDB database {} yet: look at the name in MONGO_URL; the server makes a log when it \
                 first starts",
                database.name()
            )));
        }
        let ours = doc! { "_id": "log", "application": APPLICATION, "format": FORMAT, "created_at": DateTime::now() };
        match meta.insert_one(&ours).await {
            Ok(_) => claim = Some(ours),
            Err(error) if matches!(censor.failure(&error), Failure::Duplicate(_)) => {
                claim = meta.find_one(doc! { "_id": "log" }).await.map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
    }
    check_claim(&claim.unwrap_or_default(), database.name())?;

    let unique = |keys: Document, name: &str| {
        let options = IndexOptions::builder()
            .name(name.to_owned())
            .unique(true)
            .build();
        IndexModel::builder().keys(keys).options(options).build()
    };
    let by_time = IndexOptions::builder().name(BY_TIME.to_owned()).build();
    database
        .collection::<Document>(EVENTS)
        .create_indexes([
            unique(doc! { "position": 1 }, BY_POSITION),
            unique(doc! { "stream": 1, "version": 1 }, BY_STREAM),
            IndexModel::builder()
                .keys(doc! { "recorded_at": 1, "position": 1 })
                .options(by_time)
                .build(),
        ])
        .await
        .map_err(failed)?;

    let heads = database.collection::<Document>(HEADS);
    if heads
        .find_one(doc! { "_id": LOG_HEAD })
        .await
        .map_err(failed)?
        .is_none()
    {
        if let Some(event) = database
            .collection::<Document>(EVENTS)
            .find_one(doc! {})
            .await
            .map_err(failed)?
        {
            return Err(OpenError::Foreign(format!(
                "MongoDB database {} has events (such as the one at position {}) but no head; it is damaged",
                database.name(),
                event
                    .get("position")
                    .map_or_else(|| "?".to_owned(), ToString::to_string),
            )));
        }
        let start = doc! { "_id": LOG_HEAD, "position": 0_i64, "recorded_at": DateTime::from_millis(0), "group": "" };
        match heads.insert_one(start).await {
            Err(error) if !matches!(censor.failure(&error), Failure::Duplicate(_)) => {
                return Err(failed(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Which log the database holds. A log without an identity is given one; of several nodes that do so, one wins.
pub(super) async fn identity(database: &Database) -> Result<LogId, Error> {
    let meta = database.collection::<RawDocumentBuf>(META);
    let find = || async {
        let claim = meta.find_one(doc! { "_id": "log" }).await?;
        Ok::<_, Error>(claim.and_then(|claim| document::uuid(&claim, "id").ok().map(LogId)))
    };
    if let Some(id) = find().await? {
        return Ok(id);
    }
    let fresh = document::uuid_binary(&LogId::fresh().0);
    meta.update_one(
        doc! { "_id": "log", "id": { "$exists": false } },
        doc! { "$set": { "id": fresh } },
    )
    .await?;
    find()
        .await?
        .ok_or_else(|| Error::custom("the log's own document is missing"))
}

/// Refuses a database without our claim that already holds something.
fn refuse_foreign(present: &[String], name: &str) -> Result<(), OpenError> {
    match present
        .iter()
        .find(|collection| *collection != META && !collection.starts_with("system."))
    {
        None => Ok(()),
        Some(collection) => Err(OpenError::Foreign(format!(
            "MongoDB database {name} belongs to something else: it holds the collection {collection} and is not marked as \
             a Hansard log. Name another database in the path of the URL"
        ))),
    }
}

fn check_claim(claim: &Document, name: &str) -> Result<(), OpenError> {
    if claim
        .get_str("application")
        .is_ok_and(|application| application != APPLICATION)
    {
        return Err(OpenError::Foreign(format!(
            "MongoDB database {name} belongs to something else"
        )));
    }
    match claim.get_i32("format") {
        Ok(FORMAT) => Ok(()),
        Ok(format) if format > FORMAT => Err(OpenError::Foreign(format!(
            "MongoDB database {name} was written by a newer Hansard (log format {format}; this one knows up to {FORMAT})"
        ))),
        _ => Err(OpenError::Foreign(format!(
            "MongoDB database {name} does not hold a Hansard log of a known format"
        ))),
    }
}

/// The driver's own words, without secrets.
fn reason(censor: &Censor, error: &Error) -> String {
    censor.failure(error).text().to_owned()
}

fn unreachable(censor: &Censor, hosts: &str, error: &Error) -> OpenError {
    let reason = reason(censor, error);
    OpenError::Unavailable(match &*error.kind {
        ErrorKind::Authentication { .. } => {
            format!("MongoDB at {hosts} does not accept the user of the URL: {reason}")
        }
        ErrorKind::Command(command) if command.code == 18 => {
            format!("MongoDB at {hosts} does not accept the user of the URL: {reason}")
        }
        _ => format!(
            "cannot reach a writable MongoDB at {hosts}: {reason}. Is it running, is the replicaSet of the URL its name, and \
             has the replica set been initiated with `rs.initiate()`?"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_replica_sets_and_sharded_clusters_will_do() {
        let alone = doc! { "maxWireVersion": 21 };
        let error = check_server(&alone, "db:1").unwrap_err();
        assert!(
            matches!(&error, OpenError::Unsuitable(text) if text.contains("--replSet") && text.contains("db:1"))
        );
        let old = doc! { "setName": "rs0", "maxWireVersion": 9 };
        assert!(
            matches!(check_server(&old, ""), Err(OpenError::Unsuitable(text)) if text.contains("5.0"))
        );
        check_server(&doc! { "setName": "rs0", "maxWireVersion": 13 }, "").unwrap();
        check_server(&doc! { "msg": "isdbgrid", "maxWireVersion": 21 }, "").unwrap();
    }

    #[test]
    fn a_claim_must_be_ours_and_not_from_the_future() {
        check_claim(&doc! { "application": "hansard", "format": 1 }, "db").unwrap();
        for (claim, words) in [
            (
                doc! { "application": "hansard", "format": 2 },
                "newer Hansard",
            ),
            (
                doc! { "application": "other", "format": 1 },
                "something else",
            ),
            (doc! {}, "known format"),
        ] {
            let error = check_claim(&claim, "db").unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_filled_database_is_not_taken_over() {
        refuse_foreign(&[], "db").unwrap();
        refuse_foreign(&["meta".into(), "system.views".into()], "db").unwrap();
        assert!(refuse_foreign(&["users".into()], "db").is_err());
    }
}
