//! Which lines and images each profile takes.
//!
//! Owns: every line of the manifest is taken by a profile, or skipped with a reason.

use std::collections::BTreeSet;

use super::facts::Want;
use super::shown::shown_of;
use super::{Finding, Skipped, Weight};
use crate::model::checks::Verdict;
use crate::model::delivery::Delivery;
use crate::model::manifest::{Image, ImageIndex, Kind, Line, Manifest, Rating};
use crate::model::profile::{ImageChoice, Per, Profile, SizeChoice};

/// One picture that a profile makes.
#[derive(Debug, Clone, Copy)]
pub struct Pick<'a> {
    /// Index of the profile in the job's list.
    pub profile: usize,
    pub image: ImageIndex,
    /// The line that it is made for, with `per: line`.
    pub line: Option<&'a Line>,
}

/// What is taken, and what is not.
#[derive(Debug, Default)]
pub struct Selection<'a> {
    /// In the order of profiles, then of the manifest.
    pub picks: Vec<Pick<'a>>,
    pub skipped: Vec<Skipped>,
    pub findings: Vec<Finding>,
}

/// Goes through all profiles.
pub fn select<'a>(manifest: &'a Manifest, profiles: &[Profile]) -> Selection<'a> {
    let mut selection = Selection::default();
    let mut claims: Vec<Vec<usize>> = vec![Vec::new(); manifest.lines.len()];
    for (index, profile) in profiles.iter().enumerate() {
        match profile.per {
            Per::Line => {
                for (line, claimed) in manifest.lines.iter().zip(&mut claims) {
                    let images = pictures_of(line);
                    let wanted: Vec<ImageIndex> = images
                        .into_iter()
                        .filter(|i| profile.groups.matches_any(&manifest.images[*i].groups))
                        .collect();
                    if wanted.is_empty() || !may_take(profile, line) || !has_size_for(profile, line) {
                        continue;
                    }
                    claimed.push(index);
                    let pick = |image| Pick { profile: index, image, line: Some(line) };
                    selection.picks.extend(wanted.into_iter().map(pick));
                }
            }
            Per::Image => {
                let images = images_of(manifest, profile, &mut selection.findings);
                for (line, claimed) in manifest.lines.iter().zip(&mut claims) {
                    if may_take(profile, line) && pictures_of(line).iter().any(|i| images.contains(i)) {
                        claimed.push(index);
                    }
                }
                let pick = |image| Pick { profile: index, image, line: None };
                selection.picks.extend(images.into_iter().map(pick));
            }
        }
    }
    for (line, claimed) in manifest.lines.iter().zip(&claims) {
        judge_claims(line, claimed, profiles, &mut selection);
    }
    selection
}

/// The pictures a line makes outputs of: of a layout one, named by its first picture.
fn pictures_of(line: &Line) -> Vec<ImageIndex> {
    if line.layout.is_some() {
        return line.slots.first().map(|s| s.image).or(line.images.first().copied()).into_iter().collect();
    }
    line.images.clone()
}

/// Whether profile, item and line allow it; the size is looked at apart.
fn may_take(profile: &Profile, line: &Line) -> bool {
    if !line.render {
        return false;
    }
    if let Some(only) = &line.profile {
        return *only == profile.name;
    }
    line.run.as_ref().is_none_or(|run| run.contains(&profile.name))
        && profile.items.matches_optional(line.item.as_deref())
        && profile.vendors.matches_optional(line.vendor.as_deref())
}

fn has_size_for(profile: &Profile, line: &Line) -> bool {
    profile.size != SizeChoice::Ordered || line.size.is_some() || line.layout.is_some()
}

/// The images of a `per: image` profile, each once, in the order of the manifest.
fn images_of(manifest: &Manifest, profile: &Profile, findings: &mut Vec<Finding>) -> Vec<ImageIndex> {
    let choice = profile.images.unwrap_or(match manifest.kind {
        Kind::Session => ImageChoice::Selected,
        Kind::Invoice | Kind::ProductionOrder => ImageChoice::Ordered,
        Kind::Pictures => ImageChoice::All,
    });
    let all = || (0..manifest.images.len()).collect::<Vec<_>>();
    let mut images = match choice {
        ImageChoice::All => all(),
        ImageChoice::Ordered => {
            let lines = manifest.lines.iter().filter(|l| may_take(profile, l));
            let ordered: BTreeSet<ImageIndex> =
                lines.flat_map(|l| l.images.iter().copied().chain(l.slots.iter().map(|s| s.image))).collect();
            ordered.into_iter().collect()
        }
        ImageChoice::Selected | ImageChoice::SelectedOrUndecided => {
            if manifest.images.iter().all(|i| i.rating.is_none()) {
                findings.push(Finding {
                    weight: Weight::Warn,
                    code: "no_ratings".into(),
                    profile: Some(profile.name.clone()),
                    line: None,
                    number: None,
                    text: format!(
                        "no image has a rating: profile `{}` takes all {}",
                        profile.name,
                        manifest.images.len()
                    ),
                });
                all()
            } else {
                let wanted = |image: &Image| match image.rating {
                    Some(Rating::Selected) => true,
                    Some(Rating::Undecided) | None => choice == ImageChoice::SelectedOrUndecided,
                    Some(Rating::NotSelected) => false,
                };
                all().into_iter().filter(|i| wanted(&manifest.images[*i])).collect()
            }
        }
    };
    images.retain(|i| profile.groups.matches_any(&manifest.images[*i].groups));
    images
}

fn judge_claims(line: &Line, claimed: &[usize], profiles: &[Profile], selection: &mut Selection<'_>) {
    let skip = |reason: String| Skipped { line: Some(line.line), image: None, profile: None, reason };
    let finding = |verdict: Verdict, code: &str, text: String| {
        let weight = match verdict {
            Verdict::Off => return None,
            Verdict::Warn => Weight::Warn,
            Verdict::Hold => Weight::Hold,
        };
        Some(Finding { weight, code: code.into(), profile: None, line: Some(line.line), number: None, text })
    };
    let name = |index: &usize| profiles[*index].name.as_str();
    if claimed.is_empty() {
        if !line.render {
            return selection.skipped.push(skip(format!(
                "the price list says `render: false` for {}",
                line.item.as_deref().unwrap_or("its item")
            )));
        }
        if pictures_of(line).is_empty() {
            return selection.skipped.push(skip("it names no picture".into()));
        }
        let reason = unclaimed_reason(line, profiles);
        // Where only whole-image profiles run, nobody expects each line to be made.
        let verdict = profiles.iter().filter(|p| p.per == Per::Line).map(|p| p.checks.unclaimed_line).max();
        let text = format!("line {} has pictures, but no profile takes it: {reason}", line.line);
        selection.findings.extend(finding(verdict.unwrap_or(Verdict::Off), "unclaimed_line", text));
        return selection.skipped.push(skip(reason));
    }
    let paper = |index: &&usize| {
        profiles[**index].deliver.iter().any(|d| matches!(d, Delivery::Print { .. } | Delivery::Lab { .. }))
    };
    let twice: Vec<&str> = claimed.iter().filter(paper).map(name).collect();
    if twice.len() > 1 {
        let verdict = claimed.iter().map(|i| profiles[*i].checks.claimed_twice).max().unwrap_or(Verdict::Off);
        let text = format!("line {} would be printed by {} profiles: {}", line.line, twice.len(), twice.join(", "));
        selection.findings.extend(finding(verdict, "claimed_twice", text));
    }
    let per_line: Vec<usize> = claimed.iter().copied().filter(|i| profiles[*i].per == Per::Line).collect();
    if let Some(checks) = per_line.iter().map(|i| &profiles[*i].checks).max_by_key(|c| c.copies_over.then)
        && line.quantity > checks.copies_over.bound
    {
        let text =
            format!("line {} orders {} copies, more than {}", line.line, line.quantity, checks.copies_over.bound);
        selection.findings.extend(finding(checks.copies_over.then, "copies_over", text));
    }
}

fn unclaimed_reason(line: &Line, profiles: &[Profile]) -> String {
    if let Some(only) = &line.profile {
        return format!("it asks for profile `{only}`, which does not run");
    }
    if line.size.is_none() && line.layout.is_none() && profiles.iter().any(|p| may_take(p, line)) {
        return "it has no size, and the profiles that run make the ordered size".into();
    }
    let item = line.item.as_deref().map(|i| format!(" of item {i}")).unwrap_or_default();
    let vendor = line.vendor.as_deref().map(|v| format!(" for vendor {v}")).unwrap_or_default();
    format!("no profile that runs takes lines{item}{vendor}")
}

/// Every picture that the profiles need, each once.
pub fn wants(manifest: &Manifest, profiles: &[Profile], beside: bool) -> BTreeSet<Want> {
    let selection = select(manifest, profiles);
    let of_pick = |pick: &Pick<'_>| {
        let profile = &profiles[pick.profile];
        shown_of(pick).into_iter().map(|shown| shown.want(manifest, profile, beside)).collect::<Vec<_>>()
    };
    selection.picks.iter().flat_map(of_pick).collect()
}
