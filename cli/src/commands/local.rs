//! `rsqlflow local`

use anyhow::Context;
use serde_json::json;

use crate::args::Local;
use crate::error::Failure;
use crate::exit;
use crate::place::Place;
use crate::printer::Printer;

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// Where the endpoint cannot be started.
pub(crate) async fn local(args: &Local, printer: Printer) -> Result<u8, Failure> {
    let place = Place::start(&args.embedded, args.port, &args.scripts).await?;
    let url = place.url();
    if printer.is_json() {
        printer.json(&json!({ "version": crate::report::JSON_VERSION, "endpoint_url": url }));
    } else {
        printer.data(&format!(
            "export AWS_ENDPOINT_URL={url} AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local"
        ));
    }
    printer
        .notice(&format!("serving {url} from {}; Ctrl-C ends it", args.embedded.place.state_dir.display()));
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .context("cannot listen for SIGTERM")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot listen for Ctrl-C")?,
        _ = terminate.recv() => {}
    }
    printer.notice("ending");
    place.close().await;
    Ok(exit::OK)
}
