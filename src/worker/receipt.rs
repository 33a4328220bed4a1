//! The answer to the studio app: `receipt.json`, and the reason files of a failed job.

mod schema;

use std::path::Path;

use jiff::Timestamp;

use self::schema::receipt_types;
pub use self::schema::schema;

use crate::deliver;
use crate::model::digest;
use crate::model::manifest::Kind;
use crate::plan::frozen::Frozen;
use crate::plan::{Content, Finding, Plan, PlannedPrint, StepId, Work, lab};
use crate::spool::job::{FailedStep, JobFile, Reason};
use crate::spool::journal::{MadeLink, PrintRun, PrintState, Progress};
use crate::spool::labs::LabState;

/// The form of a receipt that this version writes.
const RECEIPT_VERSION: u32 = 1;

/// How a job can end.
const RESULTS: [&str; 6] = ["done", "failed", "duplicate", "ignored", "skipped", "cancelled"];

receipt_types! {
    pub struct Receipt {
        pub receipt: u32 => serde_json::json!({ "const": RECEIPT_VERSION }),
        pub job: String,
        pub id: Option<String>,
        pub kind: Option<String> => schema::words_or_null(Kind::WORDS),
        pub record: String,
        /// `done`, `failed`, `duplicate`, `ignored`, `skipped` or `cancelled`.
        pub result: String => serde_json::json!({ "enum": RESULTS }),
        pub accepted: Timestamp,
        pub started: Option<Timestamp>,
        pub finished: Timestamp,
        pub manifest: String,
        pub manifest_sha256: String,
        /// SHA-256 of each profile as it was frozen.
        pub profile_hash: std::collections::BTreeMap<String, String>,
        pub outputs: Vec<ReceiptOutput>,
        pub deliveries: Vec<ReceiptDelivery>,
        pub prints: Vec<ReceiptPrint>,
        #[serde(default)]
        pub links: Vec<ReceiptLink>,
        pub duplicate_of: Option<String>,
        pub warnings: Vec<Notice>,
        pub errors: Vec<Notice>,
    }

    /// A finished picture at one place; one that was made but delivered nowhere has no path.
    pub struct ReceiptOutput {
        pub step: String,
        pub profile: String,
        pub line: Option<u32>,
        /// A number where the picture has one.
        pub number: Option<serde_json::Value> => serde_json::json!({ "type": ["integer", "string", "null"] }),
        pub source: Option<String>,
        pub source_sha256: Option<String>,
        /// Of a sheet with several originals all of them, in the order of its openings.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub sources: Vec<ReceiptSource> [optional],
        pub path: Option<String>,
        pub bytes: u64,
        pub width: u32,
        pub height: u32,
        pub dpi: f64,
        pub sha256: String,
    }

    /// An original of a sheet.
    pub struct ReceiptSource {
        pub source: String,
        pub source_sha256: Option<String>,
    }

    /// A folder, disc or zip that stands.
    pub struct ReceiptDelivery {
        pub step: String,
        pub to: String,
        pub owner: String,
        pub paths: Vec<String>,
        pub complete: bool,
        /// Of a lab: what was handed over.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub orders: Vec<ReceiptOrder> [optional],
    }

    /// An order that was handed to a lab's software. What becomes of it there shows in `status`.
    pub struct ReceiptOrder {
        pub path: String,
        pub channel: Option<u32>,
        /// How many prints it asks for.
        pub copies: u64,
        /// `sent`.
        pub state: String,
    }

    /// A download link. Whoever can read this can open it.
    pub struct ReceiptLink {
        pub step: String,
        pub url: String => serde_json::json!({ "type": "string", "format": "uri" }),
        pub pin: Option<String>,
        pub expires: Timestamp,
        pub max_downloads: Option<u32>,
        /// It is the link of an earlier run, with other files behind it now.
        pub refreshed: bool,
        /// The mail that tells of it, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub mail: Option<ReceiptMail>,
    }

    /// A mail with a link.
    pub struct ReceiptMail {
        pub to: Vec<String>,
        pub message_id: String,
        /// When the mail server took it; null where it did not.
        pub sent: Option<Timestamp>,
    }

    /// A sheet, and how far it is on its way to paper.
    pub struct ReceiptPrint {
        pub step: String,
        pub line: Option<u32>,
        /// The render step that made the sheet.
        #[serde(default)]
        pub sheet: String [optional],
        /// Where it went; of one that has not left, the printer or pool that it was meant for.
        pub printer: String,
        pub printer_job: Option<i32>,
        pub printer_job_uuid: Option<String>,
        pub copies: u32,
        pub state: PrintState,
    }

    /// A warning or an error.
    pub struct Notice {
        pub code: String,
        pub line: Option<u32>,
        pub number: Option<String>,
        pub step: Option<String>,
        pub text: String,
    }
}

impl Receipt {
    /// How many pictures were made; one may stand at several places.
    pub fn pictures(&self) -> usize {
        self.outputs.iter().map(|o| &o.step).collect::<std::collections::BTreeSet<_>>().len()
    }
}

impl Notice {
    pub fn new(code: &str, text: impl Into<String>) -> Notice {
        Notice { code: code.into(), line: None, number: None, step: None, text: text.into() }
    }

    pub fn of_finding(finding: &Finding) -> Notice {
        Notice {
            code: finding.code.clone(),
            line: finding.line,
            number: finding.number.clone(),
            step: None,
            text: finding.text.clone(),
        }
    }
}

/// What the receipt is made from.
#[derive(Debug)]
pub struct Account<'a> {
    pub job: &'a JobFile,
    pub frozen: Option<&'a Frozen>,
    pub plan: Option<&'a Plan>,
    pub progress: &'a Progress,
    pub result: &'a str,
    pub finished: Timestamp,
    pub warnings: Vec<Notice>,
    pub errors: Vec<Notice>,
}

/// Writes down what came of the job. What was made earlier and stays at its place is in it too.
pub fn receipt(account: Account<'_>) -> Receipt {
    let job = account.job;
    let profile_hash = account.frozen.map(|frozen| {
        let hash = |p| digest::sha256(&serde_json::to_vec(p).unwrap_or_default());
        frozen.profiles.iter().map(|p| (p.name.clone(), hash(p))).collect()
    });
    Receipt {
        receipt: RECEIPT_VERSION,
        job: job.job.to_string(),
        id: job.id.clone(),
        kind: job.kind.map(|k| k.word().to_string()),
        record: job.record.clone(),
        result: account.result.to_string(),
        accepted: job.accepted,
        started: account.progress.started,
        finished: account.finished,
        manifest: job.manifest.clone(),
        manifest_sha256: job.manifest_sha256.clone(),
        profile_hash: profile_hash.unwrap_or_default(),
        outputs: account.plan.map(|plan| outputs(plan, account.progress)).unwrap_or_default(),
        deliveries: account.plan.map(|plan| delivered(plan, account.progress)).unwrap_or_default(),
        prints: account.plan.map(|plan| prints(plan, account.progress)).unwrap_or_default(),
        links: links(account.progress),
        duplicate_of: None,
        warnings: account.warnings,
        errors: account.errors,
    }
}

fn outputs(plan: &Plan, progress: &Progress) -> Vec<ReceiptOutput> {
    let mut list = Vec::new();
    for step in plan.pictures() {
        let Some(file) = progress.rendered.get(&step.id) else { continue };
        let Work::Render { spec, .. } = &step.work else { continue };
        let of_source = |index: usize| {
            let source = plan.sources.get(index)?.shown.clone();
            let digest = file.sources.iter().find(|d| d.source == index).map(|d| d.sha256.clone());
            Some(ReceiptSource { source, source_sha256: digest })
        };
        let mut seen = std::collections::BTreeSet::new();
        let mut sources: Vec<ReceiptSource> =
            spec.cells.iter().filter(|c| seen.insert(c.source)).filter_map(|c| of_source(c.source)).collect();
        let first = sources.first().cloned();
        if sources.len() == 1 {
            sources.clear();
        }
        let one = |path: Option<String>| ReceiptOutput {
            step: step.id.to_string(),
            profile: step.profile.clone(),
            line: step.line,
            number: step.number.as_ref().map(|n| n.parse::<u64>().map_or_else(|_| n.clone().into(), Into::into)),
            source: first.as_ref().map(|s| s.source.clone()),
            source_sha256: first.as_ref().and_then(|s| s.source_sha256.clone()),
            sources: sources.clone(),
            path,
            bytes: file.bytes,
            width: file.pixels.width,
            height: file.pixels.height,
            dpi: file.dpi,
            sha256: file.sha256.clone(),
        };
        let paths = places_of(plan, progress, step);
        if paths.is_empty() {
            list.push(one(None));
        }
        list.extend(paths.into_iter().map(|path| one(Some(path))));
    }
    list
}

/// Where a picture stands: below its folder, or below the disc or zip that holds it.
fn places_of(plan: &Plan, progress: &Progress, step: &crate::plan::RenderStep) -> Vec<String> {
    let content = Content::Step(step.id.clone());
    let mut paths = Vec::new();
    for delivery in &plan.deliveries {
        for (index, member) in delivery.members.iter().enumerate() {
            if member.content == content {
                paths.extend(deliver::where_is(delivery, progress, index));
            }
        }
    }
    paths
}

fn delivered(plan: &Plan, progress: &Progress) -> Vec<ReceiptDelivery> {
    plan.deliveries
        .iter()
        .map(|step| ReceiptDelivery {
            step: step.id.to_string(),
            to: step.delivery.word().to_string(),
            owner: step.owner.clone(),
            paths: deliver::placed(step, progress)
                .into_iter()
                .filter(|s| !s.unit.starts_with("label"))
                .map(|s| s.shown)
                .collect(),
            complete: progress.delivered.contains(&step.id),
            orders: orders(step, progress),
        })
        .collect()
}

/// The links of a job.
pub fn links(progress: &Progress) -> Vec<ReceiptLink> {
    let link = |(step, made): (&StepId, &MadeLink)| ReceiptLink {
        step: step.to_string(),
        url: made.url.clone(),
        pin: made.pin.clone(),
        expires: made.expires,
        max_downloads: made.max_downloads,
        refreshed: made.refreshed,
        mail: progress.mails.get(step).map(|mail| ReceiptMail {
            to: mail.to.clone(),
            message_id: mail.message_id.clone(),
            sent: mail.sent,
        }),
    };
    progress.links.iter().map(link).collect()
}

fn orders(step: &crate::plan::DeliveryStep, progress: &Progress) -> Vec<ReceiptOrder> {
    let standing = deliver::placed(step, progress);
    let of_order = |(number, order): (usize, lab::LabOrder<'_>)| {
        let path = standing.iter().find(|s| s.unit == deliver::order_unit(number))?.shown.clone();
        Some(ReceiptOrder { path, channel: order.channel, copies: order.copies(), state: LabState::Sent.to_string() })
    };
    (1..).zip(lab::orders(step)).filter_map(of_order).collect()
}

fn prints(plan: &Plan, progress: &Progress) -> Vec<ReceiptPrint> {
    let of = |print: &PlannedPrint| {
        let run = progress.prints.get(&print.id);
        let intent = run.and_then(|run| run.intent.as_ref()).map(|(_, intent)| intent);
        let job = run.and_then(|run| run.job.as_ref());
        ReceiptPrint {
            step: print.id.to_string(),
            line: plan.render(&print.sheet).and_then(|step| step.line),
            sheet: print.sheet.to_string(),
            printer: intent.map_or_else(|| print.ask.printer.clone(), |intent| intent.printer.clone()),
            printer_job: job.map(|job| job.id),
            printer_job_uuid: job.and_then(|job| job.uuid.clone()),
            copies: print.copies,
            state: run.map_or(PrintState::Rendered, PrintRun::state),
        }
    };
    // What was left out, because an earlier job has printed it, is in that one's receipt.
    let is_made = |step: &&PlannedPrint| plan.render(&step.sheet).is_some();
    plan.deliveries.iter().flat_map(|step| &step.prints).filter(is_made).map(of).collect()
}

/// One paragraph for a person, and the same for programs.
pub fn reason(errors: &[Notice], attempts: u32, (lacks, mend): (Vec<String>, Option<String>)) -> (String, Reason) {
    let code = errors.first().map_or("failed", |e| e.code.as_str()).to_string();
    let mut text = String::new();
    for error in errors {
        text += error.text.trim_end();
        text.push('\n');
    }
    if let Some(mend) = &mend {
        text += &format!("\n{mend}\n");
    }
    text += "\nWhen it is mended: `hotfolders jobs retry JOB` (or move this folder back to pending/).\n";
    let steps = errors
        .iter()
        .filter_map(|e| Some(FailedStep { step: e.step.clone()?, code: e.code.clone(), text: e.text.clone() }))
        .collect();
    let summary = errors.iter().map(|e| e.text.trim_end()).collect::<Vec<_>>().join("; ");
    (text, Reason { code, text: summary, steps, attempts, lacks, mend })
}

/// The receipt's name in a `receipts:` folder. By its ending the studio app, the retention and `erase` know whose it is.
pub fn copy_name(manifest: &str, job: &str) -> Option<crate::model::name::RelPath> {
    crate::model::name::RelPath::with_ending(crate::plan::values::stem(manifest), &format!(".{job}.json"))
}

/// Where the copy of a job's receipt is, or will be, if it has one.
pub fn copy_path(job: &JobFile) -> Option<std::path::PathBuf> {
    let folder = job.receipts.as_ref()?;
    copy_name(&job.manifest, job.job.as_str()).map(|name| name.below(folder))
}

/// Reads a receipt from a job's folder.
pub fn read(folder: &Path) -> Option<Receipt> {
    crate::spool::job::read(folder, crate::spool::job::file::RECEIPT).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::{durable, retention};

    /// Every field has a value, as far as it can.
    fn full() -> serde_json::Value {
        let text = || "x".to_string();
        let at = Timestamp::UNIX_EPOCH;
        let source = ReceiptSource { source: text(), source_sha256: Some(text()) };
        let output = ReceiptOutput {
            step: text(),
            profile: text(),
            line: Some(1),
            number: Some(7.into()),
            source: Some(text()),
            source_sha256: Some(text()),
            sources: vec![source.clone(), source],
            path: Some(text()),
            bytes: 1,
            width: 1,
            height: 1,
            dpi: 300.0,
            sha256: text(),
        };
        let order = ReceiptOrder { path: text(), channel: Some(1), copies: 1, state: text() };
        let print = ReceiptPrint {
            step: text(),
            line: Some(1),
            sheet: text(),
            printer: text(),
            printer_job: Some(1),
            printer_job_uuid: Some(text()),
            copies: 1,
            state: PrintState::Sent,
        };
        let link = ReceiptLink {
            step: text(),
            url: text(),
            pin: Some(text()),
            expires: at,
            max_downloads: Some(1),
            refreshed: false,
            mail: Some(ReceiptMail { to: vec![text()], message_id: text(), sent: Some(at) }),
        };
        let delivery = ReceiptDelivery {
            step: text(),
            to: text(),
            owner: text(),
            paths: vec![text()],
            complete: true,
            orders: vec![order],
        };
        let notice = Notice { line: Some(1), number: Some(text()), step: Some(text()), ..Notice::new("x", "x") };
        let receipt = Receipt {
            receipt: RECEIPT_VERSION,
            job: text(),
            id: Some(text()),
            kind: Some(Kind::Invoice.word().into()),
            record: text(),
            result: "done".into(),
            accepted: at,
            started: Some(at),
            finished: at,
            manifest: text(),
            manifest_sha256: text(),
            profile_hash: [(text(), text())].into(),
            outputs: vec![output],
            deliveries: vec![delivery],
            prints: vec![print],
            links: vec![link],
            duplicate_of: Some(text()),
            warnings: vec![notice.clone()],
            errors: vec![notice],
        };
        serde_json::to_value(receipt).unwrap()
    }

    #[test]
    fn the_schema_says_what_a_receipt_holds_and_refuses_what_it_lacks() {
        let (validator, whole) = (jsonschema::validator_for(&schema()).unwrap(), full());
        assert!(
            validator.is_valid(&whole),
            "{:?}",
            validator.iter_errors(&whole).map(|e| e.to_string()).collect::<Vec<_>>()
        );
        for (list, key) in [("links", "url"), ("prints", "state"), ("outputs", "sha256"), ("deliveries", "paths")] {
            let mut less = whole.clone();
            less[list][0].as_object_mut().unwrap().remove(key);
            assert!(!validator.is_valid(&less), "{list} without {key}");
        }
        let mut other = whole.clone();
        other["links"][0]["mail"]["to"] = "x".into();
        assert!(!validator.is_valid(&other));
        other = whole;
        other["result"] = "lost".into();
        assert!(!validator.is_valid(&other));
    }

    #[test]
    fn a_copy_is_known_by_its_job_however_long_the_manifests_name_is() {
        let dir = tempfile::tempdir().unwrap();
        let job = "20261130-135136-invoice-1042-c0de";
        for manifest in ["1042.json".to_string(), format!("{}.json", "Bestellung ü ".repeat(18))] {
            let copy = copy_name(&manifest, job).unwrap();
            assert!(copy.as_str().ends_with(&format!(".{job}.json")), "{copy}");
            durable::replace(&copy.below(dir.path()), b"{}").unwrap();
        }
        let found = retention::receipts_in(dir.path(), &|named| named == job).unwrap();
        assert_eq!(found.len(), 2);
    }
}
