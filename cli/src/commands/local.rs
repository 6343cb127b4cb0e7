//! `rsqlflow local`

use serde_json::json;

use crate::args::Local;
use crate::error::Failure;
use crate::place::Place;
use crate::printer::Printer;
use crate::signals::Signals;
use crate::{exit, orphans};

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// Where the endpoint cannot be started.
pub(crate) async fn local(args: &Local, printer: Printer) -> Result<u8, Failure> {
    let mut signals = Signals::listen()?;
    let place = Box::pin(Place::start(&args.embedded, args.port, &args.scripts)).await?;
    let url = place.url().to_owned();
    if printer.is_json() {
        printer.json(&json!({ "version": crate::report::JSON_VERSION, "endpoint_url": url }));
    } else {
        printer.data(&format!(
            "export AWS_ENDPOINT_URL={url} AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local"
        ));
    }
    printer
        .notice(&format!("serving {url} from {}; Ctrl-C ends it", args.embedded.place.state_dir.display()));
    tokio::select! {
        closed = orphans::close_and_wait(&place, printer) => closed?,
        () = signals.next() => {}
    }
    let unfinished = place.store.workflows().running().await?;
    match unfinished.first() {
        None => printer.notice("ending"),
        Some(first) => printer.notice(&format!(
            "ending with {} unfinished run(s), among them {}: their scripts are stopped when their leases end, and \
             the next endpoint on this directory closes them",
            unfinished.len(),
            first.workflow_execution_id
        )),
    }
    place.close().await;
    Ok(exit::OK)
}
