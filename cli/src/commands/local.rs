//! `rsqlflow local`

use rsqlflow_local::Credentials;
use serde_json::json;

use crate::args::Local;
use crate::backend;
use crate::backend::{Backend, Serving};
use crate::failure::{Failure, exit};
use crate::input::signals::Signals;
use crate::output::{JSON_VERSION, Printer, counted};
use crate::runs::resume;

/// Errors without a caller, such as a dropped event, are written to the log only.
fn log_to_stderr() {
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).with_target(false);
    // Fails only if this process set a subscriber before.
    let _ = log.with_max_level(tracing::Level::WARN).try_init();
}

/// Serves the endpoint until Ctrl-C or SIGTERM.
///
/// # Errors
/// The endpoint cannot be started.
pub(crate) async fn local(args: &Local, printer: Printer) -> Result<u8, Failure> {
    log_to_stderr();
    let mut signals = Signals::listen()?;
    // Runs that the last endpoint left unfinished continue, and need its scripts.
    let scripts = args.scripts.clone().or_else(|| backend::last_scripts(&args.embedded.backend.state_dir));
    let scripts = scripts.unwrap_or_else(|| ".".into());
    let serving =
        Serving { embedded: &args.embedded, port: args.port, scripts: &scripts, authenticate: !args.no_auth };
    let backend = Box::pin(Backend::serve(serving)).await?;
    let url = backend.url().to_owned();
    if printer.is_json() {
        let file = backend.state_dir().map(Credentials::path);
        printer.json(&json!({ "version": JSON_VERSION, "endpoint_url": url, "credentials_file": file }));
    } else if let Some(keys) = backend.credentials() {
        printer.data(&format!(
            "export AWS_ENDPOINT_URL={url} AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID={} \
             AWS_SECRET_ACCESS_KEY={}",
            keys.access_key_id(),
            keys.secret_access_key()
        ));
    }
    let whom = if args.no_auth { " to every user of this machine" } else { "" };
    let dir = args.embedded.backend.state_dir.display();
    printer.notice(&format!("serving {url} from {dir}{whom}; press Ctrl-C to stop"));
    tokio::select! {
        taken_up = resume::resume_and_wait(&backend, printer) => taken_up?,
        gone = backend.gone() => {
            backend.close().await;
            return Err(gone);
        }
        _ = signals.next() => {}
    }
    let left = backend.store.workflows().running().await?;
    match left.first() {
        None => printer.notice("stopping"),
        Some(first) => printer.notice(&format!(
            "stopping with {}, for example {}: the next endpoint on this directory continues them; \
             scripts whose leases expire before that are stopped",
            counted(left.len(), "unfinished run"),
            first.workflow_execution_id
        )),
    }
    backend.close().await;
    Ok(exit::OK)
}
