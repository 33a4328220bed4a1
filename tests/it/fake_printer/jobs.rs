//! The printer's book of jobs, and the sheets that came out.

use std::collections::BTreeMap;
use std::time::Instant;

use super::Behaviour;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FakeState {
    Held = 4,
    Pending = 3,
    Processing = 5,
    Stopped = 6,
    Canceled = 7,
    Aborted = 8,
    Completed = 9,
}

impl FakeState {
    pub fn has_ended(self) -> bool {
        matches!(self, FakeState::Canceled | FakeState::Aborted | FakeState::Completed)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeJob {
    pub id: i32,
    pub uuid: String,
    pub name: String,
    pub user: String,
    pub copies: u32,
    /// Hundredths of a millimetre, `media` by name otherwise.
    pub media: Option<(i32, i32)>,
    pub borderless: bool,
    /// What else it was asked for by a word: `media-type`, `media-source`, `print-scaling`.
    pub words: BTreeMap<String, String>,
    pub state: FakeState,
    pub document: Option<Vec<u8>>,
    /// The document did not come to its end.
    pub was_cut: bool,
    pub impressions: u32,
    pub created: Instant,
    pub begun: Option<Instant>,
    pub ended: Option<Instant>,
}

/// One sheet of paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    pub name: String,
    /// SHA-256 of the document.
    pub digest: String,
    pub bytes: usize,
    /// From 1.
    pub copy: u32,
    pub media: Option<(i32, i32)>,
    /// A part of the picture only.
    pub was_cut: bool,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) jobs: Vec<FakeJob>,
    pub(super) prints: Vec<Print>,
    last_id: i32,
    /// Never starts again: uuids are those of the world.
    made: u64,
}

impl Book {
    pub(super) fn make(&mut self, name: &str, user: &str, now: Instant) -> &mut FakeJob {
        self.last_id += 1;
        self.made += 1;
        let at = self.jobs.len();
        self.jobs.push(FakeJob {
            id: self.last_id,
            uuid: format!("urn:uuid:10000000-0000-4000-8000-{:012}", self.made),
            name: name.to_string(),
            user: user.to_string(),
            copies: 1,
            media: None,
            borderless: false,
            words: BTreeMap::new(),
            state: FakeState::Held,
            document: None,
            was_cut: false,
            impressions: 0,
            created: now,
            begun: None,
            ended: None,
        });
        &mut self.jobs[at]
    }

    pub(super) fn find(&mut self, id: i32) -> Option<&mut FakeJob> {
        self.jobs.iter_mut().find(|job| job.id == id)
    }

    pub(super) fn restart(&mut self) {
        self.jobs.clear();
        self.last_id = 0;
    }

    pub(super) fn forget(&mut self) {
        self.jobs.clear();
    }

    pub(super) fn end(&mut self, id: i32, state: FakeState, sheets_out: u32) {
        let Some(at) = self.jobs.iter().position(|job| job.id == id && !job.state.has_ended()) else { return };
        let job = &mut self.jobs[at];
        let document = job.document.clone().unwrap_or_default();
        for copy in job.impressions + 1..=sheets_out {
            self.prints.push(Print {
                name: job.name.clone(),
                digest: hotfolders::model::digest::sha256(&document),
                bytes: document.len(),
                copy,
                media: job.media,
                was_cut: job.was_cut,
            });
        }
        job.impressions = sheets_out;
        job.state = state;
        job.ended = Some(Instant::now());
    }

    /// Brings the book up to the present: one job at a time, in the order that documents came.
    pub(super) fn advance(&mut self, behaviour: &mut Behaviour, now: Instant) {
        loop {
            let open = |job: &FakeJob| !job.state.has_ended() && job.document.is_some();
            let Some(at) = self.jobs.iter().position(open) else { break };
            let job = &mut self.jobs[at];
            let begun = *job.begun.get_or_insert(now);
            if behaviour.stopped {
                // The time that it stands still is not printing time.
                job.begun = Some(now);
                job.state = FakeState::Stopped;
                break;
            }
            if let Some(stuck) = behaviour.stuck {
                job.state = stuck;
                break;
            }
            job.state = FakeState::Processing;
            if now.duration_since(begun) < behaviour.print_time {
                break;
            }
            let (id, copies) = (job.id, job.copies);
            let whole = (FakeState::Completed, copies);
            let (state, sheets) = if behaviour.fates.is_empty() { whole } else { behaviour.fates.remove(0) };
            self.end(id, state, sheets);
        }
        let ended = self.jobs.iter().filter(|job| job.state.has_ended()).count();
        let mut surplus = ended.saturating_sub(behaviour.history);
        self.jobs.retain(|job| {
            let goes = job.state.has_ended() && surplus > 0;
            surplus -= usize::from(goes);
            !goes
        });
    }
}
