//! Which render jobs take a manifest, and what the job keeps of the config.

use super::frozen::{Frozen, FrozenStudio, RuleDelivery, RuleVerdict, Verdict};
use crate::model::config::{Config, HotFolder, Images, Layout, Unmatched};
use crate::model::counted::with_article;
use crate::model::delivery::{Delivery, PackageEntry};
use crate::model::globs::Globs;
use crate::model::manifest::{self, Action, Kind, Manifest};
use crate::model::pricing;
use crate::model::profile::{ColorProfile, OverlayContent, Profile, Purpose};
use crate::model::rule::{At, Rule};

/// Decides what a manifest becomes with a config. Pure; digests of ICC files are added by whoever may read them.
pub fn freeze(manifest: &Manifest, hot_folder: &HotFolder, config: &Config) -> Frozen {
    let rules: Vec<RuleVerdict> = config.rules.iter().map(|rule| judge(rule, manifest, hot_folder)).collect();
    let mut frozen = Frozen {
        verdict: Verdict::Run,
        rules,
        profiles: Vec::new(),
        deliveries: Vec::new(),
        named_by_manifest: !named(manifest, hot_folder).is_empty(),
        without_delivery: Vec::new(),
        items: config.items.clone(),
        studio: FrozenStudio {
            name: config.studio.name.clone(),
            copyright: config.studio.copyright.clone(),
            time_zone: config.studio.time_zone.clone(),
            location: hot_folder.location.clone(),
        },
        checks: config.checks.clone(),
        layouts: Vec::new(),
        assets: Vec::new(),
        pictures_beside: hot_folder.images != Images::Library,
    };
    frozen.verdict = decide(manifest, hot_folder, config, &mut frozen);
    frozen
}

/// The profiles that are run whatever the render jobs say. Pictures without a manifest run what their hot folder names.
fn named<'n>(manifest: &'n Manifest, hot_folder: &'n HotFolder) -> &'n [String] {
    if manifest.kind == Kind::Pictures && manifest.profiles.is_empty() { &hot_folder.run } else { &manifest.profiles }
}

fn decide(manifest: &Manifest, hot_folder: &HotFolder, config: &Config, frozen: &mut Frozen) -> Verdict {
    if manifest.action == Action::Cancel {
        return Verdict::Cancel;
    }
    let profiles: Vec<&str> = config.profiles.iter().map(|p| p.name.as_str()).collect();
    let layouts: Vec<&str> = config.layouts.iter().map(|l| l.name.as_str()).collect();
    if let Err(why) = manifest::check_names(manifest, &profiles, &layouts) {
        return Verdict::Reject { code: "unknown_name".into(), why };
    }
    if manifest.is_never_rendered() {
        let why = format!(
            "{} of type `{}` is never rendered",
            with_article(manifest.kind.word()),
            manifest.r#type.as_deref().unwrap_or_default()
        );
        return Verdict::Skipped { why };
    }
    let mut priced = manifest.clone();
    if let Err(why) = pricing::apply_items(&mut priced, &frozen.items) {
        return Verdict::Reject { code: "invalid_manifest".into(), why };
    }
    let takers: Vec<&Rule> =
        config.rules.iter().zip(&frozen.rules).filter(|(_, v)| v.matches).map(|(rule, _)| rule).collect();
    if takers.is_empty() && !frozen.named_by_manifest {
        let why = unmatched_reason(manifest, hot_folder, &config.rules);
        return match hot_folder.unmatched {
            Unmatched::Ignore => Verdict::Ignored { why },
            Unmatched::Hold => Verdict::Unmatched { why },
            Unmatched::Fail => Verdict::Reject { code: "unmatched".into(), why },
        };
    }
    frozen.layouts = layouts_of(&priced, config);
    if let Err(why) = check_openings(&priced, &frozen.layouts) {
        return Verdict::Reject { code: "other_openings".into(), why };
    }
    choose_profiles(&priced, named(manifest, hot_folder), &takers, config, frozen);
    Verdict::Run
}

/// The layouts that lines which are rendered name, each once.
fn layouts_of(manifest: &Manifest, config: &Config) -> Vec<Layout> {
    let named = |layout: &&Layout| {
        manifest.lines.iter().any(|line| line.render && line.layout.as_ref().is_some_and(|name| *name == layout.name))
    };
    config.layouts.iter().filter(named).cloned().collect()
}

/// Refuses slots that are more or fewer than the openings of their layout; all lines at once.
fn check_openings(manifest: &Manifest, layouts: &[Layout]) -> Result<(), String> {
    let wrong: Vec<String> = manifest
        .lines
        .iter()
        .filter(|line| line.render && !line.slots.is_empty())
        .filter_map(|line| {
            let layout = layouts.iter().find(|l| Some(&l.name) == line.layout.as_ref())?;
            let (slots, openings) = (line.slots.len(), layout.opening_count());
            (slots != openings).then(|| {
                format!(
                    "line {}: the layout `{}` has {openings} openings, the line {slots} slots",
                    line.line, layout.name
                )
            })
        })
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn choose_profiles(manifest: &Manifest, wanted: &[String], matched: &[&Rule], config: &Config, frozen: &mut Frozen) {
    let mut names: Vec<&str> = Vec::new();
    let mut add = |name: &'_ str| {
        if let Some(profile) = config.profile(name)
            && !names.contains(&profile.name.as_str())
        {
            names.push(profile.name.as_str());
        }
    };
    if frozen.named_by_manifest {
        for name in wanted {
            add(name);
        }
    } else {
        matched.iter().flat_map(|rule| &rule.run).for_each(|name| add(name));
        for rule in matched {
            frozen.deliveries.extend(rule.deliver.iter().map(|delivery| RuleDelivery {
                rule: rule.name.clone(),
                run: package_profiles(rule, delivery),
                delivery: delivery.clone(),
            }));
        }
    }
    // A line, or the price list, may name profiles that the render job does not: those with a delivery of their own run.
    for line in &manifest.lines {
        for name in line.profile.iter().chain(line.run.iter().flatten()) {
            if config.profile(name).is_some_and(|p| !p.deliver.is_empty()) {
                add(name);
            }
        }
    }
    for name in names {
        let Some(profile) = config.profile(name) else { continue };
        if manifest.kind == Kind::Session && profile.purpose == Purpose::Final {
            continue;
        }
        let by_rule = frozen.deliveries.iter().any(|d| d.run.iter().any(|n| n == name));
        if profile.deliver.is_empty() && !by_rule {
            frozen.without_delivery.push(name.to_string());
        } else {
            frozen.profiles.push(profile.clone());
        }
    }
}

/// The profiles whose pictures a render job's delivery takes.
fn package_profiles(rule: &Rule, delivery: &Delivery) -> Vec<String> {
    let Delivery::Link { contents, .. } = delivery else { return rule.run.clone() };
    let named: Vec<String> = contents
        .iter()
        .filter_map(|entry| match entry {
            PackageEntry::Profile { profile, .. } => Some(profile.clone()),
            PackageEntry::File(_) => None,
        })
        .collect();
    if named.is_empty() { rule.run.clone() } else { named }
}

/// One condition of a render job that a manifest does not meet.
struct Mismatch<'a> {
    what: &'static str,
    value: Option<&'a str>,
    wanted: Vec<&'a str>,
}

impl Mismatch<'_> {
    fn told(&self) -> String {
        self.against(&self.wanted)
    }

    fn against(&self, wanted: &[&str]) -> String {
        let Mismatch { what, value, .. } = self;
        let shown = value.map_or_else(|| format!("{what} is not given"), |value| format!("{what} is `{value}`"));
        format!("{shown}, not {}", quoted_list(wanted))
    }

    /// How many letters it takes to make one of what is wanted out of the value, and which.
    fn nearest(&self) -> (usize, &str) {
        let value = self.value.unwrap_or_default().to_lowercase();
        let letters = |wanted: &str| strsim::damerau_levenshtein(&value, &wanted.trim_matches('*').to_lowercase());
        let all = self.wanted.iter().map(|wanted| (letters(wanted), *wanted));
        all.min_by_key(|(letters, _)| *letters).unwrap_or_default()
    }
}

/// What keeps a render job from taking a manifest.
fn mismatches<'a>(rule: &'a Rule, manifest: &'a Manifest, hot_folder: &'a HotFolder) -> Vec<Mismatch<'a>> {
    let mut found = Vec::new();
    let when = &rule.when;
    if !when.kind.is_empty() && !when.kind.contains(&manifest.kind) {
        let wanted = when.kind.iter().map(|kind| kind.word()).collect();
        found.push(Mismatch { what: "kind", value: Some(manifest.kind.word()), wanted });
    }
    let mut compare = |what, globs: &'a Globs, value: Option<&'a str>| {
        if !globs.matches_optional(value) {
            found.push(Mismatch { what, value, wanted: globs.written().iter().map(String::as_str).collect() });
        }
    };
    compare("status", &when.status, Some(manifest.status.as_str()).filter(|s| !s.is_empty()));
    compare("type", &when.r#type, manifest.r#type.as_deref());
    compare("location", &when.location, manifest.location.as_deref().or(hot_folder.location.as_deref()));
    compare("hot folder", &when.hot_folder, Some(&hot_folder.name));
    found
}

/// Whether a render job takes a manifest, and if not, why.
fn judge(rule: &Rule, manifest: &Manifest, hot_folder: &HotFolder) -> RuleVerdict {
    let why_not: Vec<String> = mismatches(rule, manifest, hot_folder).iter().map(Mismatch::told).collect();
    RuleVerdict { rule: rule.name.clone(), matches: why_not.is_empty(), why_not }
}

fn quoted_list(words: &[&str]) -> String {
    words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(" or ")
}

/// In one sentence, with the render job that comes nearest: the one that differs in the fewest conditions, then in the
/// fewest letters. What keeps each of them from it stands in the verdicts.
fn unmatched_reason(manifest: &Manifest, hot_folder: &HotFolder, rules: &[Rule]) -> String {
    let text = format!("no render job takes this {} with status `{}`", manifest.kind, manifest.status);
    let differences = rules.iter().map(|rule| (rule, mismatches(rule, manifest, hot_folder)));
    let nearest = differences.min_by_key(|(_, found)| {
        // A word of another meaning is not nearer for having like letters.
        let written = found.iter().filter(|mismatch| mismatch.what != "kind");
        let letters: usize = written.map(|mismatch| mismatch.nearest().0).sum();
        (found.len(), letters)
    });
    let Some((rule, found)) = nearest else { return text + ": the config has no `render_jobs`" };
    let why_not = found.iter().map(|mismatch| mismatch.against(&[mismatch.nearest().1]));
    format!("{text}; the nearest is `{}`: {}", rule.name, why_not.collect::<Vec<_>>().join(", "))
}

/// Priority, start and hold of the rules that matched: the highest, the latest, any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub priority: i32,
    pub not_before: Option<jiff::Timestamp>,
    pub hold: Option<String>,
}

/// When a job may start. `accepted` is the moment of acceptance, in the studio's time zone.
pub fn schedule(frozen: &Frozen, manifest: &Manifest, config: &Config, accepted: &jiff::Zoned) -> Schedule {
    let matched = |rule: &&Rule| frozen.rules.iter().any(|v| v.matches && v.rule == rule.name);
    let rules: Vec<&Rule> = config.rules.iter().filter(matched).filter(|_| !frozen.named_by_manifest).collect();
    let starts = rules.iter().filter_map(|rule| start(rule.at, accepted)).chain(manifest.not_before);
    let hold = rules.iter().find(|r| r.hold).map(|r| format!("render job `{}` says `hold`", r.name));
    Schedule {
        priority: rules.iter().map(|r| r.priority).max().unwrap_or(0).max(manifest.priority),
        not_before: starts.max().filter(|at| *at > accepted.timestamp()),
        hold,
    }
}

/// The moment an `at` means, counted from acceptance; `None` for now.
fn start(at: At, accepted: &jiff::Zoned) -> Option<jiff::Timestamp> {
    match at {
        At::Now => None,
        At::After(duration) => {
            let span = jiff::SignedDuration::try_from(duration).ok()?;
            accepted.timestamp().checked_add(span).ok()
        }
        At::TimeOfDay(time) => {
            let time = jiff::civil::time((time.0 / 60) as i8, (time.0 % 60) as i8, 0, 0);
            let today = accepted.date().to_datetime(time).to_zoned(accepted.time_zone().clone()).ok()?;
            let next = if today.timestamp() > accepted.timestamp() {
                today
            } else {
                accepted.date().tomorrow().ok()?.to_datetime(time).to_zoned(accepted.time_zone().clone()).ok()?
            };
            Some(next.timestamp())
        }
    }
}

/// ICC files, artwork and fonts that profiles and layouts name, each once.
pub fn asset_files(profiles: &[Profile], layouts: &[Layout]) -> Vec<std::path::PathBuf> {
    let mut files: Vec<std::path::PathBuf> = Vec::new();
    let mut add = |path: &std::path::PathBuf| {
        if !files.contains(path) {
            files.push(path.clone());
        }
    };
    for profile in profiles {
        for space in [&profile.color.profile, &profile.color.untagged] {
            if let ColorProfile::File(path) = space {
                add(path);
            }
        }
        for overlay in &profile.overlays {
            match &overlay.content {
                OverlayContent::Image(path) => add(path),
                OverlayContent::Text { font, .. } => font.iter().for_each(&mut add),
            }
        }
    }
    for layout in layouts {
        layout.artwork.iter().for_each(|art| add(&art.image));
        layout.texts.iter().flat_map(|text| &text.font).for_each(&mut add);
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hot folder that holds what nobody takes, and so many render jobs for other statuses.
    fn unmatched(status: &str, kind: &str) -> Frozen {
        let mut config = String::from(
            "version: 1\nhot_folders: { status: { folder: drop, images: beside, unmatched: hold } }\n\
             profiles: { web: { size: 64px, deliver: [ { to: folder, path: out } ] } }\nrender_jobs:\n",
        );
        for (name, when) in [
            ("proofs", "kind: session, status: Imported"),
            ("print", "kind: invoice, status: [Paid in Full, \"Print*\"]"),
        ] {
            config += &format!("  - {{ name: {name}, when: {{ {when} }}, run: [web] }}\n");
        }
        for number in 0..10 {
            config += &format!(
                "  - {{ name: other {number}, when: {{ kind: invoice, status: Waiting {number} }}, run: [web] }}\n"
            );
        }
        let config = Config::parse(&config, std::path::Path::new("/studio/hotfolders.yaml")).unwrap();
        let text = format!(r#"{{ "manifest": 1, "kind": "{kind}", "record": "7", "status": "{status}" }}"#);
        let manifest = manifest::read(text.as_bytes(), "a.json").unwrap().manifest;
        freeze(&manifest, &config.hot_folders[0], &config)
    }

    #[test]
    fn one_sentence_says_which_render_job_is_nearest() {
        for (status, kind, nearest) in [
            ("Paid in Ful", "invoice", "`print`: status is `Paid in Ful`, not `Paid in Full`"),
            ("Primt", "invoice", "`print`: status is `Primt`, not `Print*`"),
            ("waiting 12", "invoice", "`other 1`: status is `waiting 12`, not `Waiting 1`"),
            ("Imported", "invoice", "`proofs`: kind is `invoice`, not `session`"),
            (
                "Import",
                "production_order",
                "`proofs`: kind is `production_order`, not `session`, status is `Import`, not `Imported`",
            ),
        ] {
            let frozen = unmatched(status, kind);
            let Verdict::Unmatched { why } = &frozen.verdict else { panic!("{:?}", frozen.verdict) };
            let kind = Kind::from_word(kind).unwrap();
            assert_eq!(
                *why,
                format!("no render job takes this {kind} with status `{status}`; the nearest is {nearest}")
            );
            // The long list is kept beside it.
            assert!(frozen.rules.len() == 12 && frozen.rules.iter().all(|rule| !rule.why_not.is_empty()));
        }
    }

    #[test]
    fn at_is_the_next_time_the_clock_shows_it() {
        let accepted: jiff::Zoned = "2026-11-20T15:04:05-06:00[America/Chicago]".parse().unwrap();
        let at =
            |text: &str| start(At::TimeOfDay(crate::model::units::TimeOfDay::parse(text).unwrap()), &accepted).unwrap();
        assert_eq!(at("22:00").to_string(), "2026-11-21T04:00:00Z");
        assert_eq!(at("08:00").to_string(), "2026-11-21T14:00:00Z");
        let later = start(At::After(std::time::Duration::from_hours(2)), &accepted).unwrap();
        assert_eq!(later.to_string(), "2026-11-20T23:04:05Z");
    }
}
