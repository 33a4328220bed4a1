//! `to: lab`: orders for an outside lab's software, each in its format.
//!
//! Owns: an order is handed over once. It is prepared under a name that the lab's software passes over, and handed over
//! by one rename. What is renamed stands on the disk before the hand-over is announced (`v1` …), so that after a crash
//! its absence tells that the rename was done, whatever the software has made of the order since. An order that was
//! handed over is never touched again.
//!
//! | format | is prepared as | is handed over by |
//! |---|---|---|
//! | `noritsu` | the folder `pNAME` | its rename to `oNAME` |
//! | `fuji_c8` | the folder `NAME` | `end.txt` renamed into it |
//! | `csv` | pictures beside one another | `NAME.csv` renamed in |

mod csv;
mod fuji;
mod noritsu;
mod parcel;
mod watch;

use std::collections::BTreeSet;

pub use self::watch::LabFolder;

use super::content::{self, Source};
use super::error::DeliverError;
use super::ledger::Ledger;
use super::staging::Names;
use super::{Job, Standing, place};
use crate::model::delivery::{Delivery, LabFormat};
use crate::model::name::RelPath;
use crate::plan::lab::{self as planned, LabOrder, PlannedLab};
use crate::plan::{DeliveryStep, Member};
use crate::spool::durable::{Folder, Found};
use crate::spool::journal::PlacedFile;

/// A folder with so many orders of one name holds something else.
const SUFFIX_MAX: u32 = 9_999;

/// One delivery of a job, on its way.
struct Hand<'a> {
    job: &'a Job<'a>,
    step: &'a DeliveryStep,
    lab: &'a PlannedLab,
    /// Of each member.
    sources: Vec<Source>,
    /// The folder that the lab's software watches.
    root: Folder,
    names: Names,
}

/// Says whether all of it was handed over; adds warnings.
pub(super) fn deliver(
    job: &Job<'_>,
    step: &DeliveryStep,
    ledger: &mut Ledger<'_>,
    warnings: &mut Vec<String>,
) -> Result<bool, DeliverError> {
    let (Delivery::Lab { format, .. }, Some(lab)) = (&step.delivery, &step.lab) else {
        return Err(DeliverError::NotBuilt(format!("delivery {} has no order in its plan", step.id)));
    };
    let source = |member: &Member| content::source(job.outputs, member, ledger.progress());
    let Some(sources) = step.members.iter().map(source).collect::<Option<Vec<Source>>>() else { return Ok(false) };
    let orders = planned::orders(step);
    let place = place::of_files(step)?;
    let fixed = place::open(&place)?;
    let root = place::make(&fixed, place.path.as_ref())?;
    let hand = Hand { job, step, lab, sources, root, names: Names::new(job.id, &step.id) };
    for number in 1..=orders.len() {
        hand.take_what_left(*format, number, ledger, warnings)?;
    }
    match format {
        LabFormat::Noritsu => noritsu::hand_over(&hand, &orders, ledger)?,
        LabFormat::FujiC8 => fuji::hand_over(&hand, &orders, ledger)?,
        LabFormat::Csv => csv::hand_over(&hand, &orders, ledger)?,
    }
    ledger.close()?;
    Ok(true)
}

/// The unit of an order that is handed over, counted from 1.
pub fn unit(number: usize) -> String {
    super::volume::unit(number)
}

/// The unit of what is prepared for it.
fn preparation(number: usize) -> String {
    format!("p{number}")
}

impl Hand<'_> {
    /// After a crash: an order that was announced and of which nothing waits to be renamed any more has left.
    fn take_what_left(
        &self,
        format: LabFormat,
        number: usize,
        ledger: &mut Ledger<'_>,
        warnings: &mut Vec<String>,
    ) -> Result<(), DeliverError> {
        let unit = unit(number);
        let Some(file) = ledger.file(&unit).cloned().filter(|_| !ledger.stands(&unit)) else { return Ok(()) };
        if waits(format, &self.root, &self.names, &file)? {
            return Ok(());
        }
        ledger.placed(&unit);
        if !is_known(format, &self.root, file.path.as_str())? {
            warnings.push(format!(
                "{} was handed over just before the server ended, and is not there any more: look in the lab's software \
                 whether it has the order",
                file.path.below(self.root.path()).display()
            ));
        }
        Ok(())
    }

    /// The order's name, else with `_2`, `_3` …: the first of which nothing stands, in whatever state.
    fn free_name(&self, wanted: &str, prefixes: &[&str], suffix: &str) -> Result<String, DeliverError> {
        let taken: BTreeSet<String> =
            self.root.names()?.iter().map(|name| name.to_string_lossy().to_lowercase()).collect();
        let is_free = |name: &String| {
            prefixes.iter().all(|prefix| !taken.contains(&format!("{prefix}{name}{suffix}").to_lowercase()))
        };
        let suffixed = (2..=SUFFIX_MAX).map(|n| format!("{wanted}_{n}"));
        std::iter::once(wanted.to_string()).chain(suffixed).find(is_free).ok_or_else(|| {
            DeliverError::Conflict(format!(
                "{} holds an order {wanted} and {SUFFIX_MAX} more of that name: clear it, then retry",
                self.root.path().display()
            ))
        })
    }

    fn noritsu_keys(&self) -> (&str, Option<&str>) {
        match &self.step.delivery {
            Delivery::Lab { image_folder, customer_id, .. } => {
                (image_folder.as_deref().unwrap_or(noritsu::IMAGE_FOLDER), customer_id.as_deref())
            }
            _ => (noritsu::IMAGE_FOLDER, None),
        }
    }
}

/// A name of ours: ASCII letters, digits, `-` and `_`, perhaps with a folder or an extension.
fn legal(name: &str) -> Result<RelPath, DeliverError> {
    RelPath::parse(name).map_err(|e| DeliverError::Conflict(e.to_string()))
}

fn placed_file(path: RelPath, written: &content::Written) -> PlacedFile {
    PlacedFile { path, sha256: written.sha256.clone(), bytes: written.bytes }
}

/// Whether what hands an announced order over by its rename still waits for it.
fn waits(format: LabFormat, root: &Folder, names: &Names, order: &PlacedFile) -> Result<bool, DeliverError> {
    let token = match format {
        LabFormat::Noritsu => {
            let building = noritsu::building(order.path.as_str());
            return Ok(root.look(&building)? == Found::Folder);
        }
        LabFormat::FujiC8 => fuji::TOKEN,
        LabFormat::Csv => csv::TOKEN,
    };
    if root.look(&names.part)? != Found::Folder {
        return Ok(false);
    }
    Ok(root.folder(&names.part)?.look(token)? != Found::Nothing)
}

/// Whether anything of an order stands, in whatever state.
fn is_known(format: LabFormat, root: &Folder, name: &str) -> Result<bool, DeliverError> {
    let known = match format {
        LabFormat::Noritsu => noritsu::STATES.iter().map(|state| noritsu::in_state(name, state)).collect(),
        LabFormat::FujiC8 | LabFormat::Csv => vec![name.to_string()],
    };
    for name in known {
        if root.look(&name)? != Found::Nothing {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes back what was prepared and not handed over: a job that was cancelled leaves no order behind that lacks only its
/// trigger. Announcements go first: a later try must not take what is missing for handed over.
pub(super) fn withdraw(
    format: LabFormat,
    root: &Folder,
    names: &Names,
    ledger: &mut Ledger<'_>,
) -> Result<(), DeliverError> {
    let doubtful = ledger.doubtful();
    let mut removed = false;
    for (unit, file) in doubtful.iter().filter(|(unit, _)| unit.starts_with('v')) {
        if waits(format, root, names, file)? {
            ledger.withdraw(unit)?;
        } else {
            ledger.placed(unit);
            ledger.flush()?;
        }
    }
    for (unit, file) in doubtful.iter().filter(|(unit, _)| unit.starts_with('p')) {
        let order = format!("v{}", &unit[1..]);
        if ledger.stands(&order) {
            continue;
        }
        let name = file.path.as_str();
        let is_ours = match format {
            LabFormat::Noritsu => root.look(name)? == Found::Folder,
            LabFormat::FujiC8 => {
                root.look(name)? == Found::Folder && root.folder(name)?.look(fuji::END)? == Found::Nothing
            }
            LabFormat::Csv => false,
        };
        if is_ours {
            removed |= root.remove(name)?;
        }
    }
    if removed {
        root.sync()?;
    }
    Ok(())
}

/// Where a picture stands in the first order that has it, as receipts show it.
pub(super) fn where_is(step: &DeliveryStep, standing: &[Standing], member: usize) -> Option<String> {
    let Delivery::Lab { format, image_folder, .. } = &step.delivery else { return None };
    if *format == LabFormat::Csv {
        return standing.iter().find(|s| s.unit == member.to_string()).map(|s| s.shown.clone());
    }
    let orders = planned::orders(step);
    let (number, file) = (1..).zip(&orders).find_map(|(number, order)| Some((number, file_of(order, member)?)))?;
    let folder = standing.iter().find(|s| s.unit == unit(number))?;
    let path = match format {
        LabFormat::Noritsu => noritsu::picture(image_folder.as_deref().unwrap_or(noritsu::IMAGE_FOLDER), file),
        _ => file.clone(),
    };
    Some(format!("{}/{path}", folder.shown))
}

/// What a picture is called in an order, if it is in it.
fn file_of<'o>(order: &LabOrder<'o>, member: usize) -> Option<&'o RelPath> {
    order.entries.iter().find(|entry| entry.member == member).map(|entry| &entry.print.file)
}
