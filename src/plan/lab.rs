//! Orders to outside labs: what a lab is told of each picture, and how a delivery is divided into orders.
//!
//! Owns: an order has one size and channel where its format wants that, and no number in it has more digits than the
//! format takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Content, DeliveryStep, StepId};
use crate::model::delivery::{Delivery, LabFormat};
use crate::model::name::RelPath;
use crate::model::units::Dimensions;

/// Most prints of one entry of a Noritsu order, and most entries: both numbers have three digits.
pub const NORITSU_MAX: u32 = 999;

/// What the orders of one delivery say, frozen with the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedLab {
    /// What the orders are called: ASCII letters, digits, `-` and `_`. A channel and a number may be added.
    pub name: String,
    /// The client's whole name.
    pub client: Option<String>,
    pub client_last: Option<String>,
    /// One for each member.
    pub prints: Vec<LabPrint>,
}

/// What a lab is told of one picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabPrint {
    pub step: StepId,
    pub line: Option<u32>,
    pub item: Option<String>,
    pub size: Dimensions,
    pub paper: Option<String>,
    pub channel: Option<u32>,
    pub quantity: u32,
    /// What its file is called in the order: one part.
    pub file: RelPath,
    /// File name of the original.
    pub original: Option<String>,
    /// Lines on its back, in characters that the format takes; empty where nothing is to stand there.
    pub back: Vec<String>,
}

/// One entry of an order: a picture, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabEntry<'a> {
    /// The index of the delivery's member.
    pub member: usize,
    pub print: &'a LabPrint,
    pub quantity: u32,
}

/// What becomes one folder, or one file, at the lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabOrder<'a> {
    pub name: String,
    /// The channel of all of it, where the format has one for each order.
    pub channel: Option<u32>,
    pub entries: Vec<LabEntry<'a>>,
}

impl LabOrder<'_> {
    /// How many prints it asks for.
    pub fn copies(&self) -> u64 {
        self.entries.iter().map(|entry| u64::from(entry.quantity)).sum()
    }
}

/// The orders of a delivery, in the order of its members; those that were left out of the plan are in none.
pub fn orders(step: &DeliveryStep) -> Vec<LabOrder<'_>> {
    let (Some(lab), Delivery::Lab { format, .. }) = (&step.lab, &step.delivery) else { return Vec::new() };
    let of_member = |(member, content): (usize, &Content)| {
        let print = lab.prints.iter().find(|print| *content == Content::Step(print.step.clone()))?;
        Some(LabEntry { member, print, quantity: print.quantity })
    };
    let entries: Vec<LabEntry<'_>> =
        step.members.iter().map(|member| &member.content).enumerate().filter_map(of_member).collect();
    if entries.is_empty() {
        return Vec::new();
    }
    match format {
        LabFormat::Noritsu => of_noritsu(&lab.name, &entries),
        LabFormat::FujiC8 | LabFormat::Csv => vec![LabOrder { name: lab.name.clone(), channel: None, entries }],
    }
}

/// One size and channel for each folder, at most 999 entries in it, at most 999 prints of each.
fn of_noritsu<'a>(name: &str, entries: &[LabEntry<'a>]) -> Vec<LabOrder<'a>> {
    let mut groups: Vec<(Option<u32>, Dimensions, Vec<LabEntry<'a>>)> = Vec::new();
    for entry in entries {
        let (channel, size) = (entry.print.channel, entry.print.size.short_first());
        let known = groups.iter().position(|group| (group.0, group.1) == (channel, size));
        let at = known.unwrap_or_else(|| {
            groups.push((channel, size, Vec::new()));
            groups.len() - 1
        });
        let mut left = entry.quantity;
        while left > 0 {
            let quantity = left.min(NORITSU_MAX);
            groups[at].2.push(LabEntry { quantity, ..*entry });
            left -= quantity;
        }
    }
    let mut of_channel: BTreeMap<Option<u32>, usize> = BTreeMap::new();
    let mut orders = Vec::new();
    for (channel, _, entries) in groups {
        for part in entries.chunks(NORITSU_MAX as usize) {
            let number = of_channel.entry(channel).or_default();
            *number += 1;
            let mut name = name.to_string();
            if let Some(channel) = channel {
                name += &format!("_{channel:03}");
            }
            if *number > 1 {
                // Not with `_`: that is how a name gets out of another order's way.
                name += &format!("-{number}");
            }
            orders.push(LabOrder { name, channel, entries: part.to_vec() });
        }
    }
    orders
}

/// What a size is called on paper: `8x10`, `10x15`; the short side first, no unit.
pub fn paper_size(size: Dimensions) -> String {
    size.label().trim_end_matches(|c: char| c.is_ascii_alphabetic()).to_string()
}
