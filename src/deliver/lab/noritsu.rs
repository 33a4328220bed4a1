//! Noritsu's hot folder: DPOF with Noritsu's own lines. The first letter of an order's folder is its state: `p` is being
//! built, `o` is ready, `e` was accepted, `q` was rejected.

use std::fmt::Write as _;

use super::super::error::DeliverError;
use super::super::ledger::Ledger;
use super::parcel::Parcel;
use super::{Hand, is_known, legal, placed_file, preparation, unit};
use crate::model::delivery::LabFormat;
use crate::model::likeness;
use crate::model::name::RelPath;
use crate::plan::lab::{LabEntry, LabOrder, paper_size};
use crate::spool::durable::Found;

pub(super) const IMAGE_FOLDER: &str = "IMAGE";
pub(super) const BUILDING: &str = "p";
pub(super) const READY: &str = "o";
pub(super) const ACCEPTED: &str = "e";
pub(super) const REJECTED: &str = "q";
/// Those in which the machine sees an order.
pub(super) const STATES: [&str; 3] = [READY, ACCEPTED, REJECTED];

const TEXT: &str = "MISC/AUTPRINT.MRK";
/// Longest name of a customer in an order.
const CUSTOMER_MAX_CHARS: usize = 40;

/// The name of an order's folder in a state.
pub(super) fn in_state(order: &str, state: &str) -> String {
    // The name of an order begins with its state, one ASCII letter.
    format!("{state}{}", order.get(1..).unwrap_or_default())
}

pub(super) fn building(order: &str) -> String {
    in_state(order, BUILDING)
}

/// Where a picture lies in its order.
pub(super) fn picture(image_folder: &str, file: &RelPath) -> RelPath {
    match RelPath::from_part(image_folder) {
        Some(folder) => folder.join(file),
        None => file.clone(),
    }
}

pub(super) fn hand_over(hand: &Hand<'_>, orders: &[LabOrder<'_>], ledger: &mut Ledger<'_>) -> Result<(), DeliverError> {
    let (image_folder, _) = hand.noritsu_keys();
    let mut open = Vec::new();
    for (number, order) in (1..).zip(orders) {
        if ledger.stands(&unit(number)) {
            continue;
        }
        let pictures =
            order.entries.iter().map(|entry| (picture(image_folder, &entry.print.file), &hand.sources[entry.member]));
        let mut pictures: Vec<_> = pictures.collect();
        // A quantity of more than three digits has several entries with one picture.
        pictures.dedup_by(|a, b| a.0 == b.0);
        let parcel = Parcel { pictures, text: (legal(TEXT)?, autprint(hand, order).into_bytes()) };
        open.push((number, order, parcel));
    }
    let names = prepare(hand, &open, ledger)?;
    // All of them are whole before the first one leaves.
    let announced = open.iter().zip(&names).map(|((number, _, parcel), name)| {
        Ok((unit(*number), placed_file(legal(&format!("{READY}{name}"))?, &parcel.digest(&[]))))
    });
    ledger.announce(announced.collect::<Result<_, DeliverError>>()?)?;
    for name in &names {
        hand.root.publish(&format!("{BUILDING}{name}"), &hand.root, &format!("{READY}{name}"))?;
    }
    hand.root.sync()?;
    for (number, _, _) in &open {
        ledger.placed(&unit(*number));
    }
    Ok(())
}

/// Builds what is to be handed over; says under which names.
fn prepare(
    hand: &Hand<'_>,
    open: &[(usize, &LabOrder<'_>, Parcel<'_>)],
    ledger: &mut Ledger<'_>,
) -> Result<Vec<String>, DeliverError> {
    let (mut names, mut announced, mut to_build) = (Vec::new(), Vec::new(), Vec::new());
    for (number, order, parcel) in open {
        let before = ledger.file(&preparation(*number)).map(|file| file.path.to_string());
        if let Some(building) = &before
            && hand.root.look(building)? != Found::Nothing
        {
            let name = building[BUILDING.len()..].to_string();
            let is_seen = is_known(LabFormat::Noritsu, &hand.root, building)?;
            if !is_seen && parcel.stands(&hand.root, building)? {
                names.push(name);
                continue;
            }
            // What is missing must not be taken for handed over.
            if ledger.file(&unit(*number)).is_some() {
                ledger.withdraw(&unit(*number))?;
            }
            hand.root.remove(building)?;
        }
        let all = [BUILDING, READY, ACCEPTED, REJECTED];
        let name = hand.free_name(&order.name, &all, "")?;
        let building = legal(&format!("{BUILDING}{name}"))?;
        announced.push((preparation(*number), placed_file(building.clone(), &parcel.digest(&[]))));
        to_build.push((building, parcel));
        names.push(name);
    }
    if !announced.is_empty() {
        ledger.announce(announced)?;
    }
    for (building, parcel) in &to_build {
        parcel.build(&hand.root.make_new(building.as_str())?)?;
    }
    hand.root.sync()?;
    Ok(names)
}

/// The lines that begin each of Noritsu's own blocks.
const VENDOR: &str = "VUQ RGN = BGN\r\nVUQ VNM = \"NORITSU KOKI\" -ATR \"QSSPrint\"\r\nVUQ VER = 01.00\r\n";
const VENDOR_END: &str = "VUQ RGN = END\r\n";

fn autprint(hand: &Hand<'_>, order: &LabOrder<'_>) -> String {
    let (image_folder, customer_id) = hand.noritsu_keys();
    let made = hand.job.accepted.strftime("%Y:%m:%d:%H:%M:%S");
    let mut text = format!("[HDR]\r\nGEN REV = 01.00\r\nGEN CRT = \"hotfolders\" -01.00\r\nGEN DTM = {made}\r\n");
    let customer = format!("{} {}", hand.job.record, hand.lab.client.as_deref().unwrap_or_default());
    let _ = write!(text, "USR NAM = \"{}\"\r\n", quotable(&customer, CUSTOMER_MAX_CHARS));
    if let Some(id) = customer_id {
        let _ = write!(text, "USR CID = \"{id}\"\r\n");
    }
    text += VENDOR;
    if let Some(first) = order.entries.first() {
        let _ = write!(text, "PRT PSL = NML -PSIZE \"{}\"\r\n", paper_size(first.print.size));
    }
    if let Some(channel) = order.channel {
        let _ = write!(text, "PRT PCH = {channel:03}\r\n");
    }
    text += "GEN INP = \"Other-M\"\r\n";
    text += VENDOR_END;
    for (number, entry) in (1..).zip(&order.entries) {
        job(&mut text, number, entry, image_folder);
    }
    text
}

fn job(text: &mut String, number: usize, entry: &LabEntry<'_>, image_folder: &str) {
    let LabEntry { print, quantity, .. } = entry;
    let _ = write!(
        text,
        "\r\n[JOB]\r\nPRT PID = {number:03}\r\nPRT TYP = STD\r\nPRT QTY = {quantity:03}\r\nIMG FMT = EXIF2 -J\r\n\
         <IMG SRC = \"../{}\">\r\n{VENDOR}",
        picture(image_folder, &print.file)
    );
    for line in 1..=2 {
        match print.back.get(line - 1).map(|back| quotable(back, usize::MAX)).filter(|back| !back.is_empty()) {
            Some(back) => {
                let _ = write!(text, "PRT CVP{line} = 1 -STR \"{back}\"\r\n");
            }
            // An empty text makes some machines fail.
            None => {
                let _ = write!(text, "PRT CVP{line} = 0\r\n");
            }
        }
    }
    if let Some(original) = &print.original {
        let _ = write!(text, "IMG ORG = \"{}\"\r\n", quotable(original, usize::MAX));
    }
    *text += VENDOR_END;
}

/// What may stand between quotes: printable ASCII on one line, without the quote, for which the format has no escape.
fn quotable(text: &str, max_chars: usize) -> String {
    let plain = |c: char| match c {
        '"' => '\'',
        '<' | '[' => '(',
        '>' | ']' => ')',
        other => other,
    };
    let text: String = likeness::ascii(text).text.chars().map(plain).take(max_chars).collect();
    text.trim_end().to_string()
}
