//! Pools: printers that stand in for one another.
//!
//! Owns: the members of a pool agree in everything that the sheet depends on, so that a sheet made for one can leave
//! by another.

use super::Context;
use super::media::Media;
use super::names::Named;
use super::printer::Printer;
use crate::keyword;
use crate::model::document::Path as Place;
use crate::model::units::Dimensions;
use crate::section;

keyword! {
    /// Which member of a pool gets the next job.
    pub enum Allocate { LeastBusy = "least_busy", RoundRobin = "round_robin", Priority = "priority" }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    pub name: String,
    pub allocate: Allocate,
    /// One job's sheets may go to several members.
    pub split: bool,
    /// Takes nothing: what is sent to it waits.
    pub inactive: bool,
}

section! {
    /// Printers that stand in for one another; each names the pool as its `pool`.
    pub(super) struct RawPool {
        /// Who gets the next job: `least_busy`, `round_robin` or `priority`. Default `least_busy`.
        allocate: Allocate,
        /// `true`: one job's sheets may go to several printers. Default `false`.
        split: bool,
        /// `true`: nothing is printed, what is sent here waits. Default `false`.
        inactive: bool,
    }
}

impl RawPool {
    pub(super) fn check(self, name: String, cx: &mut Context<'_>) -> Pool {
        cx.given_name(&name, &self.here);
        Pool {
            name,
            allocate: self.allocate.unwrap_or(Allocate::LeastBusy),
            split: self.split.unwrap_or(false),
            inactive: self.inactive.unwrap_or(false),
        }
    }
}

/// What only printers and pools together can show to be wrong.
pub(super) fn check_members(pools: &[Pool], printers: &[Printer], cx: &mut Context<'_>) {
    let root = Place::default();
    for pool in pools {
        let at = root.key("pools").key(&pool.name);
        if printers.iter().any(|printer| printer.name == pool.name) {
            cx.error(&at, format!("a printer is called `{}` too; a delivery could mean either", pool.name));
        }
        let members: Vec<&Printer> = printers.iter().filter(|p| p.pool.as_deref() == Some(&pool.name)).collect();
        let Some((first, others)) = members.split_first() else {
            // A printer that could not be read may be the missing member.
            if cx.names.all(Named::Printer).len() == printers.len() + cx.names.all(Named::Pool).len() {
                cx.error(&at, format!("no printer belongs to it; write `pool: {}` at one", pool.name));
            }
            continue;
        };
        for printer in others {
            let at = root.key("printers").key(&printer.name);
            for (key, agrees) in
                [("color", first.color == printer.color), ("overspray", first.overspray == printer.overspray)]
            {
                if !agrees {
                    let text = format!(
                        "`{}` and `{}` are of one pool and differ in `{key}`: a sheet for one would be wrong on the other",
                        first.name, printer.name
                    );
                    cx.error(&at.key(key), text);
                }
            }
        }
        check_media(&members, &root, cx);
    }
}

/// A size that two members have must ask the same of its sheet.
fn check_media(members: &[&Printer], root: &Place, cx: &mut Context<'_>) {
    for (index, printer) in members.iter().enumerate() {
        for media in &printer.media {
            let earlier = members[..index].iter().find_map(|p| p.media_for(media.size).map(|m| (p, m)));
            if let Some((other, theirs)) = earlier
                && let Some(key) = difference(theirs, media)
            {
                let text = format!(
                    "`{}` and `{}` are of one pool and differ in `{key}` of {}: a sheet for one would be wrong on the other",
                    other.name, printer.name, media.size
                );
                cx.error(&root.key("printers").key(&printer.name).key("media"), text);
            }
        }
    }
}

fn difference(a: &Media, b: &Media) -> Option<&'static str> {
    if a.across != b.across {
        return Some("across");
    }
    if a.on.map(Dimensions::short_first) != b.on.map(Dimensions::short_first) {
        return Some("on");
    }
    (a.cut_marks != b.cut_marks).then_some("cut_marks")
}

/// A delivery that says its paper needs a printer that has it.
pub(super) fn check_papers(printers: &[Printer], cx: &mut Context<'_>) {
    for (target, size, at) in std::mem::take(&mut cx.papers) {
        let mut candidates =
            printers.iter().filter(|p| p.name == target || p.pool.as_deref() == Some(target.as_str())).peekable();
        if candidates.peek().is_some() && !candidates.any(|p| p.media_for(size).is_some()) {
            cx.error(&at, format!("`{target}` has no paper of {size} among its `media`"));
        }
    }
}
