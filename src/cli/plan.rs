//! `hotfolders plan`: what a manifest would become, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;

use super::config;
use super::terminal::{self, DIM, GREEN, RED, YELLOW, paint, say, say_painted};
use crate::clock;
use crate::error::Error;
use crate::intake::{self, Beside};
use crate::matcher;
use crate::model::config::{Config, HotFolder, Images};
use crate::model::counted::counted;
use crate::model::manifest::{self, Manifest, ManifestError};
use crate::model::pricing;
use crate::model::units::{show_bytes, show_moment};
use crate::plan::fingerprint::{self, Works};
use crate::plan::form::{Form, Occasion};
use crate::plan::frozen::{Frozen, Verdict};
use crate::plan::lab::{self, LabOrder};
use crate::plan::make::make;
use crate::plan::{
    Content, DeliveryStep, Member, Plan, PlannedPrint, RenderStep, SourcePlace, Weight, Work, matching, selection,
};
use crate::render::Fonts;
use crate::spool::job::JobId;
use crate::spool::places::Places;
use crate::spool::queue::{Spool, SpoolError};
use crate::worker::assets::JobAssets;
use crate::worker::earlier::{self, Asked};
use crate::worker::facts::{self, Pictures};
use crate::worker::run;

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    manifest: PathBuf,
    /// As if it had been dropped there; default: the first of `images: library`.
    #[arg(long, value_name = "NAME")]
    hot_folder: Option<String>,
    #[arg(long)]
    json: bool,
}

/// The hot folder a command means.
pub(super) fn hot_folder<'c>(config: &'c Config, name: Option<&str>) -> Result<&'c HotFolder, Error> {
    if let Some(name) = name {
        let found = config.hot_folder(name).ok_or_else(|| {
            let known: Vec<&str> = config.hot_folders.iter().map(|h| h.name.as_str()).collect();
            Error::usage(format!("there is no hot folder `{name}`; the config has {}", known.join(", ")))
        })?;
        if found.images == Images::Alone {
            return Err(Error::usage(format!(
                "hot folder `{name}` takes pictures without a manifest (`images: alone`), and a manifest would lie \
                 there for ever; copy pictures, or a folder of them, to {}",
                found.folder.display()
            )));
        }
        return Ok(found);
    }
    let library = config.hot_folders.iter().find(|h| h.images == Images::Library);
    library
        .or_else(|| config.hot_folders.iter().find(|h| h.images != Images::Alone))
        .ok_or_else(|| Error::usage("the config names no hot folder that takes manifests"))
}

/// Reads a manifest file; what is wrong with it is the error.
pub(super) fn read_manifest(path: &Path) -> Result<(Manifest, Vec<String>), Error> {
    let bytes = std::fs::read(path).map_err(|e| Error::failed(format!("{}: cannot be read: {e}", path.display())))?;
    match manifest::read(&bytes, &path.to_string_lossy()) {
        Ok(read) => Ok((read.manifest, read.warnings.iter().map(crate::model::problem::Problem::told).collect())),
        Err(ManifestError::CutOff(text) | ManifestError::Invalid(text)) => Err(Error::failed(text)),
    }
}

struct DryRun {
    manifest: Manifest,
    warnings: Vec<String>,
    frozen: Frozen,
    plan: Option<Plan>,
    starts: Option<jiff::Zoned>,
    /// Of pictures that have to lie beside the manifest, why some do not.
    missing: Vec<String>,
    before: Before,
}

/// What earlier jobs of the record mean for it.
#[derive(Debug, Default, serde::Serialize)]
struct Before {
    /// It would make nothing: this job makes, or has made, the same.
    duplicate_of: Option<String>,
    /// What is different from what was made before. Files that are not made any more are removed.
    changes: Vec<String>,
    /// What a person would be asked.
    questions: Vec<String>,
    /// Waiting jobs that it would replace.
    replaces: Vec<JobId>,
}

impl DryRun {
    /// It is refused, or nothing of it can be made. Where one of several pictures is missing, the plan shows the rest.
    fn would_make_nothing(&self) -> bool {
        let is_blocked = |step: &RenderStep| matches!(step.work, Work::Blocked { .. });
        let nothing = |plan: &Plan| !plan.renders.is_empty() && plan.renders.iter().all(is_blocked);
        let fails = matches!(self.frozen.verdict, Verdict::Reject { .. }) || self.plan.as_ref().is_some_and(nothing);
        fails && self.before.duplicate_of.is_none()
    }
}

pub(super) fn run(file: &Path, args: &PlanArgs) -> Result<(), Error> {
    let loaded = config::load(file)?;
    let hot_folder = hot_folder(&loaded.config, args.hot_folder.as_deref())?;
    taken_by(hot_folder, &args.manifest)?;
    let dry = dry_run(&loaded.config, hot_folder, &args.manifest)?;
    if args.json {
        terminal::say_json(&serde_json::json!({
            "kind": dry.manifest.kind,
            "record": dry.manifest.record,
            "hot_folder": hot_folder.name,
            "verdict": dry.frozen.verdict,
            "rules": dry.frozen.rules,
            "profiles": dry.frozen.profiles.iter().map(|p| &p.name).collect::<Vec<_>>(),
            "not_before": dry.starts.as_ref().map(jiff::Zoned::timestamp),
            "warnings": dry.warnings,
            "missing": dry.missing,
            "before": dry.before,
            "plan": dry.plan,
        }))?;
    } else {
        show(&dry)?;
    }
    if dry.would_make_nothing() { Err(Error::failed(String::new())) } else { Ok(()) }
}

/// A file whose name the hot folder does not take would lie there for ever.
pub(super) fn taken_by(hot_folder: &HotFolder, manifest: &Path) -> Result<String, Error> {
    let name = manifest.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.ok_or_else(|| Error::usage(format!("{} has no file name", manifest.display())))?;
    match intake::why_never_taken(&name, hot_folder) {
        Some(why) => Err(Error::failed(format!("{}: {why}", manifest.display()))),
        None => Ok(name),
    }
}

/// The folder in which a file lies.
pub(super) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn dry_run(config: &Config, hot_folder: &HotFolder, path: &Path) -> Result<DryRun, Error> {
    let (manifest, mut warnings) = read_manifest(path)?;
    warnings.extend(intake::why_elsewhere(&manifest, hot_folder, config));
    let frozen = matcher::with_digests(matching::freeze(&manifest, hot_folder, config));
    let zone = clock::time_zone(config.studio.time_zone.as_deref());
    let accepted = clock::now().to_zoned(zone);
    let starts = matching::schedule(&frozen, &manifest, config, &accepted).not_before;
    let starts = starts.map(|at| at.to_zoned(accepted.time_zone().clone()));
    let mut dry =
        DryRun { manifest, warnings, frozen, plan: None, starts, missing: Vec::new(), before: Before::default() };
    if dry.frozen.verdict != Verdict::Run {
        return Ok(dry);
    }
    let (manifest, frozen) = (&mut dry.manifest, &dry.frozen);
    pricing::apply_items(manifest, &frozen.items).map_err(Error::failed)?;
    manifest.keep_only_what_is_reprinted();
    let folder = folder_of(path);
    let lying = frozen.pictures_beside.then(|| Beside::find(manifest, folder, config)).transpose();
    let lying = lying.map_err(|e| Error::failed(format!("{}: cannot be read: {e}", folder.display())))?;
    let pictures = lying.as_ref().map_or(Pictures::Library(config.library.as_ref()), Pictures::Undropped);
    let wants = selection::wants(manifest, &frozen.profiles, frozen.pictures_beside);
    let facts =
        facts::gather(manifest, wants, pictures, &Places::of_spool(&config.spool)).map_err(|e| Error::failed(e.0))?;
    let (assets, printing) = (JobAssets::of_config(frozen), matcher::printing(config));
    let fonts = Fonts::new(&assets);
    let planned = |occasion: Occasion<'_>| make(manifest, frozen, &printing, &facts, &fonts, occasion);
    let mut plan = planned(Occasion { job: "dry-run", date: accepted.date(), form: Form::CURRENT });
    if let (Some(spool), Some(asked)) = (Spool::look(&config.spool), Asked::of(manifest, frozen)) {
        let bare = planned(Occasion::COMPARED);
        fingerprint::name_outputs(&mut plan, &bare);
        let works = works_of(&bare, asked.request.clone(), lying.as_ref());
        let before = compare_with_earlier(&spool, manifest, frozen, &asked, works, &mut plan);
        dry.before = before.map_err(|e| Error::failed(e.to_string()))?;
    }
    dry.plan = Some(plan);
    dry.missing = lying.iter().flat_map(Beside::missing).map(String::from).collect();
    Ok(dry)
}

/// What it would make, in digests, as a job of it would write it down.
fn works_of(bare: &Plan, request: String, lying: Option<&Beside>) -> Works {
    let mut sources = BTreeMap::new();
    for source in &bare.sources {
        let path = match &source.place {
            SourcePlace::Library(path) => Some(path),
            SourcePlace::Input(name) => lying.and_then(|b| b.lying().find(|l| l.input == *name)).map(|l| &l.file),
        };
        if let Some(identity) = path.and_then(|path| earlier::identity_at(source, path).ok()) {
            sources.insert(source.shown.clone(), identity);
        }
    }
    let identities: Option<Vec<String>> = bare.sources.iter().map(|s| sources.get(&s.shown).cloned()).collect();
    let deliveries = identities.and_then(|identities| fingerprint::works(bare, &identities)).unwrap_or_default();
    Works { request, sources, deliveries }
}

/// What was made before goes out of the plan, as a job of it would take it out.
fn compare_with_earlier(
    spool: &Spool,
    manifest: &Manifest,
    frozen: &Frozen,
    asked: &Asked,
    mut works: Works,
    plan: &mut Plan,
) -> Result<Before, SpoolError> {
    let (kind, record) = (manifest.kind, manifest.record.as_str());
    let mut made = || earlier::made_before(spool, kind, record);
    if works.deliveries.is_empty() {
        let compared = earlier::Compared { kind: Some(kind), record, asked, pictures: &works.sources, job: None };
        let duplicate_of = earlier::repeated_of(spool, &compared, &mut made)?.map(|job| job.to_string());
        return Ok(Before { duplicate_of, ..Before::default() });
    }
    let (open, replaced) = run::open_before(earlier::open_jobs(spool, Some(kind), record)?, asked, &works);
    let compared = run::compare(plan, &mut works, frozen, made()?, open, run::Asks::default());
    Ok(Before {
        duplicate_of: compared.duplicate_of,
        changes: compared.changes,
        questions: compared.questions.into_iter().map(|question| question.text).collect(),
        replaces: replaced.into_iter().map(|open| open.at.id).collect(),
    })
}

fn show(dry: &DryRun) -> Result<(), Error> {
    let m = &dry.manifest;
    say(&format!("{} {}, status `{}`", m.kind, m.record, m.status))?;
    for warning in &dry.warnings {
        say_painted(&format!("  {}", paint(&format!("warning: {warning}"), YELLOW)))?;
    }
    say("\nRender jobs")?;
    if dry.frozen.named_by_manifest {
        say("  the manifest names its profiles itself")?;
    }
    for rule in &dry.frozen.rules {
        if rule.matches {
            say_painted(&format!("  {} {}", paint("takes it", GREEN), paint(&rule.rule, "0")))?;
        } else {
            say_painted(&format!(
                "  {} {}: {}",
                paint("not", DIM),
                paint(&rule.rule, "0"),
                paint(&rule.why_not.join(", "), DIM)
            ))?;
        }
    }
    match &dry.frozen.verdict {
        Verdict::Run => {}
        Verdict::Ignored { why } | Verdict::Skipped { why } => return say(&format!("\nNothing is made: {why}")),
        Verdict::Unmatched { why } => return say(&format!("\nIt would be held: {why}")),
        Verdict::Reject { why, .. } => {
            return say_painted(&format!("\n{}", paint(&format!("It would fail: {}", why.trim_end()), RED)));
        }
        Verdict::Cancel => return say("\nIt cancels jobs of this record that have not started."),
    }
    for missing in &dry.missing {
        say_painted(&format!("\n{}", paint(missing, RED)))?;
    }
    show_before(&dry.before)?;
    if dry.before.duplicate_of.is_some() {
        return Ok(());
    }
    if let Some(starts) = &dry.starts {
        say(&format!("\nIt starts at {}.", show_moment(starts.timestamp(), starts.time_zone())))?;
    }
    dry.plan.as_ref().map_or(Ok(()), show_plan)
}

fn show_before(before: &Before) -> Result<(), Error> {
    if let Some(job) = &before.duplicate_of {
        return say(&format!("\nNothing is made: it is a duplicate, job {job} makes, or has made, the same."));
    }
    for replaced in &before.replaces {
        say(&format!("\nIt replaces job {replaced}, of which nothing was delivered."))?;
    }
    for change in &before.changes {
        // A question says it too.
        if !before.questions.iter().any(|question| question.starts_with(change)) {
            say(&format!("\n{change}"))?;
        }
        if change.contains("is not made any more") {
            say("  What is not made any more is removed from its folder, unless somebody changed it.")?;
        }
    }
    for question in &before.questions {
        say_painted(&format!("\n{}", paint(&format!("It would be held: {question}"), YELLOW)))?;
    }
    Ok(())
}

fn show_plan(plan: &Plan) -> Result<(), Error> {
    say(&format!("\nPictures ({})", plan.pictures().count()))?;
    for step in plan.pictures() {
        show_step(plan, step)?;
    }
    say("\nDeliveries")?;
    for delivery in &plan.deliveries {
        show_delivery(plan, delivery)?;
    }
    if !plan.skipped.is_empty() {
        say("\nSkipped")?;
        for skipped in &plan.skipped {
            let what =
                skipped.line.map(|l| format!("line {l}")).or_else(|| skipped.profile.clone()).unwrap_or_default();
            say(&format!("  {what}: {}", skipped.reason))?;
        }
    }
    if !plan.findings.is_empty() {
        say("\nChecks")?;
        for finding in &plan.findings {
            let color = if finding.weight == Weight::Hold { RED } else { YELLOW };
            say_painted(&format!(
                "  {} {}: {}",
                paint(finding.weight.word(), color),
                finding.code,
                paint(&finding.text, "0")
            ))?;
        }
    }
    Ok(())
}

fn show_step(plan: &Plan, step: &RenderStep) -> Result<(), Error> {
    let line = step.line.map(|l| format!("line {l}, ")).unwrap_or_default();
    let head = format!("  {:<4} {line}{} for {}", step.id.0, step.image, step.profile);
    match &step.work {
        Work::Render { spec, ppi, cut, .. } => {
            let source = step.sources().next().and_then(|i| plan.sources.get(i));
            let from = source.map(|s| format!("{} ({})", s.shown, s.header.upright())).unwrap_or_default();
            let cut = if *cut > 0.0005 { format!(", {:.1} % cut away", cut * 100.0) } else { String::new() };
            let others = step.sources().collect::<BTreeSet<_>>().len().saturating_sub(1);
            let others = if others > 0 { format!(" and {others} more") } else { String::new() };
            let copies = if step.copies > 1 { format!(", {}", counted(step.copies, "copy")) } else { String::new() };
            say(&format!("{head}: {} from {from}{others}: {} px, {ppi:.0} ppi{cut}{copies}", step.name, spec.pixels()))
        }
        Work::Blocked { reason, .. } => say_painted(&format!("{}: {}", paint(&head, "0"), paint(reason, RED))),
    }
}

fn show_delivery(plan: &Plan, step: &DeliveryStep) -> Result<(), Error> {
    // The small pictures of a link's pages are nobody's files.
    let is_shown = |member: &&Member| match &member.content {
        Content::Step(id) => plan.render(id).is_none_or(|made| made.preview_of.is_none()),
        Content::File(_) => true,
    };
    let members: Vec<&Member> = step.members.iter().filter(is_shown).collect();
    let place = step.place.as_ref().map(|p| format!(" {}", p.shown)).unwrap_or_default();
    let free = step.place.as_ref().and_then(|p| free_space(&p.fixed)).map(|b| format!(", {} free", show_bytes(b)));
    say(&format!(
        "  {:<4} {}{place} ({}{}), asked for by {}",
        step.id.0,
        step.delivery.word(),
        counted(members.len(), "file"),
        free.unwrap_or_default(),
        step.owner
    ))?;
    if let Some(why) = &step.blocked {
        say_painted(&format!("       {}", paint(why, RED)))?;
    }
    for print in &step.prints {
        say_painted(&format!("       {} {}", print.id, paint(&shown_print(print), "0")))?;
    }
    for order in lab::orders(step) {
        show_order(&order)?;
    }
    for member in members.into_iter().filter(|_| step.prints.is_empty() && step.lab.is_none()) {
        let of = match &member.content {
            Content::Step(id) => id.to_string(),
            Content::File(path) => path.display().to_string(),
        };
        say_painted(&format!("       {} {}", paint(member.path.as_str(), "0"), paint(&format!("({of})"), DIM)))?;
    }
    Ok(())
}

/// What goes to which printer, on what, and how often.
fn shown_print(print: &PlannedPrint) -> String {
    let PlannedPrint { sheet, copies, ask, demand, .. } = print;
    let on = if demand.paper.same_size(ask.size) { String::new() } else { format!(" on {}", demand.paper) };
    let paper = ask.paper.as_ref().map(|paper| format!(", paper {paper}")).unwrap_or_default();
    format!("{sheet} to {}: {}{on}{paper}, {}", ask.printer, ask.size, counted(copies, "copy"))
}

fn show_order(order: &LabOrder<'_>) -> Result<(), Error> {
    let of_channel = order.channel.map(|channel| format!(", channel {channel}")).unwrap_or_default();
    say(&format!("       order {}{of_channel}: {}", order.name, counted(order.copies(), "print")))?;
    for entry in &order.entries {
        let print = entry.print;
        let channel = print.channel.map(|channel| format!(", channel {channel}")).unwrap_or_default();
        let channel = if order.channel.is_some() { String::new() } else { channel };
        let back: Vec<&str> = print.back.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
        let back = if back.is_empty() { String::new() } else { format!(", on the back: {}", back.join(" / ")) };
        let told = format!("{} of {}{channel}{back} ({})", entry.quantity, print.size.label(), print.step);
        say_painted(&format!("         {} {}", paint(print.file.as_str(), "0"), paint(&told, DIM)))?;
    }
    Ok(())
}

/// Bytes that are free where a folder is or will be.
pub(super) fn free_space(folder: &Path) -> Option<u64> {
    let standing = folder.ancestors().find(|p| p.exists())?;
    crate::spool::queue::free_space(standing)
}
