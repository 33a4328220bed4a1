//! A bench with one job: outputs, a journal, a destination; and what stands there afterwards.

mod crash;
mod disc;
mod folder;
mod lab;
mod zip;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::model::delivery::{Destination, DiscSize, LabFormat, LabNames, OnConflict, Publish};
use crate::model::digest::sha256;
use crate::model::spec::PixelSize;
use crate::model::template::Template;
use crate::model::units::Dimensions;
use crate::plan::lab::{LabPrint, PlannedLab};
use crate::plan::{Member, StepId};
use crate::spool::durable;
use crate::spool::journal::{Entry, RenderedFile};

pub(super) fn rel(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

pub(super) struct Bench {
    dir: TempDir,
    earlier: RefCell<BTreeMap<PathBuf, String>>,
}

impl Bench {
    /// The destination `out` stands.
    pub(super) fn new() -> Bench {
        let bench = Bench { dir: tempfile::tempdir().unwrap(), earlier: RefCell::default() };
        for folder in ["outputs", "out", "extras"] {
            durable::make_folder(&bench.path(folder)).unwrap();
        }
        bench
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// Writes a file below the bench, with the folders above it.
    pub(super) fn put(&self, below: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(below);
        durable::make_folders(self.dir.path(), path.parent().unwrap()).unwrap();
        durable::replace(&path, bytes.as_ref()).unwrap();
        path
    }

    pub(super) fn journal(&self) -> Journal {
        Journal::open(&self.path("journal.jsonl")).unwrap()
    }

    pub(super) fn render(&self, step: &str, bytes: impl AsRef<[u8]>) {
        let (file, bytes) = (rel(&format!("{step}.jpg")), bytes.as_ref());
        self.put(&format!("outputs/{file}"), bytes);
        let output = RenderedFile {
            file,
            bytes: bytes.len() as u64,
            sha256: sha256(bytes),
            pixels: PixelSize::new(3, 2),
            dpi: 300.0,
            sources: Vec::new(),
            warnings: Vec::new(),
        };
        let entry = Entry::Rendered { step: StepId(step.into()), output };
        self.journal().append(Timestamp::UNIX_EPOCH, vec![entry]).unwrap();
    }

    pub(super) fn run(&self, step: &DeliveryStep) -> Result<Delivered, DeliverError> {
        self.run_with(step, &mut self.journal())
    }

    pub(super) fn run_with(&self, step: &DeliveryStep, journal: &mut Journal) -> Result<Delivered, DeliverError> {
        let earlier = |path: &Path| self.earlier.borrow().get(path).cloned();
        let now = || Timestamp::UNIX_EPOCH;
        let job = Job {
            id: "J1",
            record: "1",
            accepted: jiff::civil::datetime(2026, 11, 20, 15, 4, 5, 0),
            zone: &jiff::tz::TimeZone::UTC,
            home: self.dir.path(),
            outputs: &self.path("outputs"),
            now: &now,
            earlier: &earlier,
            foreign: FOREIGN,
        };
        let Some(planned) = &step.link else { return deliver(&job, step, journal) };
        let above = link::Shelf { folder: &self.path("out"), made: false };
        let complete = link::package(&job, step, planned, true, above, journal)?.is_some();
        if complete {
            link::close(&job, step, journal)?;
        }
        Ok(Delivered { complete, warnings: Vec::new(), doubts: Vec::new() })
    }

    pub(super) fn clean(&self, step: &DeliveryStep) -> Result<(), DeliverError> {
        if step.link.is_some() {
            link::clean("J1", &step.id, &self.path("out")).unwrap();
        }
        clean("J1", step, &mut self.journal(), &|| Timestamp::UNIX_EPOCH)
    }

    /// Delivers all, and says the warnings.
    pub(super) fn complete(&self, step: &DeliveryStep) -> Vec<String> {
        let delivered = self.run(step).unwrap();
        assert!(delivered.complete);
        self.clean(step).unwrap();
        delivered.warnings
    }

    pub(super) fn standing(&self, step: &DeliveryStep) -> Vec<Standing> {
        placed(step, self.journal().progress())
    }

    /// The job is over: what it placed is of an earlier run now. Outputs and journal begin anew.
    pub(super) fn next_run(&self, step: &DeliveryStep) {
        for standing in self.standing(step) {
            self.earlier.borrow_mut().insert(standing.path, standing.sha256);
        }
        durable::remove_file(&self.path("journal.jsonl")).unwrap();
    }

    /// Every file and folder below `out`; folders end with `/`.
    pub(super) fn tree(&self) -> BTreeMap<String, String> {
        let root = self.path("out");
        let entries = walkdir::WalkDir::new(&root).min_depth(1).into_iter().map(Result::unwrap);
        entries
            .map(|entry| {
                let name = entry.path().strip_prefix(&root).unwrap().to_str().unwrap().to_string();
                if entry.file_type().is_dir() {
                    (name + "/", String::new())
                } else {
                    (name, String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned())
                }
            })
            .collect()
    }

    pub(super) fn files(&self) -> Vec<String> {
        self.tree().into_keys().filter(|name| !name.ends_with('/')).collect()
    }

    fn step(&self, path: Option<&str>, members: &[(&str, &str)], delivery: Delivery) -> DeliveryStep {
        let members = members.iter().map(|(content, path)| Member {
            content: match content.strip_prefix("extra:") {
                Some(name) => Content::File(self.path("extras").join(name)),
                None => Content::Step(StepId((*content).into())),
            },
            path: rel(path),
            output: String::new(),
            taken: None,
        });
        let shown = path.map_or("out".into(), |p| format!("out/{p}"));
        DeliveryStep {
            id: StepId("d1".into()),
            owner: "web".into(),
            delivery,
            place: Some(Place { fixed: self.path("out"), made: false, path: path.map(rel), shown }),
            members: members.collect(),
            label: None,
            trigger: None,
            runs: Vec::new(),
            prints: Vec::new(),
            link: None,
            lab: None,
            hold: false,
            blocked: None,
        }
    }

    pub(super) fn to_folder(
        &self,
        path: Option<&str>,
        members: &[(&str, &str)],
        publish: Publish,
        on_conflict: OnConflict,
    ) -> DeliveryStep {
        let delivery = Delivery::Folder { path: destination(), publish, trigger: None, on_conflict };
        self.step(path, members, delivery)
    }

    pub(super) fn to_disc(&self, path: Option<&str>, members: &[(&str, &str)], bytes: u64) -> DeliveryStep {
        let medium = DiscSize::Bytes(bytes);
        let delivery = Delivery::Disc { path: destination(), medium, label: None, extras: Vec::new() };
        self.step(path, members, delivery)
    }

    /// The first member has small pictures.
    pub(super) fn to_link(&self, members: &[(&str, &str)]) -> DeliveryStep {
        let delivery = Delivery::Link {
            contents: Vec::new(),
            expires: std::time::Duration::from_hours(1),
            max_downloads: None,
            pin: crate::model::delivery::PinChoice::Auto,
            mail: crate::model::delivery::MailTo::None,
            single_files: true,
            show: crate::model::delivery::Show::Download,
            key: None,
        };
        let mut step = self.step(None, members, delivery);
        step.place = None;
        let id = |id: &str| StepId(id.into());
        let of_first = crate::plan::PlannedPreview { of: id("r1"), thumb: id("r1t"), screen: id("r1s"), same_as: None };
        step.link = Some(crate::plan::PlannedLink {
            key: None,
            client: None,
            language: None,
            zip: rel("all.zip"),
            previews: vec![of_first],
        });
        step
    }

    pub(super) fn to_zip(&self, path: Option<&str>, members: &[(&str, &str)], split: Option<u64>) -> DeliveryStep {
        self.step(path, members, Delivery::Zip { path: destination(), split })
    }

    /// Two of each picture, on 8x10in through channel 11.
    pub(super) fn to_lab(&self, format: LabFormat, members: &[(&str, &str)]) -> DeliveryStep {
        let delivery = Delivery::Lab {
            format,
            path: destination(),
            channels: Vec::new(),
            back_print: Vec::new(),
            image_folder: None,
            customer_id: Some("4711".into()),
            device: Some("PICsRGB".into()),
            names: LabNames::Long,
            accepted_within: None,
        };
        let mut step = self.step(None, members, delivery);
        let print = |(number, member): (u32, &Member)| LabPrint {
            step: StepId(format!("r{number}")),
            line: Some(number),
            item: Some("8X10".into()),
            size: Dimensions::parse("10x8in").unwrap(),
            paper: Some("lustre".into()),
            channel: Some(11),
            quantity: 2,
            file: member.path.clone(),
            original: Some("S1001.jpg".into()),
            back: vec!["1 Larson".into(), String::new()],
        };
        step.lab = Some(PlannedLab {
            name: "1-7f3a".into(),
            client: Some("Ada Larson".into()),
            client_last: Some("Larson".into()),
            prints: (1..).zip(&step.members).map(print).collect(),
        });
        step
    }
}

/// What the operator wrote; deliveries go by the place in the plan.
fn destination() -> Destination {
    Destination { written: String::new(), fixed: PathBuf::new(), made: false, rest: Template::parse("").unwrap() }
}

#[test]
fn what_is_not_built_is_refused_with_its_reason() {
    let bench = Bench::new();
    let mut step = bench.to_folder(None, &[("r1", "a.jpg")], Publish::Files, OnConflict::Suffix);
    step.blocked = Some("labs come later".into());
    let error = bench.run(&step).unwrap_err();
    assert!(matches!(&error, DeliverError::NotBuilt(why) if why == "labs come later") && !error.is_world());
    step.blocked = None;
    step.delivery = Delivery::Print {
        printer: "lustre".into(),
        media: crate::model::delivery::PrintMedia::Ordered,
        copies: crate::model::delivery::PrintCopies::Ordered,
        borderless: true,
        quality: crate::model::delivery::PrintQuality::Normal,
        color_mode: None,
    };
    assert!(bench.run(&step).unwrap_err().to_string().contains("`to: print`"));
    bench.clean(&step).unwrap();
}

#[test]
fn nothing_to_deliver_leaves_nothing_behind() {
    let bench = Bench::new();
    let mut folder = bench.to_folder(Some("S1"), &[], Publish::Whole, OnConflict::Suffix);
    folder.trigger = Some(rel("S1.done"));
    for (number, mut step) in (1..).zip([folder, bench.to_disc(Some("x"), &[], 9), bench.to_zip(Some("x"), &[], None)])
    {
        step.id = StepId(format!("d{number}"));
        assert_eq!(
            bench.complete(&step),
            [format!("delivery d{number} of web has no pictures: nothing was delivered")]
        );
        assert!(bench.tree().is_empty() && bench.standing(&step).is_empty());
    }
}

#[test]
fn the_world_is_told_from_the_job() {
    let disk = |kind: ErrorKind| DeliverError::Disk(durable::DurableError::new("write", Path::new("x"), kind.into()));
    for kind in [
        ErrorKind::StorageFull,
        ErrorKind::PermissionDenied,
        ErrorKind::ReadOnlyFilesystem,
        ErrorKind::ResourceBusy,
        ErrorKind::NotFound,
        ErrorKind::Other,
    ] {
        assert!(disk(kind).is_world(), "{kind:?}");
    }
    for kind in
        [ErrorKind::InvalidFilename, ErrorKind::FileTooLarge, ErrorKind::CrossesDevices, ErrorKind::NotADirectory]
    {
        assert!(!disk(kind).is_world(), "{kind:?}");
    }
    assert_eq!(disk(ErrorKind::StorageFull).to_string(), "cannot write x: no storage space; make room on that disk");
}
