//! What this version parses and checks but does not do yet.
//!
//! Owns: the one list of it. `check` warns of what the config asks for, and a job that needs it fails with that reason
//! instead of delivering something else than was asked.

use super::delivery::Delivery;
use super::profile::{Profile, Repeat};

/// Why a job that runs this profile cannot be done; empty when it can.
pub fn unbuilt_profile(profile: &Profile) -> Vec<String> {
    unbuilt_profile_keys(profile).into_iter().map(|(_, what)| format!("{what}: not built yet")).collect()
}

/// The keys of a profile, and how a message names what they ask for.
pub(super) fn unbuilt_profile_keys(profile: &Profile) -> Vec<(&'static str, &'static str)> {
    let asks = profile.deliver.iter().any(|delivery| {
        matches!(
            delivery,
            Delivery::Print { .. } | Delivery::Lab { .. } | Delivery::Link { .. } | Delivery::Disc { .. }
        )
    });
    let implied = if asks { Repeat::Ask } else { Repeat::Changed };
    let all: [(&str, &str, bool); 1] =
        [("repeat", "another repeat than the default", profile.repeat != implied && profile.repeat != Repeat::Ask)];
    all.into_iter().filter(|(_, _, used)| *used).map(|(key, what, _)| (key, what)).collect()
}

/// Why this delivery cannot be made; `None` when it can.
pub fn unbuilt_delivery(delivery: &Delivery) -> Option<String> {
    match delivery {
        Delivery::Folder { .. } | Delivery::Disc { .. } | Delivery::Zip { .. } => None,
        Delivery::Link { .. } | Delivery::Print { .. } | Delivery::Lab { .. } | Delivery::Command { .. } => {
            Some(format!("delivery to {}: not built yet", delivery.word()))
        }
    }
}
