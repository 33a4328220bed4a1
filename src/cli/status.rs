//! `hotfolders status`: what the server is doing; without one, what lies in the spool.

use std::path::Path;

use clap::Args;

use super::config;
use super::jobs;
use super::printers;
use super::terminal::{self, DIM, GREEN, RED, YELLOW, paint, say, say_painted};
use crate::clock;
use crate::control::{self, Command};
use crate::error::Error;
use crate::model::config::Tls;
use crate::model::counted::counted;
use crate::model::units::show_moment;
use crate::server::housekeeping;
use crate::spool::labs::{self, HandedOver, LabState};
use crate::spool::links::{Ending, InShort, Links};
use crate::spool::queue::{self, Spool, State};
use crate::spool::reserve;
use crate::spool::retention::Forecast;
use crate::web::{Opening, dashboard};

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[arg(long)]
    json: bool,
}

pub(super) fn run(file: &Path, args: &StatusArgs) -> Result<(), Error> {
    let (loaded, instead) = config::load_or_last_good(file)?;
    let spool = Spool::look(&loaded.config.spool);
    let server = spool.as_ref().and_then(Spool::locked_by);
    // Whatever is wrong, what lies in the spool can be shown.
    let mut wrong: Vec<String> = instead.map(|instead| instead.in_short(&loaded.config)).into_iter().collect();
    let live = match (&spool, &server) {
        (Some(spool), Some(_)) => match jobs::send(spool, &loaded.config, &Command::Status) {
            Ok(answer) => answer.status,
            Err(e) => {
                wrong.push(format!("the server cannot be asked: {e}\nWhat is shown is what lies in the spool."));
                None
            }
        },
        _ => None,
    };
    if wrong.is_empty()
        && let Some(why) = live.as_ref().and_then(|live| live["config_refused"].as_str())
    {
        let first = why.lines().next().unwrap_or_default();
        wrong.push(format!("{first}\nThe config before it is in force; the log shows all that is wrong."));
    }
    if let Some(spool) = &spool
        && reserve::is_needed(spool.root())
    {
        let free = spool_free_kib(spool);
        wrong.insert(0, format!("the disk of the spool {} is full: {free} KiB are free", spool.root().display()));
    }
    let mut counts = Vec::new();
    if let Some(spool) = &spool {
        for state in State::ALL {
            counts.push((state, spool.count(state).map_err(|e| Error::failed(e.to_string()))?));
        }
    }
    let tomorrow: Option<Forecast> = match (&spool, &live) {
        // It counts when it has time; just after a start it may not have come to it.
        (_, Some(live)) => serde_json::from_value(live["removed_within_a_day"].clone()).unwrap_or_default(),
        (Some(spool), None) => {
            Some(housekeeping::forecast(spool, &loaded.config).map_err(|e| Error::failed(e.to_string()))?)
        }
        (None, None) => None,
    };
    let paused = spool.as_ref().is_some_and(control::is_paused);
    // What is known of them stands in the spool, also while nobody watches.
    let orders = spool.as_ref().map(|spool| labs::all(spool).0).unwrap_or_default();
    let links = spool.as_ref().map(|spool| Links::of_spool(spool.root()).in_short(clock::now())).unwrap_or_default();
    if args.json {
        let counts: serde_json::Map<String, serde_json::Value> =
            counts.iter().map(|(state, n)| (state.word().to_string(), (*n).into())).collect();
        return terminal::say_json(&serde_json::json!({
            "wrong": wrong, "server": server, "paused": paused, "queue": counts,
            "dashboard": dashboard::opening(&loaded.config).map(|opening| opening.url()),
            "hot_folders": live.as_ref().map(|l| &l["hot_folders"]),
            "running": live.as_ref().map(|l| &l["running"]),
            "waiting": live.as_ref().map(|l| &l["waiting"]),
            "places": live.as_ref().map(|l| &l["places"]),
            "printers": live.as_ref().map(|l| &l["printers"]),
            "pools": live.as_ref().map(|l| &l["pools"]),
            "closed": live.as_ref().map(|l| &l["closed"]),
            "labs": labs::shown(&orders),
            "links": links,
            "alerts": live.as_ref().map(|l| &l["alerts"]),
            "removed_within_a_day": tomorrow,
        }));
    }
    for what in &wrong {
        say_painted(&format!("{} {}", paint("wrong:", RED), paint(what, "0")))?;
    }
    let zone = clock::time_zone(loaded.config.studio.time_zone.as_deref());
    match &server {
        Some(server) => say_painted(&format!("{} ({})", paint("serving", GREEN), paint(&since(server, &zone), "0")))?,
        None => say_painted(&paint("no server is running", YELLOW))?,
    }
    if server.is_some()
        && let Some(opening) = dashboard::opening(&loaded.config)
    {
        show_dashboard(&opening)?;
    }
    if paused {
        say_painted(&paint("paused: `hotfolders resume` starts jobs again", YELLOW))?;
    }
    let queue = counts.iter().map(|(state, n)| format!("{n} {state}")).collect::<Vec<_>>().join(", ");
    say(&format!("queue: {}", if queue.is_empty() { "no spool yet".to_string() } else { queue }))?;
    if let Some(goes) = tomorrow.filter(|goes| !goes.is_nothing()) {
        say(&format!(
            "retention removes within a day: {} done, {} failed, {}, {} of the history",
            goes.done,
            goes.failed,
            counted(goes.receipts, "receipt"),
            counted(goes.history, "line")
        ))?;
    }
    if let Some(live) = live {
        show_live(&live, &zone)?;
    }
    show_orders(&orders)?;
    if links.open > 0 {
        say(&links_line(&links, &zone))?;
    }
    Ok(())
}

fn spool_free_kib(spool: &Spool) -> u64 {
    queue::free_space(spool.root()).unwrap_or_default() / 1024
}

/// Where it is, and by what a browser that does not know its certificate is shown the right one.
fn show_dashboard(opening: &Opening) -> Result<(), Error> {
    say(&format!("dashboard: {}", opening.url()))?;
    let own = opening.tls.as_ref().filter(|terms| terms.tls == Tls::SelfSigned);
    match own.and_then(|terms| terms.look().ok().flatten()) {
        Some(described) => {
            say(&format!("dashboard: self-signed certificate, SHA-256 fingerprint {}", described.fingerprint))
        }
        None => Ok(()),
    }
}

/// `links: 12 open; 2 end within 7 days: 1042 (2026-12-03, 38 of 40 pictures), 1050 (2026-12-04, 0 of 8 pictures)`.
fn links_line(links: &InShort, zone: &jiff::tz::TimeZone) -> String {
    const NAMED: usize = 3;
    let ending = links.ending.len() + links.ending_more;
    if ending == 0 {
        return format!("links: {} open", links.open);
    }
    let named = |link: &Ending| {
        let day = link.expires.to_zoned(zone.clone()).date();
        format!("{} ({day}, {})", link.record, link.taken)
    };
    let mut parts: Vec<String> = links.ending.iter().take(NAMED).map(named).collect();
    parts.extend(ending.checked_sub(NAMED).filter(|more| *more > 0).map(|more| format!("{more} more")));
    let ends = if ending == 1 { "ends" } else { "end" };
    format!("links: {} open; {ending} {ends} within 7 days: {}", links.open, parts.join(", "))
}

/// Orders at labs: what needs somebody, then how many wait.
fn show_orders(orders: &[HandedOver]) -> Result<(), Error> {
    for trouble in orders.iter().filter_map(HandedOver::trouble) {
        say_painted(&format!("{} {}", paint("lab:", RED), paint(&trouble, "0")))?;
    }
    let waiting = orders.iter().filter(|order| order.state == LabState::Sent && !order.late).count();
    if waiting > 0 {
        let (lies, is) = if waiting == 1 { ("lies", "is") } else { ("lie", "are") };
        say(&format!("lab: {} {lies} in the lab's folder and {is} not taken in yet", counted(waiting, "order")))?;
    }
    Ok(())
}

/// How long ago that was, in its largest unit.
fn age(since: &str) -> String {
    let Ok(since) = since.parse::<jiff::Timestamp>() else { return "some time".to_string() };
    let seconds = clock::now().duration_since(since).as_secs().max(0);
    let (number, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    counted(number, unit)
}

fn text<'v>(value: &'v serde_json::Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// `pid 12 since …`, as the lock has it, by the studio's clock.
fn since(server: &str, zone: &jiff::tz::TimeZone) -> String {
    let at = server.rsplit_once(' ').and_then(|(pid, at)| Some((pid, at.parse().ok()?)));
    at.map_or_else(|| server.to_string(), |(pid, at)| format!("{pid} {}", show_moment(at, zone)))
}

/// A moment of the server's answer, by the studio's clock.
fn moment(value: &serde_json::Value, zone: &jiff::tz::TimeZone) -> Option<String> {
    Some(show_moment(value.as_str()?.parse().ok()?, zone))
}

fn show_live(live: &serde_json::Value, zone: &jiff::tz::TimeZone) -> Result<(), Error> {
    let list = |key: &str| live[key].as_array().cloned().unwrap_or_default();
    if let Some(why) = live["closed"].as_str() {
        say_painted(&format!("{} {}", paint("closed:", YELLOW), paint(why, "0")))?;
    }
    for job in list("running") {
        let progress = &job["progress"];
        say(&format!(
            "running: {} ({} of {})",
            text(&job, "job"),
            progress["rendered"],
            counted(&progress["to_render"], "picture")
        ))?;
        if let Some(total @ 1..) = progress["to_print"].as_u64() {
            say(&format!("  printed: {} of {}", progress["printed"], counted(total, "sheet")))?;
        }
        if let Some(why) = job["why"].as_str() {
            let since =
                job["waits_since"].as_str().map(|since| format!(", for {} now", age(since))).unwrap_or_default();
            say_painted(&format!("  {} {}{since}", paint("waits:", YELLOW), paint(why, "0")))?;
        }
        if let Some(asks @ 1..) = progress["asks"].as_u64() {
            let told = format!("{asks} of its sheets are a person's to look at; `hotfolders jobs show` says which");
            say_painted(&format!("  {} {}", paint("asks:", YELLOW), paint(&told, "0")))?;
        }
    }
    show_alerts(&live["alerts"])?;
    for place in list("places") {
        let since = age(text(&place, "since"));
        let told = format!(
            "{} for {}, for {since} now: {}",
            counted(&place["jobs"], "job"),
            text(&place, "place"),
            text(&place, "why")
        );
        say_painted(&format!("{} {}", paint("waiting:", YELLOW), paint(&told, "0")))?;
    }
    for job in list("waiting") {
        if let Some(why) = job["why"].as_str() {
            say_painted(&format!("{} {}: {}", paint("waits:", YELLOW), text(&job, "job"), paint(why, "0")))?;
        } else if let Some(start) = moment(&job["not_before"], zone) {
            say(&format!("waits: {} until {start}", text(&job, "job")))?;
        }
    }
    printers::show(live)?;
    for folder in list("hot_folders") {
        let mode = &folder["mode"];
        let how = match mode["mode"].as_str() {
            Some("events") => "events".to_string(),
            Some("polling") => format!("polling, {}", text(mode, "reason")),
            Some("unreachable") => {
                let since = moment(&mode["since"], zone).unwrap_or_default();
                format!("unreachable since {since}: {}", text(mode, "reason"))
            }
            _ => mode.to_string(),
        };
        say_painted(&format!("hot folder {}: {} {}", text(&folder, "name"), how, paint(text(&folder, "path"), DIM)))?;
        // Of one that cannot be reached that is all there is to say.
        let problems = folder["problems"].as_array().filter(|_| mode["mode"] != "unreachable");
        for problem in problems.cloned().unwrap_or_default() {
            let told = problem.as_str().unwrap_or_default();
            say_painted(&format!("  {} {}", paint("problem:", RED), paint(told, "0")))?;
        }
        if let Some(more @ 1..) = folder["problems_more"].as_u64() {
            say(&format!("  and {more} more problems"))?;
        }
        for manifest in folder["waiting"].as_array().cloned().unwrap_or_default() {
            say(&format!("  {}: {}", text(&manifest, "name"), text(&manifest, "why")))?;
        }
        for file in folder["unnamed"].as_array().cloned().unwrap_or_default() {
            let age = age(text(&file, "since"));
            let told = format!("nothing is made of it, and it has lain there for {age}");
            say_painted(&format!("  {}: {}", text(&file, "name"), paint(&told, DIM)))?;
        }
        if let Some(more @ 1..) = folder["unnamed_more"].as_u64() {
            say(&format!("  and {more} more that nothing is made of"))?;
        }
        for never in folder["never"].as_array().cloned().unwrap_or_default() {
            say_painted(&format!("  {}", paint(&format!("never taken: {}", never.as_str().unwrap_or_default()), DIM)))?;
        }
    }
    Ok(())
}

/// What the studio was told of and is not over, and what could not be told yet.
fn show_alerts(alerts: &serde_json::Value) -> Result<(), Error> {
    for open in alerts["open"].as_array().into_iter().flatten() {
        let told = format!("{}, for {}", text(open, "title"), age(text(open, "since")));
        say_painted(&format!("{} {}", paint("alert:", YELLOW), paint(&told, "0")))?;
    }
    if let Some(more @ 1..) = alerts["open_more"].as_u64() {
        say(&format!("alert: and {more} more"))?;
    }
    for (way, how) in [("mail", "mailed"), ("webhook", "posted")] {
        let trouble = &alerts[way]["trouble"];
        if let Some(why) = trouble["why"].as_str() {
            let told =
                format!("{} could not be {how} for {}: {why}", alerts[way]["undelivered"], age(text(trouble, "since")));
            say_painted(&format!("{} {}", paint("alerts:", YELLOW), paint(&told, "0")))?;
        }
    }
    Ok(())
}
