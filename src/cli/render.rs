//! `hotfolders render`: a profile by hand. No spool, no lock, no deliveries.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::config;
use super::terminal::{bar, note, say};
use crate::clock;
use crate::error::Error;
use crate::model::config::Config;
use crate::model::counted::counted;
use crate::model::globs::Globs;
use crate::model::manifest::{Image, of_pictures};
use crate::model::name::RelPath;
use crate::model::profile::{CropChoice, ImageChoice, Per, Profile, SizeChoice};
use crate::plan::facts::{Facts, Found, Want};
use crate::plan::form::{Form, Occasion};
use crate::plan::frozen::{Frozen, FrozenStudio, Verdict};
use crate::plan::make::make;
use crate::plan::printing::Printing;
use crate::plan::{Plan, StepId, Work};
use crate::render::{Fonts, VerifyDepth};
use crate::spool::durable;
use crate::worker::assets::JobAssets;
use crate::worker::facts;
use crate::worker::passes::{self, Around, PassDone, Renderer, SourceProblem};

#[derive(Debug, Args)]
pub(super) struct RenderArgs {
    /// The profile to use.
    #[arg(long, value_name = "P")]
    profile: String,
    /// Where the pictures go; made when it is missing. A file of a finished picture's name is replaced.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
}

pub(super) fn run(file: &Path, args: &RenderArgs) -> Result<(), Error> {
    let loaded = config::load(file)?;
    let config = &loaded.config;
    let Some(profile) = config.profile(&args.profile) else {
        let known: Vec<&str> = config.profiles.iter().map(|p| p.name.as_str()).collect();
        let hint = crate::model::problem::did_you_mean(&args.profile, known.iter().copied());
        return Err(Error::usage(format!(
            "there is no profile `{}`{hint}; the config has {}",
            args.profile,
            known.join(", ")
        )));
    };
    let out = config::absolute(&args.out)?;
    let parent = out.parent().filter(|p| p.is_dir()).map(Path::to_path_buf).unwrap_or_default();
    durable::make_folders(&parent, &out).map_err(|e| Error::failed(e.to_string()))?;
    let threads = config
        .server
        .max_jobs
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    let memory = config.server.max_memory.unwrap_or_else(crate::server::default_memory);
    let renderer = Renderer::new(threads, memory).map_err(|e| Error::failed(e.to_string()))?;
    let mut by_hand = ByHand {
        config,
        profile: profile_by_hand(profile),
        out,
        taken: HashSet::new(),
        originals: args.images.iter().filter_map(|p| p.canonicalize().ok()).collect(),
        failed: 0,
        progress: bar(args.images.len() as u64, "rendering"),
    };
    // `{record}` is the picture's folder, so each folder is planned for itself.
    let mut by_folder: BTreeMap<PathBuf, Vec<&PathBuf>> = BTreeMap::new();
    for image in &args.images {
        let folder = config::absolute(image)?.parent().map(Path::to_path_buf).unwrap_or_default();
        by_folder.entry(folder).or_default().push(image);
    }
    for (folder, images) in by_folder {
        by_hand.render(&renderer, &folder, &images)?;
    }
    by_hand.progress.finish_and_clear();
    match by_hand.failed {
        0 => Ok(()),
        n => Err(Error::failed(format!("{n} of {} could not be made", counted(args.images.len(), "picture")))),
    }
}

/// What says where and which does not apply; a check's `hold` is a warning.
fn profile_by_hand(profile: &Profile) -> Profile {
    let size = if profile.size == SizeChoice::Ordered {
        note(&format!("profile `{}` makes the ordered size; without an order the pictures keep theirs", profile.name));
        SizeChoice::Original
    } else {
        profile.size
    };
    Profile {
        size,
        per: Per::Image,
        images: Some(ImageChoice::All),
        crop: CropChoice::None,
        deliver: Vec::new(),
        items: Globs::default(),
        vendors: Globs::default(),
        groups: Globs::default(),
        ..profile.clone()
    }
}

struct ByHand<'a> {
    config: &'a Config,
    profile: Profile,
    out: PathBuf,
    /// Names in the folder that were given, without case.
    taken: HashSet<String>,
    /// Never written to, wherever the folder lies.
    originals: HashSet<PathBuf>,
    failed: usize,
    progress: indicatif::ProgressBar,
}

impl ByHand<'_> {
    fn render(&mut self, renderer: &Renderer, folder: &Path, images: &[&PathBuf]) -> Result<(), Error> {
        let record = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let manifest = of_pictures(record, Vec::new());
        let (mut manifest, mut facts) = (manifest, Facts::new());
        for path in images {
            match facts::by_hand(path) {
                Ok(candidate) => {
                    let image = manifest.images.len();
                    manifest.images.push(Image { file: Some(candidate.shown.clone()), ..Image::default() });
                    let want = Want { image, sources: vec!["input".into()] };
                    facts.insert(want, Found::Candidates { list: vec![candidate], looked: String::new() });
                }
                Err(e) => self.fail(&path.display().to_string(), &e.to_string()),
            }
        }
        let frozen = crate::matcher::with_digests(self.frozen());
        if let Verdict::Reject { why, .. } = &frozen.verdict {
            return Err(Error::failed(why.clone()));
        }
        let date = clock::now().to_zoned(clock::time_zone(frozen.studio.time_zone.as_deref())).date();
        let assets = Arc::new(JobAssets::of_config(&frozen));
        let occasion = Occasion { job: "", date, form: Form::CURRENT };
        let plan = make(&manifest, &frozen, &Printing::default(), &facts, &Fonts::new(&*assets), occasion);
        for finding in plan.findings.iter().filter(|f| f.code != "no_ratings") {
            note(&format!("warning: {}: {}", finding.code, finding.text));
        }
        self.render_plan(renderer, &plan, assets)
    }

    fn render_plan(&mut self, renderer: &Renderer, plan: &Plan, assets: Arc<JobAssets>) -> Result<(), Error> {
        for step in &plan.renders {
            if let Work::Blocked { reason, .. } = &step.work {
                // A reason may begin with the name of the file, which is all that a picture by hand is called.
                let name = format!("{}: ", step.image);
                self.fail(&step.image, reason.strip_prefix(&name).unwrap_or(reason));
            }
        }
        // In the order of the plan: which pass ends first must not decide who gets the name.
        let made = plan.renders.iter().filter(|step| step.spec().is_some());
        let names = made.map(|step| (step.id.clone(), self.free(&step.name))).collect();
        let stop = AtomicBool::new(false);
        let passes = passes::passes(plan, |_| true);
        let locate = |index: usize| facts::source_path(&plan.sources[index].place, Path::new(""));
        let around = Around {
            locate: &locate,
            known_digest: &|_| None,
            assets,
            verify: VerifyDepth::Headers,
            stop: &stop,
            starved: &|_| {},
        };
        renderer.run(plan, passes, &around, |done| self.take(plan, &names, done))
    }

    fn take(&mut self, plan: &Plan, names: &BTreeMap<StepId, RelPath>, done: PassDone) -> Result<(), Error> {
        let shown = done.pass.sources.first().map_or("", |i| plan.sources[*i].shown.as_str()).to_string();
        self.progress.inc(1);
        let result = match done.result {
            Ok(result) => result,
            Err(SourceProblem::World(text) | SourceProblem::Picture { text, .. }) => {
                self.fail(&shown, &text);
                return Ok(());
            }
        };
        for (output, made) in done.pass.outputs.iter().zip(result.outputs) {
            let made = match made {
                Ok(made) => made,
                Err((_, text)) => {
                    self.fail(&shown, &text);
                    continue;
                }
            };
            for warning in &made.warnings {
                note(&format!("warning: {shown}: {warning}"));
            }
            for id in &output.steps {
                let Some(name) = names.get(id) else { continue };
                let path = name.below(&self.out);
                if path.canonicalize().is_ok_and(|p| self.originals.contains(&p)) {
                    self.fail(&shown, &format!("{} is one of the originals; choose another --out", path.display()));
                    continue;
                }
                durable::replace_unsynced(&path, &made.bytes).map_err(|e| Error::failed(e.to_string()))?;
                self.progress.suspend(|| say(&format!("{shown} -> {} ({})", path.display(), made.pixels)))?;
            }
        }
        Ok(())
    }

    fn free(&mut self, name: &RelPath) -> RelPath {
        let mut free = name.clone();
        let mut number = 2;
        while !self.taken.insert(free.fold_case()) {
            free = name.with_suffix(&format!("_{number}"));
            number += 1;
        }
        free
    }

    fn fail(&mut self, picture: &str, why: &str) {
        self.failed += 1;
        self.progress.suspend(|| note(&format!("error: {picture}: {why}")));
    }

    fn frozen(&self) -> Frozen {
        Frozen {
            verdict: Verdict::Run,
            rules: Vec::new(),
            profiles: vec![self.profile.clone()],
            deliveries: Vec::new(),
            named_by_manifest: true,
            without_delivery: Vec::new(),
            items: Vec::new(),
            studio: FrozenStudio {
                name: self.config.studio.name.clone(),
                copyright: self.config.studio.copyright.clone(),
                time_zone: self.config.studio.time_zone.clone(),
                location: None,
            },
            checks: self.config.checks.clone(),
            layouts: Vec::new(),
            assets: Vec::new(),
            pictures_beside: true,
        }
    }
}
