//! Whether each printer can be reached, and takes what the config says that it takes.

use super::{Finding, is_program, stands};
use crate::model::config::{Config, Printer, PrinterTarget};
use crate::model::delivery::{Delivery, PrintMedia};
use crate::model::template::Token;
use crate::model::units::Dimensions;
use crate::print::ipp::{Paper, PrinterFacts};
use crate::print::look;

/// A finding for each, in the config's order. They are asked all at once: one that is off takes seconds to say nothing.
pub(super) fn look(config: &Config) -> Vec<Finding> {
    std::thread::scope(|scope| {
        let asked: Vec<_> =
            config.printers.iter().map(|printer| (printer, scope.spawn(|| finding(config, printer)))).collect();
        let gone = |printer: &Printer| Finding { what: name(printer), trouble: Some("nobody could look at it".into()) };
        asked.into_iter().map(|(printer, asked)| asked.join().unwrap_or_else(|_| gone(printer))).collect()
    })
}

fn name(printer: &Printer) -> String {
    let target = match &printer.target {
        PrinterTarget::Ipp { uri, .. } => uri.clone(),
        PrinterTarget::Folder { folder, .. } => folder.display().to_string(),
        PrinterTarget::Command(words) => words.first().cloned().unwrap_or_default(),
    };
    format!("printer {} ({target})", printer.name)
}

fn finding(config: &Config, printer: &Printer) -> Finding {
    let mut what = name(printer);
    let trouble = match &printer.target {
        PrinterTarget::Ipp { .. } => {
            match look::endpoint(printer).map(|endpoint| endpoint.and_then(|e| e.facts_to_print())) {
                Some(Ok(facts)) => {
                    // Out of paper is no mistake of the config.
                    let state = facts.blocked_by().join(", ");
                    if !state.is_empty() {
                        what = format!("{what}, for now: {state}");
                    }
                    for media in &printer.media {
                        if let Some(theirs) = media.stock.media_size {
                            what = format!("{what}; {} is scaled to its {theirs}", media.on.unwrap_or(media.size));
                        }
                    }
                    contradiction(config, printer, &facts)
                }
                Some(Err(e)) => Some(e.to_string()),
                None => None,
            }
        }
        PrinterTarget::Folder { folder, .. } => stands(folder, true).or_else(|| sub_folders(printer)),
        PrinterTarget::Command(words) => words.first().and_then(|program| is_program(program)),
    };
    Finding { what, trouble }
}

/// What the printer says against the config.
fn contradiction(config: &Config, printer: &Printer, facts: &PrinterFacts) -> Option<String> {
    if !facts.takes_format("image/jpeg") {
        return Some(format!("it takes no JPEG; it takes {}", facts.formats.join(", ")));
    }
    printer.media.iter().find_map(|media| {
        let paper = Paper::of(media, is_borderless(config, printer, media.size));
        match facts.media.choose(&paper) {
            Ok(choice) => choice.remarks.into_iter().next(),
            Err(why) => Some(why),
        }
    })
}

/// Whether a delivery prints this size to the paper's edges there.
fn is_borderless(config: &Config, printer: &Printer, size: Dimensions) -> bool {
    let profiles = config.profiles.iter().flat_map(|profile| &profile.deliver);
    profiles.chain(config.rules.iter().flat_map(|rule| &rule.deliver)).any(|delivery| match delivery {
        Delivery::Print { printer: target, media, borderless: true, .. } => {
            let is_its = *target == printer.name || Some(target) == printer.pool.as_ref();
            let is_size = match media {
                PrintMedia::Ordered => true,
                PrintMedia::Size(named) => named.same_size(size),
            };
            is_its && is_size
        }
        _ => false,
    })
}

/// Folders that are named by nothing but the size must all be there, since none is made.
fn sub_folders(printer: &Printer) -> Option<String> {
    let PrinterTarget::Folder { folder, sub_folder: Some(template), .. } = &printer.target else { return None };
    if template.tokens().any(|token| token.name != "size") {
        return None;
    }
    printer.media.iter().find_map(|media| {
        let value = |_: &Token| Some(media.size.label());
        let below = template.path(&value, &mut Vec::new()).ok().flatten()?.below(folder);
        stands(&below, true).map(|why| format!("{}: {why}", below.display()))
    })
}
