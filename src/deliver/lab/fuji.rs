//! Fuji Frontier's hot folder (C8, PIC): a folder with pictures and `condition.txt`; `end.txt`, written last, starts it.

use std::fmt::Write as _;

use super::super::error::DeliverError;
use super::super::ledger::Ledger;
use super::super::staging;
use super::parcel::Parcel;
use super::{Hand, legal, placed_file, preparation, unit};
use crate::model::delivery::Delivery;
use crate::model::likeness;
use crate::model::units::Dimensions;
use crate::plan::lab::LabOrder;
use crate::spool::durable::Found;

pub(super) const END: &str = "end.txt";
/// `end.txt` in the staging folder.
pub(super) const TOKEN: &str = "end";
const TEXT: &str = "condition.txt";
/// The order in the staging folder.
const ORDER: &str = "order";

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
    let pictures = order.entries.iter().map(|entry| (entry.print.file.clone(), &hand.sources[entry.member])).collect();
    let parcel = Parcel { pictures, text: (legal(TEXT)?, condition(hand, order)) };
    let before = ledger.file(&preparation(number)).map(|file| file.path.to_string());
    let stands = match &before {
        Some(name) => parcel.stands(root, name)?,
        None => false,
    };
    let announced = ledger.file(&unit(number)).is_some();
    if announced && !stands {
        ledger.withdraw(&unit(number))?;
    }
    let part_folder = if announced && stands { root.folder(&names.part)? } else { names.fresh(root)?.folder };
    let name = if let Some(name) = before.filter(|_| stands) {
        name
    } else {
        parcel.build(&part_folder.make_new(ORDER)?)?;
        let name = hand.free_name(&order.name, &[""], "")?;
        ledger.announce(vec![(preparation(number), placed_file(legal(&name)?, &parcel.digest(&[])))])?;
        part_folder.publish(ORDER, root, &name)?;
        name
    };
    if part_folder.look(TOKEN)? == Found::Nothing {
        staging::write(b"", &part_folder, TOKEN)?;
        part_folder.sync()?;
    }
    // The order, and the folder in which its trigger waits.
    root.sync()?;
    if ledger.file(&unit(number)).is_none() {
        ledger.announce(vec![(unit(number), placed_file(legal(&name)?, &parcel.digest(&[END])))])?;
    }
    let folder = root.folder(&name)?;
    part_folder.publish(TOKEN, &folder, END)?;
    folder.sync()?;
    part_folder.sync()?;
    ledger.placed(&unit(number));
    ledger.flush()?;
    root.remove(&names.part)?;
    Ok(root.sync()?)
}

/// Latin-1, CRLF. A name in brackets begins the lines of that picture.
fn condition(hand: &Hand<'_>, order: &LabOrder<'_>) -> Vec<u8> {
    let device = match &hand.step.delivery {
        Delivery::Lab { device: Some(device), .. } => device.as_str(),
        _ => "",
    };
    let mut text = format!("[OutDevice]\r\nDeviceName={device}\r\n[ImageList]\r\nImageCnt={}\r\n", order.entries.len());
    for (number, entry) in (1..).zip(&order.entries) {
        let _ = write!(text, "{number}={}\r\n", entry.print.file);
    }
    for entry in &order.entries {
        let print = entry.print;
        let back = |line: usize| print.back.get(line).map(String::as_str).unwrap_or_default();
        let _ = write!(
            text,
            "[{}]\r\nSizeName={}\r\nPrintCnt={}\r\nBackPrint=FREE\r\nBackPrintLine1={}\r\nBackPrintLine2={}\r\n\
             Resize=FILLIN\r\nDSC_Chk=FALSE\r\n",
            print.file,
            size_name(print.size),
            entry.quantity,
            back(0),
            back(1)
        );
    }
    // Only characters up to U+00FF are left, and each of these is its own byte.
    likeness_of_lines(&text)
}

fn likeness_of_lines(text: &str) -> Vec<u8> {
    let line = |line: &str| likeness::latin1(line).text + "\r\n";
    text.lines().map(line).collect::<String>().chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

/// Whole millimetres, the long side first: `152X102`.
fn size_name(size: Dimensions) -> String {
    let mm = |inches: f64| (inches * 25.4).round();
    let size = size.short_first();
    // It has a unit of length: what is in pixels was refused when the plan was made.
    format!("{}X{}", mm(size.height.to_inches(300.0)), mm(size.width.to_inches(300.0)))
}
