//! The pictures of a job: each output beside the part of its original that it shows.
//!
//! Owns: which file is opened comes from the job's plan and journal alone; what a URL names is a step of it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Read;
use crate::model::spec::{Cell, Turn};
use crate::plan::{Content, DeliveryStep, RenderStep, StepId, Work};
use crate::spool::job::{Stamp, file};
use crate::spool::links::{Contents, screen_name};
use crate::spool::queue::State;
use crate::spool::thumbnails;
use crate::web::dashboard::words::{Badge, badge};

/// Largest file of which a small picture is made.
const PICTURE_MAX_BYTES: u64 = 256 * 1024 * 1024;

/// An output as the page shows it.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) step: String,
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) badge: Badge,
    /// Why it is not there, or what was remarked.
    pub(crate) why: Option<String>,
    /// It was made, whether or not it can be shown.
    pub(crate) is_made: bool,
    pub(crate) shows_result: bool,
    pub(crate) shows_source: bool,
    pub(crate) crop: Option<Crop>,
}

/// The part of the original that is shown; the original is `width` by `height`.
#[derive(Debug)]
pub(crate) struct Crop {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Everything but the part, as the path of an SVG.
    pub(crate) rest: String,
    /// The part's own edge.
    pub(crate) edge: String,
}

pub(super) fn outputs(read: &Read, from: usize, most: usize) -> Vec<Output> {
    let Some(plan) = &read.plan else { return Vec::new() };
    plan.pictures().skip(from).take(most).map(|step| output(read, step)).collect()
}

fn output(read: &Read, step: &RenderStep) -> Output {
    let progress = &read.progress;
    let (rendered, failed) = (progress.rendered.get(&step.id), progress.failed.get(&step.id));
    let mut about = vec![step.profile.clone()];
    about.extend(step.line.map(|line| format!("line {line}")));
    about.push(step.image.clone());
    if let Work::Render { spec, ppi, cut, .. } = &step.work {
        let pixels = rendered.map_or_else(|| spec.pixels(), |file| file.pixels);
        about.push(format!("{pixels} px, {:.0} dpi", spec.dpi));
        about.push(format!("{ppi:.0} ppi of the original"));
        if *cut >= 0.005 {
            about.push(format!("{:.0} % cut off", cut * 100.0));
        }
        if step.copies > 1 {
            about.push(format!("{} copies", step.copies));
        }
    }
    let (state, why) = match (&step.work, rendered, failed) {
        (_, Some(file), _) => {
            (badge("Rendered", "good"), Some(file.warnings.join("; ")).filter(|text| !text.is_empty()))
        }
        (_, None, Some((_, why))) => (badge("Failed", "bad"), Some(why.clone())),
        (Work::Blocked { reason, .. }, ..) => (badge("Cannot be made", "bad"), Some(reason.clone())),
        _ => (badge("To do", "quiet"), None),
    };
    let cell = step.spec().and_then(|spec| spec.cells.first());
    Output {
        step: step.id.to_string(),
        name: step.name.to_string(),
        about: about.join(" · "),
        badge: state,
        why,
        is_made: rendered.is_some(),
        shows_result: result(read, step).is_some(),
        shows_source: source(read, step).is_some(),
        crop: cell.map(crop),
    }
}

fn crop(cell: &Cell) -> Crop {
    let (frame, region) = (cell.frame, cell.region);
    let part = |sign: char| {
        let (x, y, w, h) = (region.x, region.y, region.width, region.height);
        match sign {
            // The other way round, so that it stays empty.
            '-' => format!("M{x:.1} {y:.1}v{h:.1}h{w:.1}v-{h:.1}z"),
            _ => format!("M{x:.1} {y:.1}h{w:.1}v{h:.1}h-{w:.1}z"),
        }
    };
    let (width, height) = (frame.width, frame.height);
    Crop { width, height, rest: format!("M0 0h{width}v{height}h-{width}z{}", part('-')), edge: part('+') }
}

/// Where something lies that can be shown small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web::dashboard) enum Lies {
    /// It is small already.
    Kept(PathBuf),
    File(PathBuf),
    /// A zip, and the name in it.
    Zip(PathBuf, String),
}

/// A picture to be shown small, and by what it is known again. Nothing of it is read yet.
pub(crate) struct Shown {
    pub(crate) key: String,
    pub(crate) lies: Lies,
    pub(crate) turn: Turn,
}

impl Lies {
    /// A large picture is read by whoever has its turn to make it small: not sooner.
    pub(in crate::web::dashboard) fn read(&self) -> Option<Vec<u8>> {
        match self {
            Lies::Kept(path) | Lies::File(path) => whole(path),
            Lies::Zip(path, name) => in_zip(path, name),
        }
    }
}

/// A picture of a step, small; nothing where it is not kept.
pub(super) fn find(read: &Read, id: &str, which: &str) -> Option<Shown> {
    let step = read.plan.as_ref()?.render(&StepId(id.to_string()))?;
    match which {
        "source" => source(read, step),
        "result" => result(read, step),
        _ => None,
    }
}

/// The original of a step, as it is turned for it. While the job is at work or waits for its turn, only what it has made
/// small itself: its originals are its own to read first.
fn source(read: &Read, step: &RenderStep) -> Option<Shown> {
    let cell = step.spec()?.cells.first()?;
    let folder = &read.located.folder;
    let kept = thumbnails::of_source(folder, cell.source, cell.rotate);
    if kept.is_file() {
        return Some(Shown { key: String::new(), lies: Lies::Kept(kept), turn: Turn::None });
    }
    if matches!(read.located.state, State::Pending | State::Processing) {
        return None;
    }
    let path = read.plan.as_ref()?.sources.get(cell.source)?.place.path(folder);
    let stamp = Stamp::of(&path).ok()?;
    let key = format!("{}:{}:{}:{:?}", stamp.device, stamp.inode, stamp.modified_ns, cell.rotate);
    Some(Shown { key, lies: Lies::File(path), turn: cell.rotate })
}

/// The finished picture: kept small with the job, else where it stands.
fn result(read: &Read, step: &RenderStep) -> Option<Shown> {
    let rendered = read.progress.rendered.get(&step.id)?;
    let folder = &read.located.folder;
    let kept = thumbnails::of_result(folder, &rendered.file);
    let own = rendered.file.below(&folder.join(file::OUTPUTS));
    let lies = if kept.is_file() {
        Lies::Kept(kept)
    } else if own.is_file() {
        Lies::File(own)
    } else {
        delivered(read, step, &rendered.sha256).or_else(|| linked(read, step))?
    };
    Some(Shown { key: rendered.sha256.clone(), lies, turn: Turn::None })
}

fn delivered(read: &Read, step: &RenderStep, sha256: &str) -> Option<Lies> {
    let plan = read.plan.as_ref()?;
    for delivery in &plan.deliveries {
        let Some(member) = delivery.members.iter().find(|m| m.content == Content::Step(step.id.clone())) else {
            continue;
        };
        let Some(place) = &delivery.place else { continue };
        let placed = read.progress.placed.get(&delivery.id).into_iter().flat_map(|units| units.values());
        for (placed, _) in placed.filter(|(_, stands)| *stands) {
            // Files lie below the destination; discs and zips are it.
            for at in [placed.path.below(&place.folder()), placed.path.below(&place.fixed)] {
                let within = member.path.below(&at);
                if within.is_file() {
                    return Some(Lies::File(within));
                }
                if !at.is_file() {
                    continue;
                }
                if placed.sha256 == sha256 {
                    return Some(Lies::File(at));
                }
                if at.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip")) {
                    return Some(Lies::Zip(at, member.path.as_str().to_string()));
                }
            }
        }
    }
    None
}

fn linked(read: &Read, step: &RenderStep) -> Option<Lies> {
    let find = |delivery: &DeliveryStep| {
        let made = read.progress.links.get(&delivery.id)?;
        let member = delivery.members.iter().find(|member| member.content == Content::Step(step.id.clone()))?;
        let contents = Contents::read(&made.folder).ok()?;
        let index = contents.files.iter().position(|file| file.path == member.path && file.screen.is_some())?;
        Some(made.folder.join(screen_name(index))).filter(|path| path.is_file()).map(Lies::File)
    };
    read.plan.as_ref()?.deliveries.iter().find_map(find)
}

fn in_zip(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(std::io::BufReader::new(std::fs::File::open(path).ok()?)).ok()?;
    let member = archive.by_name(name).ok().filter(|member| member.size() <= PICTURE_MAX_BYTES)?;
    let mut bytes = Vec::new();
    member.take(PICTURE_MAX_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn whole(path: &Path) -> Option<Vec<u8>> {
    let metadata = std::fs::metadata(path).ok()?;
    (metadata.is_file() && metadata.len() <= PICTURE_MAX_BYTES).then(|| std::fs::read(path).ok()).flatten()
}
