//! `rsqlflow local`

use rsqlflow_local::Credentials;
use serde_json::json;

use crate::args::Local;
use crate::failure::{Failure, exit};
use crate::input::signals::Signals;
use crate::output::{JSON_VERSION, Printer};
use crate::place;
use crate::place::{Place, Serving};
use crate::runs::resume;

/// What goes wrong where nobody waits for an answer, such as an event that is dropped, is told here or nowhere.
fn log_to_stderr() {
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).with_target(false);
    // Only a second one of this process is refused.
    let _ = log.with_max_level(tracing::Level::WARN).try_init();
}

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// Where the endpoint cannot be started.
pub(crate) async fn local(args: &Local, printer: Printer) -> Result<u8, Failure> {
    log_to_stderr();
    let mut signals = Signals::listen()?;
    // What the last endpoint here left goes on, and needs its scripts.
    let scripts = args.scripts.clone().or_else(|| place::last_scripts(&args.embedded.place.state_dir));
    let scripts = scripts.unwrap_or_else(|| ".".into());
    let serving =
        Serving { embedded: &args.embedded, port: args.port, scripts: &scripts, authenticate: !args.no_auth };
    let place = Box::pin(Place::serve(serving)).await?;
    let url = place.url().to_owned();
    if printer.is_json() {
        let file = place.state_dir().map(Credentials::path);
        printer.json(&json!({ "version": JSON_VERSION, "endpoint_url": url, "credentials_file": file }));
    } else if let Some(keys) = place.credentials() {
        printer.data(&format!(
            "export AWS_ENDPOINT_URL={url} AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID={} \
             AWS_SECRET_ACCESS_KEY={}",
            keys.access_key_id(),
            keys.secret_access_key()
        ));
    }
    let whom = if args.no_auth { " to every user of this machine" } else { "" };
    let dir = args.embedded.place.state_dir.display();
    printer.notice(&format!("serving {url} from {dir}{whom}; Ctrl-C ends it"));
    tokio::select! {
        taken_up = resume::take_up_and_wait(&place, printer) => taken_up?,
        gone = place.gone() => {
            place.close().await;
            return Err(gone);
        }
        _ = signals.next() => {}
    }
    let left = place.store.workflows().running().await?;
    match left.first() {
        None => printer.notice("ending"),
        Some(first) => printer.notice(&format!(
            "ending with {} unfinished run(s), among them {}: they go on with the next endpoint on this directory; \
             scripts whose leases end before that are stopped",
            left.len(),
            first.workflow_execution_id
        )),
    }
    place.close().await;
    Ok(exit::OK)
}
