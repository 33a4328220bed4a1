//! `hotfolders plan`: what a manifest would become, and why.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use super::config;
use super::terminal::{self, DIM, GREEN, RED, YELLOW, paint, say, say_painted};
use crate::clock;
use crate::error::Error;
use crate::matcher;
use crate::model::config::{Config, HotFolder, Images};
use crate::model::counted::counted;
use crate::model::manifest::{self, Manifest, ManifestError};
use crate::model::pricing;
use crate::model::units::show_bytes;
use crate::plan::form::{Form, Occasion};
use crate::plan::frozen::{Frozen, Verdict};
use crate::plan::lab::{self, LabOrder};
use crate::plan::make::make;
use crate::plan::{Content, DeliveryStep, Plan, PlannedPrint, RenderStep, Weight, Work, matching, selection};
use crate::render::Fonts;
use crate::spool::places::Places;
use crate::worker::assets::JobAssets;
use crate::worker::facts::{self, Pictures};

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
    starts: Option<jiff::Timestamp>,
}

pub(super) fn run(file: &Path, args: &PlanArgs) -> Result<(), Error> {
    let loaded = config::load(file)?;
    let hot_folder = hot_folder(&loaded.config, args.hot_folder.as_deref())?;
    let dry = dry_run(&loaded.config, hot_folder, &args.manifest)?;
    if args.json {
        terminal::say_json(&serde_json::json!({
            "kind": dry.manifest.kind,
            "record": dry.manifest.record,
            "hot_folder": hot_folder.name,
            "verdict": dry.frozen.verdict,
            "rules": dry.frozen.rules,
            "profiles": dry.frozen.profiles.iter().map(|p| &p.name).collect::<Vec<_>>(),
            "not_before": dry.starts,
            "warnings": dry.warnings,
            "plan": dry.plan,
        }))?;
    } else {
        show(&dry)?;
    }
    match dry.frozen.verdict {
        Verdict::Reject { .. } => Err(Error::failed(String::new())),
        _ => Ok(()),
    }
}

fn dry_run(config: &Config, hot_folder: &HotFolder, path: &Path) -> Result<DryRun, Error> {
    let (mut manifest, warnings) = read_manifest(path)?;
    let frozen = matcher::with_digests(matching::freeze(&manifest, hot_folder, config));
    let zone = clock::time_zone(config.studio.time_zone.as_deref());
    let accepted = clock::now().to_zoned(zone);
    let schedule = matching::schedule(&frozen, &manifest, config, &accepted);
    let plan = if frozen.verdict == Verdict::Run {
        pricing::apply_items(&mut manifest, &frozen.items).map_err(Error::failed)?;
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        let pictures =
            if frozen.pictures_beside { Pictures::Beside(&folder) } else { Pictures::Library(config.library.as_ref()) };
        let wants = selection::wants(&manifest, &frozen.profiles, frozen.pictures_beside);
        let facts = facts::gather(&manifest, wants, pictures, &Places::of_spool(&config.spool))
            .map_err(|e| Error::failed(e.0))?;
        let assets = JobAssets::of_config(&frozen);
        Some(make(
            &manifest,
            &frozen,
            &matcher::printing(config),
            &facts,
            &Fonts::new(&assets),
            Occasion { job: "dry-run", date: accepted.date(), form: Form::CURRENT },
        ))
    } else {
        None
    };
    Ok(DryRun { manifest, warnings, frozen, plan, starts: schedule.not_before })
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
    if let Some(starts) = dry.starts {
        say(&format!("\nIt starts at {starts}."))?;
    }
    dry.plan.as_ref().map_or(Ok(()), show_plan)
}

fn show_plan(plan: &Plan) -> Result<(), Error> {
    say(&format!("\nPictures ({})", plan.renders.len()))?;
    for step in &plan.renders {
        show_step(plan, step)?;
    }
    say("\nDeliveries")?;
    for delivery in &plan.deliveries {
        show_delivery(delivery)?;
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
            let copies = if step.copies > 1 { format!(", {} copies", step.copies) } else { String::new() };
            say(&format!("{head}: {} from {from}{others}: {} px, {ppi:.0} ppi{cut}{copies}", step.name, spec.pixels()))
        }
        Work::Blocked { reason, .. } => say_painted(&format!("{}: {}", paint(&head, "0"), paint(reason, RED))),
    }
}

fn show_delivery(step: &DeliveryStep) -> Result<(), Error> {
    let place = step.place.as_ref().map(|p| p.shown.clone()).unwrap_or_default();
    let free = step.place.as_ref().and_then(|p| free_space(&p.fixed)).map(|b| format!(", {} free", show_bytes(b)));
    say(&format!(
        "  {:<4} {} {place} ({} files{}), asked for by {}",
        step.id.0,
        step.delivery.word(),
        step.members.len(),
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
    for member in step.members.iter().filter(|_| step.prints.is_empty() && step.lab.is_none()) {
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
    let copies = if *copies == 1 { "1 copy".to_string() } else { format!("{copies} copies") };
    format!("{sheet} to {}: {}{on}{paper}, {copies}", ask.printer, ask.size)
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
