//! Importing from other chat servers: what clients ask for. This server includes no importer (contract, admin 14).

use domain::permission::Permission;
use serde_json::Value;

use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    let refused = wording::import_not_allowed;
    let file = &[
        ("importerKey", Kind::Text),
        ("fileUrl", Kind::Text),
        ("fileName", Kind::Text),
        ("contentType", Kind::Text),
        ("binaryContent", Kind::Document),
    ];
    vec![
        route::post("uploadImportFile", import_file)
            .about("Sends what is to be imported.")
            .needs_or(RUN, refused)
            .knows(file),
        route::post("downloadPublicImportFile", import_file)
            .about("Says where what is to be imported can be fetched.")
            .needs_or(RUN, refused)
            .knows(file),
        route::get("getImportFileData", |_| async {
            no_import("getImportFileData")
        })
        .about("What can be imported.")
        .needs_or(RUN, refused),
        route::post("startImport", |_| async { no_import("startImport") })
            .about("Imports what was chosen.")
            .needs_or(RUN, refused)
            .knows(&[("input", Kind::Object)]),
        route::get("getImportProgress", |_| async {
            no_import("getImportProgress")
        })
        .about("How far an import is.")
        .needs_or(RUN, refused),
        route::get("getLatestImportOperations", import_operations)
            .about("The last imports.")
            .needs_or(
                &[Permission::VIEW_IMPORT_OPERATIONS, Permission::RUN_IMPORT],
                refused,
            )
            .answers_bare(Kind::List),
        route::get("getCurrentImportOperation", |_| async {
            no_import("getCurrentImportOperation")
        })
        .about("The import that runs.")
        .needs(RUN),
        route::post("downloadPendingFiles", import_pending)
            .about("Fetches files that an import left out.")
            .needs(RUN)
            .answers(&[("count", Kind::Number)]),
        route::post("downloadPendingAvatars", import_pending)
            .about("Fetches pictures that an import left out.")
            .needs(RUN)
            .answers(&[("count", Kind::Number)]),
    ]
}

const RUN: &[Permission] = &[Permission::RUN_IMPORT];

/// The importers that clients know.
const IMPORTERS: [&str; 6] = [
    "csv",
    "slack",
    "slack-users",
    "hipchat-enterprise",
    "pending-files",
    "pending-avatars",
];

/// `POST /api/v1/uploadImportFile` and `downloadPublicImportFile`.
async fn import_file(call: Call) -> Outcome {
    let params = call.input.params()?;
    let key = params.required("importerKey")?;
    let known = IMPORTERS.contains(&key);
    tracing::debug!(key, known, "an import was asked for");
    Err(wording::importer_not_defined(key))
}

/// `GET /api/v1/getImportFileData`, `getImportProgress`, `getCurrentImportOperation`, `POST startImport`: nothing is
/// being imported.
fn no_import(method: &'static str) -> Outcome {
    Err(wording::import_operation_not_found(method))
}

/// `GET /api/v1/getLatestImportOperations`: a bare list.
async fn import_operations(_: Call) -> Outcome {
    Ok(Answer::bare(&Value::Array(Vec::new())))
}

/// `POST /api/v1/downloadPendingFiles` and `downloadPendingAvatars`: nothing was imported, so nothing is pending.
async fn import_pending(_: Call) -> Outcome {
    Ok(Answer::empty().field("count", &0))
}
