//! `hotfolders jobs list`: the newest jobs, or those that are looked for.

use std::collections::BTreeMap;

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;

use super::find::{failed, finished, open_jobs, record, state_of};
use super::send;
use crate::cli::terminal::{self, GREEN, RED, YELLOW, note, paint, say, say_painted};
use crate::clock;
use crate::control::Command;
use crate::error::Error;
use crate::model::config::Config;
use crate::model::manifest::is_record;
use crate::model::units::show_moment;
use crate::spool::index::{Brief, History};
use crate::spool::job::{self, JobId, Reason, file, questions};
use crate::spool::queue::{Located, Spool, State};
use crate::worker::earlier;
use crate::worker::history::{self, Who};

/// So many are shown when nothing is said.
const LIMIT: usize = 100;

#[derive(Debug, Args)]
pub(in crate::cli) struct ListArgs {
    /// Only this record.
    #[arg(long)]
    record: Option<String>,
    /// Only of clients whose name or mail address has this in it.
    #[arg(long, value_name = "TEXT")]
    client: Option<String>,
    /// Only with pictures of this session.
    #[arg(long)]
    session: Option<String>,
    /// Only this state: pending, processing, held, failed or done.
    #[arg(long)]
    state: Option<String>,
    /// Only jobs that were accepted on this day, such as 2026-11-20, or later.
    #[arg(long, value_name = "DATE")]
    since: Option<Date>,
    /// At most so many, the newest. Default 100; of those only finished ones are left out.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// All of them.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    #[arg(long)]
    json: bool,
}

/// What a list shows of a job in one line.
#[derive(Debug, serde::Serialize)]
struct Row {
    job: JobId,
    state: State,
    kind: Option<crate::model::manifest::Kind>,
    record: String,
    accepted: Option<Timestamp>,
    finished: Option<Timestamp>,
    result: Option<String>,
    client: Option<String>,
    email: Option<String>,
    sessions: Vec<String>,
    /// The reason of a failed job, the first question of a held one, what another one waits for.
    why: Option<String>,
    /// The later job that made what a failed one was to make.
    #[serde(skip_serializing_if = "Option::is_none")]
    superseded_by: Option<JobId>,
}

/// What is looked for.
struct Wanted {
    record: Option<String>,
    /// In small letters.
    client: Option<String>,
    session: Option<String>,
    state: Option<State>,
    since: Option<Timestamp>,
}

impl Wanted {
    fn read(args: &ListArgs, config: &Config) -> Result<Wanted, Error> {
        let unknown = |word: &str| Error::usage(format!("`{word}` is no state; there are {}", State::WORDS.join(", ")));
        let state = args.state.as_deref().map(|word| State::from_word(word).ok_or_else(|| unknown(word)));
        let zone = clock::time_zone(config.studio.time_zone.as_deref());
        let since = args.since.map(|day| day.to_zoned(zone).map(|midnight| midnight.timestamp()));
        Ok(Wanted {
            record: args.record.clone(),
            client: args.client.as_ref().map(|text| text.to_lowercase()),
            session: args.session.clone(),
            state: state.transpose()?,
            since: since.transpose().map_err(|e| Error::usage(e.to_string()))?,
        })
    }

    fn has(&self, brief: &Brief<'_>) -> bool {
        // Older versions did not write down when a job was accepted.
        let accepted_ms = if brief.accepted_ms == 0 { brief.finished_ms } else { brief.accepted_ms };
        let since = |since: &Timestamp| accepted_ms >= since.as_millisecond();
        self.state.is_none_or(|state| state == state_of(brief))
            && self.record.as_ref().is_none_or(|text| is_record(text, brief.kind, &brief.record))
            && self.session.as_ref().is_none_or(|session| brief.is_of_session(session))
            && self.client.as_ref().is_none_or(|client| brief.client_has(client))
            && self.since.as_ref().is_none_or(since)
    }

    fn has_row(&self, row: &Row) -> bool {
        let has = |text: &Option<String>, part: &String| text.as_ref().is_some_and(|t| t.to_lowercase().contains(part));
        self.record.as_ref().is_none_or(|text| is_record(text, row.kind, &row.record))
            && self.session.as_ref().is_none_or(|s| row.sessions.iter().any(|known| known.eq_ignore_ascii_case(s)))
            && self.client.as_ref().is_none_or(|part| has(&row.client, part) || has(&row.email, part))
            && self.since.is_none_or(|since| row.accepted.is_some_and(|at| at >= since))
    }
}

/// What the jobs at work and in the queue wait for, as the server that runs knows it.
pub(super) fn waits(spool: &Spool, config: &Config, open: &[Located]) -> BTreeMap<String, String> {
    let is_asked = open.iter().any(|job| matches!(job.state, State::Pending | State::Processing));
    if !is_asked || spool.locked_by().is_none() {
        return BTreeMap::new();
    }
    let status = send(spool, config, &Command::Status).ok().and_then(|answer| answer.status).unwrap_or_default();
    let jobs = ["running", "waiting"].into_iter().filter_map(|key| status[key].as_array()).flatten();
    jobs.filter_map(|job| Some((job["job"].as_str()?.to_string(), job["why"].as_str()?.to_string()))).collect()
}

fn row_of_open(job: Located, waits: &BTreeMap<String, String>) -> Row {
    let known = record(&job);
    let Who { client, sessions, .. } = known.as_ref().map(|known| history::who(&job.folder, known)).unwrap_or_default();
    let client = client.unwrap_or_default();
    Row {
        why: match job.state {
            State::Held => questions(&job.folder).first().map(|question| question.text.clone()),
            _ => waits.get(job.id.as_str()).cloned(),
        },
        state: job.state,
        kind: known.as_ref().and_then(|k| k.kind),
        accepted: known.as_ref().map(|k| k.accepted),
        record: known.map(|k| k.record).unwrap_or_default(),
        finished: None,
        result: None,
        client: client.name,
        email: client.email,
        sessions,
        superseded_by: None,
        job: job.id,
    }
}

/// What has become of the order of a failed job since. `done` are all jobs that are.
fn superseded_by(spool: &Spool, history: &History, done: &[Brief<'_>], failed: &Located) -> Option<JobId> {
    let record = record(failed)?;
    let of_record = done.iter().filter(|brief| brief.kind == record.kind && brief.record == record.record);
    let lines: Vec<_> = of_record.filter_map(|brief| history.line(brief).ok()).collect();
    earlier::superseded_by(spool, &lines, &failed.folder, &record)
}

fn row_of_finished(spool: &Spool, history: &History, done: &[Brief<'_>], brief: &Brief<'_>) -> Option<Row> {
    let job = JobId::parse(&brief.job)?;
    let state = state_of(brief);
    // Only of the few that failed the folder is asked, and only while it stands.
    let at = (state == State::Failed).then(|| spool.find(&job).ok().flatten()).flatten();
    let superseded_by = at.as_ref().and_then(|at| superseded_by(spool, history, done, at));
    let why = at.and_then(|at| job::read::<Reason>(&at.folder, file::REASON).ok()).map(|reason| reason.text);
    let some = |text: &str| Some(text.to_string()).filter(|t| !t.is_empty());
    Some(Row {
        job,
        state,
        kind: brief.kind,
        record: brief.record.to_string(),
        accepted: Timestamp::from_millisecond(brief.accepted_ms).ok().filter(|_| brief.accepted_ms != 0),
        finished: Timestamp::from_millisecond(brief.finished_ms).ok(),
        result: some(&brief.result),
        client: some(&brief.client),
        email: some(&brief.email),
        sessions: brief.sessions.lines().map(String::from).collect(),
        why,
        superseded_by,
    })
}

pub(super) fn run(spool: &Spool, config: &Config, args: &ListArgs) -> Result<(), Error> {
    let wanted = Wanted::read(args, config)?;
    let open = open_jobs(spool)?;
    let history = History::read(spool).map_err(|e| failed(&e))?;
    let mut past = finished(&history, &open);
    past.retain(|brief| wanted.has(brief));
    // By id, which begins with the time of acceptance.
    past.sort_unstable_by(|a, b| a.job.cmp(&b.job));
    let waits = waits(spool, config, &open);
    let of_state = open.into_iter().filter(|job| wanted.state.is_none_or(|state| state == job.state));
    let mut rows: Vec<Row> = of_state.map(|job| row_of_open(job, &waits)).filter(|row| wanted.has_row(row)).collect();

    let all = rows.len() + past.len();
    let limit = if args.all { all } else { args.limit.unwrap_or(LIMIT) };
    let newest = past.split_off(past.len().saturating_sub(limit));
    let any_failed = newest.iter().any(|brief| state_of(brief) == State::Failed);
    let mut done = if any_failed { history.jobs() } else { Vec::new() };
    done.retain(|brief| brief.result == "done");
    rows.extend(newest.iter().filter_map(|brief| row_of_finished(spool, &history, &done, brief)));
    rows.sort_by(|a, b| a.job.cmp(&b.job));
    let mut surplus = rows.len().saturating_sub(limit);
    let keeps_open = args.limit.is_none();
    rows.retain(|row| {
        let goes = surplus > 0 && (row.finished.is_some() || !keeps_open);
        surplus -= usize::from(goes);
        !goes
    });
    let left_out = all - rows.len();
    if args.json {
        terminal::say_json(&rows)?;
    } else if rows.is_empty() && left_out == 0 {
        say("no jobs")?;
        tell_of_erased(&history, &wanted, config);
    } else {
        show(&rows)?;
    }
    if left_out > 0 {
        note(&format!("{left_out} older ones are not shown; --all shows them, --limit N so many"));
    }
    Ok(())
}

/// Whoever looks for an erased record should not think that it never was.
fn tell_of_erased(history: &History, wanted: &Wanted, config: &Config) {
    if let Some(record) = &wanted.record
        && let Some(at) = history.erased_at(record)
    {
        let at = show_moment(at, &clock::time_zone(config.studio.time_zone.as_deref()));
        note(&format!("record {record} was erased, last at {at}"));
    }
}

fn show(rows: &[Row]) -> Result<(), Error> {
    let width = rows.iter().map(|r| r.job.as_str().chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for row in rows {
        let state = row.result.as_deref().filter(|_| row.state == State::Done).unwrap_or(row.state.word());
        let state = if row.superseded_by.is_some() { "superseded" } else { state };
        let color = match row.state {
            State::Failed if row.superseded_by.is_some() => "0",
            State::Failed => RED,
            State::Held => YELLOW,
            State::Done => GREEN,
            State::Pending | State::Processing => "0",
        };
        let by = row.superseded_by.as_ref().map(|by| format!("by {by}: ")).unwrap_or_default();
        let why =
            row.why.as_ref().map(|w| format!("  {by}{}", w.lines().next().unwrap_or_default())).unwrap_or_default();
        let id = paint(&format!("{:<width$}", row.job.as_str()), "0");
        text += &format!("{id}  {}{}\n", paint(&format!("{state:<10}"), color), paint(&why, "0"));
    }
    say_painted(text.trim_end_matches('\n'))
}
