//! Who gets the mail of a download link, and whether there is somebody.

use super::frozen::Frozen;
use super::{DeliveryStep, Finding, StepId, Weight};
use crate::model::checks::Verdict;
use crate::model::config::is_mail_address;
use crate::model::delivery::{Delivery, MailTo};
use crate::model::manifest::Manifest;

/// The step of a link's mail.
pub fn mail_step(link: &StepId) -> StepId {
    StepId(format!("{link}-mail"))
}

/// The addresses of a link's mail; none where nobody gets one.
pub fn addressees(delivery: &Delivery, manifest: &Manifest) -> Vec<String> {
    match delivery {
        Delivery::Link { mail: MailTo::Client, .. } => {
            manifest.client.email.iter().filter(|email| is_mail_address(email)).cloned().collect()
        }
        Delivery::Link { mail: MailTo::Addresses(list), .. } => list.clone(),
        _ => Vec::new(),
    }
}

/// A mail to a client without an address would go nowhere: that is asked beforehand.
pub(super) fn judge(steps: &[DeliveryStep], manifest: &Manifest, frozen: &Frozen) -> Vec<Finding> {
    let nobody = |step: &&DeliveryStep| {
        matches!(&step.delivery, Delivery::Link { mail: MailTo::Client, .. })
            && addressees(&step.delivery, manifest).is_empty()
    };
    let finding = |step: &DeliveryStep| {
        let profile = frozen.profiles.iter().find(|profile| profile.name == step.owner);
        let weight = match profile.map_or(frozen.checks.no_email, |profile| profile.checks.no_email) {
            Verdict::Off => return None,
            Verdict::Warn => Weight::Warn,
            Verdict::Hold => Weight::Hold,
        };
        let why = match manifest.client.email.as_deref().map(str::trim) {
            None | Some("") => "the manifest has no mail address of the client".to_string(),
            Some(email) => format!("`{}` is no mail address", email.escape_debug()),
        };
        let text = format!(
            "`{}` mails its link to the client, but {why}: released, the link is made and no mail goes out; it is in the receipt",
            step.owner
        );
        let profile = profile.map(|profile| profile.name.clone());
        Some(Finding { weight, code: "no_email".into(), profile, line: None, number: None, text })
    };
    steps.iter().filter(nobody).filter_map(finding).collect()
}
