//! What can be taken out.

use domain::data_export::DataExportEvent;

use super::words::Teller;

pub(super) fn data_export(teller: &Teller<'_>, event: &DataExportEvent) -> String {
    match event {
        DataExportEvent::DataExportRequested(event) => {
            let data = teller.of(&event.user, "data");
            let full = if event.full {
                " and of everything said in their rooms"
            } else {
                ""
            };
            teller.did(format_args!("asked for a copy of {data}{full}"))
        }
        DataExportEvent::DataExportCompleted(event) => {
            let data = teller.of(&event.user, "data");
            let size = event.size;
            teller.did(format_args!("made a copy of {data} ({size} bytes)"))
        }
        DataExportEvent::DataExportFailed(event) => {
            let data = teller.of(&event.user, "data");
            teller.did(format_args!("failed to make a copy of {data}"))
        }
    }
}
