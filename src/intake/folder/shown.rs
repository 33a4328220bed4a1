//! What people are shown of a hot folder.

use std::path::{Path, PathBuf};

use super::{Folder, below};
use crate::intake::state::{DropTrouble, FolderState, LISTED_MAX, MISSING_MAX, Mode, WaitingManifest, cut};
use crate::intake::waiting::Waiting;
use crate::model::name::quoted;

impl Folder {
    /// What stands in the way of single drops, the oldest first.
    fn lasting(&self) -> Vec<DropTrouble> {
        let folder = &self.settings.folder;
        let of_waiting = |(path, waiting): (&PathBuf, &Waiting)| {
            Some((below(folder, path), waiting.troubles.lasting(path.parent().unwrap_or(folder))?))
        };
        let all = self.waiting.iter().filter_map(of_waiting).chain(self.units.lasting(folder));
        let mut all: Vec<DropTrouble> =
            all.map(|(name, lasting)| DropTrouble { name, why: lasting.why, since: lasting.since }).collect();
        all.extend(self.claimed_elsewhere.iter().cloned());
        all.sort_by(|a, b| (a.since, &a.name).cmp(&(b.since, &b.name)));
        all
    }

    /// All that could not be done.
    pub(in crate::intake) fn problems(&self) -> Vec<String> {
        let of_drops = self.lasting().into_iter().map(|trouble| format!("{} {}", quoted(&trouble.name), trouble.why));
        self.problems.iter().cloned().chain(of_drops).collect()
    }

    pub(in crate::intake) fn state(&self) -> FolderState {
        let mode = match (&self.unreachable, &self.polling) {
            (Some((since, reason)), _) => Mode::Unreachable { since: *since, reason: reason.clone() },
            (None, Some(reason)) => Mode::Polling { reason: reason.clone() },
            (None, None) if self.missed_events => Mode::Polling { reason: "events were missed".to_string() },
            (None, None) => Mode::Events,
        };
        let mut waiting: Vec<WaitingManifest> = self.waiting.iter().map(|(path, w)| self.told(path, w)).collect();
        waiting.extend(self.units.waiting());
        waiting.sort_by(|a, b| (a.since, &a.name).cmp(&(b.since, &b.name)));
        let (waiting, waiting_more) = cut(waiting, LISTED_MAX);
        let lasting = self.lasting();
        let (problems, problems_more) = cut(self.problems(), LISTED_MAX);
        FolderState {
            name: self.settings.name.clone(),
            path: self.settings.folder.clone(),
            mode,
            waiting,
            waiting_more,
            unnamed: self.unnamed.0.clone(),
            unnamed_more: self.unnamed.1,
            never: self.never.iter().take(LISTED_MAX).cloned().collect(),
            problems,
            problems_more,
            troubles: lasting,
        }
    }

    fn told(&self, path: &Path, waiting: &Waiting) -> WaitingManifest {
        let (missing, missing_more) = cut(waiting.missing.clone(), MISSING_MAX);
        WaitingManifest {
            name: below(&self.settings.folder, path),
            since: waiting.first,
            missing,
            missing_more,
            why: waiting.why.clone(),
        }
    }
}
