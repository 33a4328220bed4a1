//! Links of jobs that have ended: their addresses, and what an operator does with them.
//!
//! Owns: a renewed link has one address at a time; it is in the job's journal before it opens, and in its receipt.

use std::path::Path;

use jiff::Timestamp;

use super::{letter, receipt};
use crate::clock;
use crate::control::{Answer, LinkAct};
use crate::model::config::{Config, is_mail_address};
use crate::model::token::{self, TOKEN_BYTES, Token};
use crate::model::units::show_moment;
use crate::spool::job::{self, JobFile, JobId, file};
use crate::spool::journal::{self, Entry, Journal, MadeLink};
use crate::spool::links::{LinkRecord, LinkState, Links};
use crate::spool::queue::Spool;

/// From the system.
pub fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| std::io::Error::other(e.to_string()))?;
    Ok(bytes)
}

/// URL and PIN of a link; `None` where the job that made it is not kept any more.
pub fn address_of(spool: &Spool, hash: &str, record: &LinkRecord) -> Option<MadeLink> {
    let folder = spool.find(&record.job).ok()??.folder;
    made_in(&folder).into_iter().find(|made| made.hash == hash)
}

/// The links that a job's journal has.
pub fn made_in(job_folder: &Path) -> Vec<MadeLink> {
    let progress = journal::read(&job_folder.join(file::JOURNAL)).unwrap_or_default();
    progress.links.into_values().collect()
}

/// Carries out what an operator asks for; the caller holds the spool's lock.
pub fn carry_out(
    spool: &Spool,
    config: &Config,
    hashes: &[String],
    act: LinkAct,
    running: &dyn Fn(&JobId) -> bool,
) -> Answer {
    let links = Links::of_spool(spool.root());
    let mut answer = Answer::default();
    for hash in hashes {
        let record = match links.read(hash) {
            Ok(Some(record)) => record,
            Ok(None) => {
                answer.refused.push(format!("{}: there is no such link", short(hash)));
                continue;
            }
            Err(e) => {
                answer.refused.push(e.to_string());
                continue;
            }
        };
        let done = match act {
            LinkAct::Revoke => revoke(&links, hash, &record),
            LinkAct::SetAside => set_aside(&links, &record),
            LinkAct::Renew if running(&record.job) => Err(format!("job {} is running", record.job)),
            LinkAct::Renew => renew(spool, config, &links, hash, &record),
        };
        let of = format!("link of record {}", record.record);
        match done {
            Ok(text) => answer.done.push(format!("{of}: {text}")),
            Err(why) => answer.refused.push(format!("{of}: {why}")),
        }
    }
    answer
}

/// Enough of a hash to tell one link from another.
pub fn short(hash: &str) -> &str {
    hash.get(..8).unwrap_or(hash)
}

fn revoke(links: &Links, hash: &str, record: &LinkRecord) -> Result<String, String> {
    if record.revoked.is_some() {
        return Ok("it was revoked before".into());
    }
    let revoked = LinkRecord { revoked: Some(clock::now()), ..record.clone() };
    links.write(hash, &revoked).map_err(|e| e.to_string())?;
    Ok("it does not open any more".into())
}

fn set_aside(links: &Links, record: &LinkRecord) -> Result<String, String> {
    links.answered_for(record).map_err(|e| e.to_string())?;
    Ok("nobody waits for another one any more".into())
}

/// Mails a link once more, on purpose: to `to`, or to those whom its job mails to; says to whom. One that was renewed is
/// mailed by the address that it has now. It may take as long as the mail server does.
pub fn mail(spool: &Spool, config: &Config, links: &Links, hash: &str, to: &[String]) -> Result<Vec<String>, String> {
    let record = links.read(hash).map_err(|e| e.to_string())?.ok_or("there is no such link")?;
    let (hash, record) = links.latest(hash, &record);
    match links.taken(&hash, &record, clock::now()).state {
        LinkState::Open => {}
        LinkState::UsedUp => return Err("it is used up; `hotfolders links renew` lets it be downloaded again".into()),
        LinkState::Expired | LinkState::Revoked => {
            return Err("it does not open any more; `hotfolders links renew` opens it again".into());
        }
    }
    if let Some(wrong) = to.iter().find(|to| !is_mail_address(to)) {
        return Err(format!("`{}` is no mail address", wrong.escape_debug()));
    }
    let located = spool.find(&record.job).map_err(|e| e.to_string())?;
    let located = located.ok_or("the folder of its job is gone, and with it the address; renew it")?;
    let to = letter::mail_again(config, &located, &record.step, to)?;
    if let Err(e) = links.answered_for(&record) {
        tracing::warn!("{e}");
    }
    Ok(to)
}

/// Another address, and another PIN where there is one, for the same files. The address before does not open any more.
fn renew(spool: &Spool, config: &Config, links: &Links, hash: &str, record: &LinkRecord) -> Result<String, String> {
    let said = |e: &dyn std::fmt::Display| e.to_string();
    let downloads = config.downloads.as_ref().ok_or("the config has no `downloads` section")?;
    if !record.folder.is_dir() {
        return Err("what lay behind it is gone; `hotfolders jobs reprint` makes it again".into());
    }
    let known = |hash: &str| links.read(hash).map_err(|e| e.to_string());
    // It was renewed before, and whoever names it has the address of then.
    if let Some(later) = &record.renewed_as
        && let Some(renewed) = known(later)?
    {
        return renew(spool, config, links, later, &renewed);
    }
    let now = clock::now();
    let located = spool.find(&record.job).map_err(|e| said(&e))?;
    let mut journal = match &located {
        Some(job) => Some(Journal::open(&job.folder.join(file::JOURNAL)).map_err(|e| said(&e))?),
        None => None,
    };
    let latest = journal.as_ref().and_then(|journal| journal.progress().links.get(&record.step)).cloned();
    // Cut off after the journal had it, and before the one before was closed: it is the one that was meant, unless somebody
    // has closed it since.
    let later = latest.filter(|made| made.hash != hash);
    let begun = match later {
        Some(made) if known(&made.hash)?.map_or(now < made.expires, |now_is| now_is.state(now) == LinkState::Open) => {
            Some(made)
        }
        _ => None,
    };
    let made = if let Some(begun) = begun {
        begun
    } else {
        let random_bytes = || -> std::io::Result<_> { Ok((random::<TOKEN_BYTES>()?, random::<8>()?)) };
        let (token, pin) = random_bytes().map_err(|e| said(&e))?;
        let token = Token::of(token);
        let zip = format!("{}/{}-{}/{}", downloads.shown, record.job, record.step, crate::spool::links::ZIP);
        MadeLink {
            url: token.url(&downloads.public_url),
            pin: record.pin.as_ref().map(|_| token::pin(pin)),
            hash: token.hash(),
            made: now,
            expires: until(record, now),
            max_downloads: record.max_downloads,
            folder: record.folder.clone(),
            zip: (record.show == crate::model::delivery::Show::Download).then_some(zip),
            refreshed: false,
            replaces: None,
        }
    };
    if let Some(journal) = &mut journal
        && journal.progress().links.get(&record.step).is_none_or(|known| known.hash != made.hash)
    {
        let entry = Entry::LinkMade { step: record.step.clone(), link: made.clone() };
        journal.append(now, vec![entry]).map_err(|e| said(&e))?;
    }
    let token = Token::of_url(&made.url);
    let renewed = LinkRecord {
        made: made.made,
        expires: made.expires,
        pin: made.pin.as_ref().zip(token).map(|(pin, token)| token.seal(pin)),
        revoked: None,
        renewed_as: None,
        ..record.clone()
    };
    links.write(&made.hash, &renewed).map_err(|e| said(&e))?;
    let ended =
        LinkRecord { revoked: record.revoked.or(Some(now)), renewed_as: Some(made.hash.clone()), ..record.clone() };
    links.write(hash, &ended).map_err(|e| said(&e))?;
    links.answered_for(record).map_err(|e| said(&e))?;
    if let (Some(job), Some(journal)) = (&located, &journal) {
        tell_in_receipt(&job.folder, journal.progress()).map_err(|e| said(&e))?;
    }
    let pin = made.pin.as_ref().map(|pin| format!(", PIN {pin}")).unwrap_or_default();
    let zone = clock::time_zone(config.studio.time_zone.as_deref());
    Ok(format!("it is now {}{pin}, until {}", made.url, show_moment(made.expires, &zone)))
}

fn until(record: &LinkRecord, now: Timestamp) -> Timestamp {
    now + std::time::Duration::from_secs(record.lasts_s)
}

/// The receipt of a job that has ended names the link that opens.
fn tell_in_receipt(folder: &Path, progress: &journal::Progress) -> Result<(), job::RecordError> {
    let Some(mut told) = receipt::read(folder) else { return Ok(()) };
    told.links = receipt::links(progress);
    job::write(folder, file::RECEIPT, &told)?;
    let job: JobFile = job::read(folder, file::JOB)?;
    let path = folder.join(file::RECEIPT);
    let text = std::fs::read(&path).map_err(|source| job::RecordError::Read { path, source })?;
    // Where the app has taken its copy away, it wants no other.
    match receipt::copy_path(&job).filter(|copy| copy.exists()) {
        Some(copy) => Ok(crate::spool::durable::replace(&copy, &text)?),
        None => Ok(()),
    }
}
