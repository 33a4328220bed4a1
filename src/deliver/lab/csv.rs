//! A list for a lab's own importer: pictures beside one another, and last the file that names them.

use super::super::Job;
use super::super::conflict::Taken;
use super::super::content;
use super::super::error::DeliverError;
use super::super::ledger::Ledger;
use super::super::publish::{self, Ready, staged_name};
use super::super::staging;
use super::{Hand, legal, placed_file, unit};
use crate::model::delivery::OnConflict;
use crate::plan::lab::LabOrder;
use crate::spool::durable::Found;

/// The list in the staging folder.
pub(super) const TOKEN: &str = "list";
const EXTENSION: &str = ".csv";
/// Pictures staged at a time.
const BATCH: usize = 64;
const COLUMNS: &str = "job,record,line,item,size,paper,channel,quantity,file,client_last,back_print_1,back_print_2\r\n";

pub(super) fn hand_over(hand: &Hand<'_>, orders: &[LabOrder<'_>], ledger: &mut Ledger<'_>) -> Result<(), DeliverError> {
    for (number, order) in (1..).zip(orders).filter(|(number, _)| !ledger.stands(&unit(*number))).collect::<Vec<_>>() {
        hand_over_one(hand, number, order, ledger)?;
    }
    Ok(())
}

fn hand_over_one(
    hand: &Hand<'_>,
    number: usize,
    order: &LabOrder<'_>,
    ledger: &mut Ledger<'_>,
) -> Result<(), DeliverError> {
    let (root, names) = (&hand.root, &hand.names);
    if let Some(file) = ledger.file(&unit(number)).cloned() {
        // It waits, or it would have been taken for handed over.
        let waiting = root.folder(&names.part)?;
        let is_whole = content::digest_file(&waiting, TOKEN)?.sha256 == file.sha256;
        if is_whole && root.look(file.path.as_str())? == Found::Nothing {
            waiting.publish(TOKEN, root, file.path.as_str())?;
            return finish(hand, number, ledger);
        }
        ledger.withdraw(&unit(number))?;
    }
    put_pictures(hand, order, ledger)?;
    let text = list(hand, order, ledger)?;
    let waiting = names.fresh(root)?.folder;
    let written = staging::write(text.as_bytes(), &waiting, TOKEN)?;
    waiting.sync()?;
    root.sync()?;
    let name = hand.free_name(&order.name, &[""], EXTENSION)? + EXTENSION;
    ledger.announce(vec![(unit(number), placed_file(legal(&name)?, &written))])?;
    waiting.publish(TOKEN, root, &name)?;
    finish(hand, number, ledger)
}

fn finish(hand: &Hand<'_>, number: usize, ledger: &mut Ledger<'_>) -> Result<(), DeliverError> {
    hand.root.folder(&hand.names.part)?.sync()?;
    hand.root.sync()?;
    ledger.placed(&unit(number));
    ledger.flush()?;
    hand.root.remove(&hand.names.part)?;
    Ok(hand.root.sync()?)
}

/// Each under its own name, or with a suffix: what stands there belongs to another order.
fn put_pictures(hand: &Hand<'_>, order: &LabOrder<'_>, ledger: &mut Ledger<'_>) -> Result<(), DeliverError> {
    publish::recover_files(ledger, &hand.root)?;
    let nothing_of_before = |_: &std::path::Path| None;
    let job = Job { earlier: &nothing_of_before, ..*hand.job };
    let taken = Taken::new(order.entries.iter().map(|entry| &entry.print.file));
    let open: Vec<_> = order.entries.iter().filter(|entry| !ledger.stands(&entry.member.to_string())).collect();
    for batch in open.chunks(BATCH) {
        let waiting = hand.names.fresh(&hand.root)?;
        let mut ready = Vec::new();
        for entry in batch {
            let staged = staged_name(entry.member);
            let written = staging::copy(&hand.sources[entry.member], &waiting.folder, &staged)?;
            let wanted = entry.print.file.clone();
            ready.push(Ready { unit: entry.member.to_string(), staged, written, wanted, chosen: None });
        }
        publish::publish(&job, ledger, &hand.root, &waiting, OnConflict::Suffix, &taken, ready)?;
    }
    ledger.flush()
}

/// UTF-8, CRLF.
fn list(hand: &Hand<'_>, order: &LabOrder<'_>, ledger: &Ledger<'_>) -> Result<String, DeliverError> {
    let mut text = COLUMNS.to_string();
    for entry in &order.entries {
        let print = entry.print;
        let Some(file) = ledger.file(&entry.member.to_string()) else { continue };
        if !matches!(hand.root.look(file.path.as_str())?, Found::File { bytes } if bytes == file.bytes) {
            return Err(DeliverError::Conflict(format!(
                "{} was taken away, or changed, before the lab was told of it: look who does that, then make the order \
                 again with `hotfolders jobs reprint {}`",
                file.path.below(hand.root.path()).display(),
                hand.job.id
            )));
        }
        let number = |number: Option<u32>| number.map(|n| n.to_string()).unwrap_or_default();
        let maybe = |text: &Option<String>| text.clone().unwrap_or_default();
        let back = |line: usize| print.back.get(line).cloned().unwrap_or_default();
        let row = [
            hand.job.id.to_string(),
            hand.job.record.to_string(),
            number(print.line),
            maybe(&print.item),
            print.size.label(),
            maybe(&print.paper),
            number(print.channel),
            entry.quantity.to_string(),
            file.path.to_string(),
            maybe(&hand.lab.client_last),
            back(0),
            back(1),
        ];
        text += &row.map(|value| field(&value)).join(",");
        text += "\r\n";
    }
    Ok(text)
}

/// One value on one line, in quotes where it needs them.
fn field(value: &str) -> String {
    let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if value.contains(['"', ',', ';']) || value.starts_with(' ') || value.ends_with(' ') {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value
    }
}
