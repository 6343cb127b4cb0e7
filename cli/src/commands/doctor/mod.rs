//! `rsqlflow doctor`: [`checks`] is what any place has, [`aws`] what a deployment has beside.

mod aws;
mod checks;

use serde_json::json;

use crate::args::Doctor;
use crate::failure::{Failure, exit};
use crate::output::{JSON_VERSION, Printer, one_line, styled};
use crate::place::{Place, Purpose};

use checks::{Check, Health};

/// Looks at everything that a run needs, and goes on after what is wrong.
///
/// # Errors
/// Where the place cannot be reached at all.
pub(crate) async fn doctor(args: &Doctor, printer: Printer) -> Result<u8, Failure> {
    let place = if args.aws && args.place.state_dir.is_none() {
        Place::of_account(&args.place.given()).await?
    } else {
        Place::find(&args.place, Purpose::Look).await?
    };
    let name = place.name().to_owned();
    let checks = if args.aws {
        Box::pin(checks::all_of_aws(&place, args.instance_role.as_deref())).await
    } else {
        Box::pin(checks::all(&place)).await
    };
    place.close().await;
    let count = |health: Health| checks.iter().filter(|check| check.health == health).count();
    let (unseen, bad) = (count(Health::Unseen), count(Health::Bad));
    if printer.is_json() {
        let checks: Vec<_> = checks.iter().map(Check::to_json).collect();
        printer.json(&json!({ "version": JSON_VERSION, "place": name, "healthy": bad == 0,
            "not_looked_at": unseen, "checks": checks }));
    } else {
        printer.data(&format!("looking at {name}"));
        for check in &checks {
            let mark = styled(check.health.style(), check.health.word());
            printer.data(&format!("  {mark}  {}: {}", check.name, one_line(&check.found)));
            if let Some(mend) = &check.mend {
                printer.data(&format!("        mend: {mend}"));
            }
        }
        printer.data(&match bad {
            0 if unseen > 0 => {
                format!("nothing is wrong with what was looked at; {unseen} may not be looked at")
            }
            0 => "nothing is wrong".to_owned(),
            1 => "1 problem".to_owned(),
            _ => format!("{bad} problems"),
        });
    }
    Ok(if bad == 0 { exit::OK } else { exit::ENVIRONMENT })
}
