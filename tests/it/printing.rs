//! Sheets on their way to paper: folder and command printers, and printers on the network.

mod answers;
mod crashes;
mod folders;
mod network;
mod outcomes;
mod trying;
mod waiting;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::studio::{CONFIG, Studio};

/// Printing in the place of the `prints` delivery of [`CONFIG`].
pub(super) fn studio(deliver: &str, printers: &str) -> Studio {
    let config = CONFIG
        .replace("100ms", "30ms")
        .replace("200ms", "60ms")
        .replace("    deliver: [ { to: folder, path: \"print/{record}\", trigger: \"{record}.done\" } ]\n", deliver);
    let studio = Studio::bare(&format!("{config}{printers}"));
    for number in 1..=3 {
        // No two of them are the same: sheets are told apart by their bytes.
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 90 + number, 60);
    }
    studio
}

/// Each print of a receipt: printer and state, by its step.
pub(super) fn prints(receipt: &Value) -> BTreeMap<String, (String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_string();
    let prints = receipt["prints"].as_array().unwrap();
    prints.iter().map(|print| (text(&print["step"]), (text(&print["printer"]), text(&print["state"])))).collect()
}

pub(super) fn states(studio: &Studio, job: &Path) -> Vec<String> {
    prints(&studio.receipt(job)).into_values().map(|(_, state)| state).collect()
}

/// What the server says of a printer.
pub(super) fn printer(studio: &Studio, name: &str) -> Value {
    let known = studio.run(&["printers", "list", "--json"]).expect(0).json();
    let list = known["printers"].as_array().unwrap();
    list.iter().find(|printer| printer["name"] == name).unwrap_or_else(|| panic!("{known}")).clone()
}
