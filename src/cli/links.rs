//! `hotfolders links`: list, mail, renew, revoke.

use std::path::Path;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::config;
use super::jobs;
use super::terminal::{note, say, say_json};
use crate::clock;
use crate::control::{self, Answer, Command, LinkAct};
use crate::error::Error;
use crate::model::config::Config;
use crate::model::manifest::{is_record, one_record};
use crate::model::token::Token;
use crate::spool::links::{LinkRecord, LinkState, Links, Taken, days_ago};
use crate::spool::queue::{Spool, SpoolError};
use crate::worker::link::{self, address_of, short};

#[derive(Debug, Subcommand)]
pub(super) enum LinksCommand {
    /// Download links, how they stand, and what was taken.
    List(ListArgs),
    /// Mail links once more, to their clients or to others.
    Mail(MailArgs),
    /// Give links another address and PIN, and their time anew; the files stay. The address before does not open any more.
    Renew(SelectArgs),
    /// Close links.
    Revoke(SelectArgs),
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only links of these jobs, records, or beginnings of a link's id.
    links: Vec<String>,
    /// Only links that open.
    #[arg(long)]
    open: bool,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct SelectArgs {
    /// Job ids, records (all open links of each), beginnings of a link's id, or URLs.
    #[arg(required = true)]
    links: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct MailArgs {
    #[command(flatten)]
    select: SelectArgs,
    /// To this address instead; may be given several times.
    #[arg(long, value_name = "MAIL")]
    to: Vec<String>,
}

pub(super) fn run(file: &Path, command: &LinksCommand) -> Result<(), Error> {
    let loaded = config::load_for_spool(file)?;
    let spool = jobs::open_of(&loaded.config.spool)?;
    let links = Links::of_spool(spool.root());
    match command {
        LinksCommand::List(args) => list(&spool, &links, &loaded.config, args),
        LinksCommand::Mail(args) => mail(&spool, &loaded.config, &links, &meant(&links, &args.select.links)?, &args.to),
        LinksCommand::Renew(args) => act(&spool, &loaded.config, &links, args, LinkAct::Renew),
        LinksCommand::Revoke(args) => act(&spool, &loaded.config, &links, args, LinkAct::Revoke),
    }
}

type Found = Vec<(String, LinkRecord)>;

fn is_meant(text: &str, hash: &str, record: &LinkRecord) -> bool {
    const SHORTEST: usize = 6;
    let of_url = Token::of_url(text).is_some_and(|token| token.hash() == hash);
    let of_id = text.len() >= SHORTEST && hash.starts_with(text);
    of_url || of_id || record.job.as_str() == text || is_record(text, record.kind, &record.record)
}

/// A number that stands for records of several kinds would close, or mail, the link of another client.
fn of_one_record(text: &str, named: &Found) -> Result<(), Error> {
    let records = named.iter().map(|(_, link)| (link.kind, link.record.as_str()));
    one_record(text, records).map(drop).map_err(Error::failed)
}

/// What each argument names; of a record with open links only these are meant.
fn meant(links: &Links, arguments: &[String]) -> Result<Found, Error> {
    let (all, now) = (links.all(), clock::now());
    let mut found: Found = Vec::new();
    for text in arguments {
        let mut named: Vec<_> = all.iter().filter(|(hash, record)| is_meant(text, hash, record)).cloned().collect();
        if named.is_empty() {
            return Err(Error::failed(format!("there is no link of `{text}`; see `hotfolders links list`")));
        }
        of_one_record(text, &named)?;
        if named.iter().any(|(_, record)| record.state(now) == LinkState::Open) {
            named.retain(|(_, record)| record.state(now) == LinkState::Open);
        } else {
            // The last one is the one that its client has.
            named.sort_by_key(|(_, record)| record.made);
            named.drain(..named.len() - 1);
        }
        named.retain(|(hash, _)| !found.iter().any(|(known, _)| known == hash));
        found.extend(named);
    }
    Ok(found)
}

fn act(spool: &Spool, config: &Config, links: &Links, args: &SelectArgs, act: LinkAct) -> Result<(), Error> {
    let hashes: Vec<String> = meant(links, &args.links)?.into_iter().map(|(hash, _)| hash).collect();
    let answer = match spool.lock(clock::now()) {
        Ok(_lock) => link::carry_out(spool, config, &hashes, act, &|_| false),
        Err(SpoolError::Locked(by)) => control::ask(spool, &Command::Links { links: hashes, act }, &by)
            .map_err(|e| Error::failed(e.to_string()))?,
        Err(e) => return Err(Error::failed(e.to_string())),
    };
    tell(&answer)
}

fn tell(answer: &Answer) -> Result<(), Error> {
    for line in &answer.done {
        say(line)?;
    }
    if answer.refused.is_empty() { Ok(()) } else { Err(Error::failed(answer.refused.join("\n"))) }
}

fn mail(spool: &Spool, config: &Config, links: &Links, found: &Found, to: &[String]) -> Result<(), Error> {
    let mut answer = Answer::default();
    for (hash, record) in found {
        match link::mail(spool, config, links, hash, to) {
            Ok(to) => answer.done.push(format!("link of record {}: mailed to {}", record.record, to.join(", "))),
            Err(why) => answer.refused.push(format!("link of record {}: {why}", record.record)),
        }
    }
    tell(&answer)
}

/// One link as it is listed.
#[derive(Debug, serde::Serialize)]
struct Listed {
    id: String,
    record: String,
    job: String,
    owner: String,
    key: Option<String>,
    state: LinkState,
    made: Timestamp,
    expires: Timestamp,
    revoked: Option<Timestamp>,
    url: Option<String>,
    pin: Option<String>,
    pictures: usize,
    pictures_taken: usize,
    downloads: u32,
    max_downloads: Option<u32>,
    bytes: u64,
    last: Option<Timestamp>,
    /// Since when somebody asks for it.
    asked: Option<Timestamp>,
    #[serde(skip)]
    taken: Taken,
}

fn list(spool: &Spool, links: &Links, config: &Config, args: &ListArgs) -> Result<(), Error> {
    let now = clock::now();
    let mut all = links.all();
    all.retain(|(hash, record)| args.links.is_empty() || args.links.iter().any(|text| is_meant(text, hash, record)));
    all.sort_by_key(|(_, record)| record.made);
    let mut listed: Vec<Listed> = all.into_iter().map(|(hash, record)| of(spool, links, hash, record, now)).collect();
    listed.retain(|link| !args.open || link.state == LinkState::Open);
    if args.json {
        return say_json(&listed);
    }
    if listed.is_empty() {
        note("there are no links");
    }
    let zone = clock::time_zone(config.studio.time_zone.as_deref());
    let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
    for link in listed {
        let state = match link.state {
            LinkState::Open => format!("open until {}", day(link.expires)),
            LinkState::Expired => format!("expired {}", day(link.expires)),
            LinkState::Revoked => "revoked".into(),
            LinkState::UsedUp => "used up".into(),
        };
        let taken = link.taken.told(now, &zone);
        let asked = link.asked.map(|at| format!(", asked for {}", days_ago(at, now, &zone))).unwrap_or_default();
        say(&format!("{}  {:<12} {state}, {taken}{asked}", short(&link.id), link.record))?;
        if let Some(url) = link.url {
            let pin = link.pin.map(|pin| format!("  PIN {pin}")).unwrap_or_default();
            say(&format!("          {url}{pin}"))?;
        }
    }
    Ok(())
}

fn of(spool: &Spool, links: &Links, hash: String, record: LinkRecord, now: Timestamp) -> Listed {
    let taken = links.taken(&hash, &record, now);
    let made = address_of(spool, &hash, &record);
    Listed {
        state: taken.state,
        job: record.job.to_string(),
        owner: record.owner,
        key: record.key,
        made: record.made,
        expires: record.expires,
        revoked: record.revoked,
        url: made.as_ref().map(|made| made.url.clone()),
        pin: made.and_then(|made| made.pin),
        pictures: taken.pictures,
        pictures_taken: taken.pictures_taken,
        downloads: taken.downloads,
        max_downloads: record.max_downloads,
        bytes: taken.bytes,
        last: taken.last,
        taken,
        asked: links.asked(&hash),
        record: record.record,
        id: hash,
    }
}
