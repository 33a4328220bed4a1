//! What this version parses and checks but does not do yet.
//!
//! Owns: the one list of it. `check` warns of what the config asks for, and a job that needs it fails with that reason
//! instead of delivering something else than was asked.

use super::delivery::Delivery;

/// Why this delivery cannot be made; `None` when it can.
pub fn unbuilt_delivery(delivery: &Delivery) -> Option<String> {
    match delivery {
        Delivery::Folder { .. }
        | Delivery::Disc { .. }
        | Delivery::Zip { .. }
        | Delivery::Link { .. }
        | Delivery::Lab { .. }
        | Delivery::Command { .. } => None,
        Delivery::Print { .. } => Some(format!("delivery to {}: not built yet", delivery.word())),
    }
}
