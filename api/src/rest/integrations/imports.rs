//! Importing from other chat servers: what clients ask for. This server includes no importer (contract, admin 14).

use domain::permission::Permission;
use serde_json::{Map, Value};

use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Document, Loose, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    let refused = wording::import_not_allowed;
    vec![
        route::post("uploadImportFile", |_, file: UploadFile| async move {
            no_importer(&file.importer_key)
        })
        .about("Sends what is to be imported.")
        .needs_or(RUN, refused),
        route::post(
            "downloadPublicImportFile",
            |_, file: DownloadFile| async move { no_importer(&file.importer_key) },
        )
        .about("Says where what is to be imported can be fetched.")
        .needs_or(RUN, refused),
        route::get("getImportFileData", |_| async {
            no_import("getImportFileData")
        })
        .about("What can be imported.")
        .needs_or(RUN, refused),
        route::post("startImport", |_, _: StartImport| async {
            no_import("startImport")
        })
        .about("Imports what was chosen.")
        .needs_or(RUN, refused),
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

#[derive(Parameters)]
#[params(open)]
struct UploadFile {
    importer_key: String,
    /// In base64.
    _binary_content: Loose<Document>,
    _content_type: Loose<String>,
    _file_name: Loose<String>,
}

#[derive(Parameters)]
#[params(open)]
struct DownloadFile {
    importer_key: String,
    _file_url: Loose<String>,
}

fn no_importer(key: &str) -> Outcome {
    let known = IMPORTERS.contains(&key);
    tracing::debug!(key, known, "an import was asked for");
    Err(wording::importer_not_defined(key))
}

#[derive(Parameters)]
#[params(open)]
struct StartImport {
    /// Who and what was chosen.
    _input: Loose<Map<String, Value>>,
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
