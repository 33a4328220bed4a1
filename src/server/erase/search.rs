//! Finding what is kept of somebody.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Ground;
use super::logs::Names;
use crate::control::Whom;
use crate::model::manifest::{Kind, is_record, one_record};
use crate::server::housekeeping::receipts_folders;
use crate::spool::index::{Brief, Change, History, Index, IndexLine, Summary};
use crate::spool::job::{self, JobFile, JobId, file};
use crate::spool::queue::{Located, SpoolError, State};
use crate::spool::retention::{self, NamedReceipt};
use crate::worker::history::{self, Who};
use crate::worker::receipt;

/// What is kept, and by which names it is known elsewhere.
pub(super) struct Found {
    pub(super) ids: BTreeSet<JobId>,
    /// Those whose folders stand.
    pub(super) jobs: Vec<Located>,
    /// Where receipts may be.
    pub(super) receipts: Vec<NamedReceipt>,
    pub(super) delivered: BTreeSet<PathBuf>,
    pub(super) names: Names,
    /// Where it could not be looked.
    pub(super) problems: Vec<String>,
}

fn is_of(whom: &Whom, kind: Option<Kind>, record: &str, who: &Who) -> bool {
    match whom {
        Whom::Record(wanted) => is_record(wanted, kind, record),
        Whom::Session(wanted) => who.sessions.iter().any(|session| session.eq_ignore_ascii_case(wanted)),
        Whom::Client(wanted) => who.client.as_ref().is_some_and(|client| {
            client.email.as_ref().is_some_and(|email| email.to_lowercase() == wanted.to_lowercase())
        }),
    }
}

fn of_brief(brief: &Brief<'_>, ground: Ground<'_>, id: &JobId) -> Result<Who, SpoolError> {
    if brief.accepted_ms == 0 {
        // An older version did not write it down; the manifest knows.
        let folder = ground.spool.find(id)?.map(|job| job.folder);
        let known = folder.and_then(|folder| Some(history::who(&folder, &job::read(&folder, file::JOB).ok()?)));
        return Ok(known.unwrap_or_default());
    }
    Ok(Who {
        client: Some(crate::spool::index::IndexedClient {
            name: Some(brief.client.to_string()).filter(|name| !name.is_empty()),
            email: Some(brief.email.to_string()).filter(|email| !email.is_empty()),
        }),
        sessions: brief.sessions.lines().map(String::from).collect(),
        items: brief.items.lines().map(String::from).collect(),
    })
}

/// Why it cannot be said what is theirs.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotFound {
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// A number of records of several kinds, which may be of several clients.
    #[error("{0}; nothing was erased")]
    Several(String),
}

pub(super) fn find(ground: Ground<'_>, index: &mut Index, whom: &Whom) -> Result<Found, NotFound> {
    let spool = ground.spool;
    let mut found = Found {
        ids: BTreeSet::new(),
        jobs: Vec::new(),
        receipts: Vec::new(),
        delivered: BTreeSet::new(),
        names: Names::of(whom),
        problems: Vec::new(),
    };
    let mut theirs = Vec::new();
    let past = History::read(spool)?;
    for brief in past.jobs().iter().filter(|brief| !brief.is_erased()) {
        let Some(id) = JobId::parse(&brief.job) else { continue };
        // A record need not be asked whose it is.
        let who = if matches!(whom, Whom::Record(_)) { Who::default() } else { of_brief(brief, ground, &id)? };
        if is_of(whom, brief.kind, &brief.record, &who) {
            theirs.push((id, brief.kind, brief.record.to_string(), who));
        }
    }
    drop(past);
    for state in [State::Pending, State::Processing, State::Held] {
        for located in spool.jobs(state)? {
            let Ok(record) = job::read::<JobFile>(&located.folder, file::JOB) else { continue };
            let who = history::who(&located.folder, &record);
            if is_of(whom, record.kind, &record.record, &who) {
                theirs.push((located.id, record.kind, record.record, who));
            }
        }
    }
    if let Whom::Record(text) = whom {
        // A manifest that could not be read is of any kind.
        let records =
            theirs.iter().filter(|(_, kind, ..)| kind.is_some()).map(|(_, kind, record, _)| (*kind, record.as_str()));
        if let Some(one) = one_record(text, records).map_err(NotFound::Several)? {
            theirs.retain(|(_, kind, record, _)| kind.is_none() || (*kind, record) == (one.0, &one.1));
        }
    }
    for (id, _, record, who) in theirs {
        found.add(id, &record, who, whom);
    }
    found.look_at_lines(index)?;
    found.look_at_folders(ground)?;
    for folder in receipts_folders(ground.config) {
        let of_theirs = |job: &str| JobId::parse(job).is_some_and(|id| found.ids.contains(&id));
        match retention::receipts_in(&folder, &of_theirs) {
            Ok(receipts) => found.receipts.extend(receipts),
            Err(e) => found.problems.push(e.to_string()),
        }
    }
    found.receipts.sort_by(|a, b| a.path.cmp(&b.path));
    found.receipts.dedup();
    Ok(found)
}

impl Found {
    fn add(&mut self, id: JobId, record: &str, who: Who, whom: &Whom) {
        self.names.add(id.as_str());
        self.names.add_record(record);
        if matches!(whom, Whom::Client(_))
            && let Some(name) = who.client.and_then(|client| client.name)
        {
            self.names.add(&name);
        }
        self.ids.insert(id);
    }

    /// Every line of these jobs, also earlier ones.
    fn look_at_lines(&mut self, index: &mut Index) -> Result<(), SpoolError> {
        if self.ids.is_empty() {
            return Ok(());
        }
        let (mut receipts, mut delivered) = (Vec::new(), BTreeSet::new());
        let mut look = |line: &Summary, text: &[u8]| {
            if self.ids.contains(&line.job)
                && let Ok(whole) = serde_json::from_slice::<IndexLine>(text)
            {
                delivered.extend(whole.placed.into_iter().map(|file| file.path));
                receipts.extend(whole.receipt.map(|path| NamedReceipt { path, job: whole.job }));
            }
            Change::Keep
        };
        if index.rewrite()?.count(&mut look)?.is_none() {
            // What cannot be read may be theirs: the readable lines are kept, the rest is set aside and looked at there.
            index.reload()?;
            if let Some(warning) = index.take_warning() {
                tracing::error!("{warning}");
            }
        }
        self.receipts.extend(receipts);
        self.delivered.extend(delivered);
        Ok(())
    }

    fn look_at_folders(&mut self, ground: Ground<'_>) -> Result<(), SpoolError> {
        for id in self.ids.clone() {
            let Some(located) = ground.spool.find(&id)? else { continue };
            self.delivered.extend(history::placed(&located.folder));
            if let Ok(record) = job::read::<JobFile>(&located.folder, file::JOB) {
                self.names.add(&record.manifest);
                self.receipts.extend(receipt::copy_path(&record).map(|path| NamedReceipt { path, job: id }));
            }
            self.jobs.push(located);
        }
        Ok(())
    }
}
