//! Backups of a log, taken and restored past the server, as operators do it.

use std::fs;

use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, doc};

use crate::mongo::MongoServer;
use crate::server::Server;

/// What makes up a log at one moment.
#[derive(Debug)]
pub enum Backup {
    /// The embedded file.
    File(Vec<u8>),
    /// The documents of each collection.
    Database(Vec<(String, Vec<Document>)>),
}

impl Backup {
    /// Takes a backup. The embedded log can only be copied while no server runs on it.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn take(server: &Server) -> Self {
        let Some(url) = server.mongo_url() else {
            return Self::File(fs::read(server.data().join("log.db")).expect("the log"));
        };
        let database = MongoServer::database(&url).await;
        let mut collections = Vec::new();
        for name in database.list_collection_names().await.expect("names") {
            let found = database.collection::<Document>(&name).find(doc! {}).await;
            let documents = found.expect("a cursor").try_collect().await;
            collections.push((name, documents.expect("documents")));
        }
        // A log is complete when its head is there.
        collections.sort_by_key(|(name, _)| name == "heads");
        Self::Database(collections)
    }

    /// Puts the log back to what it was.
    ///
    /// # Panics
    /// When it cannot be written.
    pub async fn restore(&self, server: &Server) {
        let collections = match self {
            Self::File(bytes) => {
                for suffix in ["-wal", "-shm"] {
                    fs::remove_file(server.data().join(format!("log.db{suffix}"))).ok();
                }
                fs::write(server.data().join("log.db"), bytes).expect("write the log");
                return;
            }
            Self::Database(collections) => collections,
        };
        let database = MongoServer::database(&server.mongo_url().expect("a database")).await;
        for (name, _) in collections.iter().rev() {
            let collection = database.collection::<Document>(name);
            collection.delete_many(doc! {}).await.expect("delete");
        }
        for (name, documents) in collections {
            if !documents.is_empty() {
                let collection = database.collection::<Document>(name);
                collection.insert_many(documents).await.expect("insert");
            }
        }
    }
}
