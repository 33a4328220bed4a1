//! `config/`: the texts of the config that were in force, so that a wrong edit does not keep a server from starting.
//!
//! Owns: a text is on the disk, whole, before it is listed, and is used for the config of that very path alone: a copy of
//! a studio never takes up the work of the one that it was copied from. Each text may hold passwords: only its owner
//! reads it.
//!
//! Beside the config lies [`POINTER`], one line with the spool's folder: a wrong config does not say where its spool is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::durable::{self, DurableError};
use crate::model::config::Config;
use crate::model::digest;
use crate::model::limits::CONFIG_MAX_BYTES;

/// The file beside the config.
pub const POINTER: &str = ".hotfolders-spool";
/// Below the spool.
const FOLDER: &str = "config";
const INDEX: &str = "index.jsonl";
/// Texts that are kept, the newest ones.
const KEPT_MAX: usize = 50;
/// Longest path that the pointer may hold, in bytes.
const POINTER_MAX_BYTES: u64 = 8 * 1024;
const INDEX_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A line of the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Of its text, `NNN.yaml`.
    pub number: u32,
    /// The config file, absolute.
    pub file: String,
    pub sha256: String,
    /// The account that the server ran under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// When it came into force.
    pub at: Timestamp,
    /// Of the program.
    pub version: String,
}

/// What is kept could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    #[error(transparent)]
    Disk(#[from] DurableError),
    #[error(transparent)]
    Listed(#[from] NoLastGood),
    #[error("the path {0} cannot be written in one line")]
    Path(String),
}

/// Why there is no last good config.
#[derive(Debug, thiserror::Error)]
pub enum NoLastGood {
    #[error("there is no {POINTER} beside it: no server has run with this config file yet")]
    NoPointer,
    #[error("{path} cannot be read: {source}")]
    Read { path: String, source: std::io::Error },
    #[error("no config of this path was ever in force for the spool {0}")]
    NeverInForce(String),
    #[error("{0} is not the text that was in force: it was changed")]
    Changed(String),
    #[error("this version of hotfolders does not take it any more: {0}")]
    NotRight(String),
    #[error("it names another spool than {pointed}: {named}")]
    OtherSpool { pointed: String, named: String },
}

fn path_of(spool: &Path, number: u32) -> PathBuf {
    spool.join(FOLDER).join(format!("{number:03}.yaml"))
}

/// The path that a config goes by: one folder may be reached in several ways, the file in it counts as it is named.
fn identity(file: &Path) -> String {
    let folder = file.parent().and_then(|folder| folder.canonicalize().ok());
    let path = folder.zip(file.file_name()).map_or_else(|| file.to_path_buf(), |(folder, name)| folder.join(name));
    path.to_string_lossy().into_owned()
}

fn pointer_of(file: &Path) -> PathBuf {
    file.with_file_name(POINTER)
}

/// Writes the spool's path beside the config, unless it stands there. Before the text: a spool that is not the config's
/// any more must not be found.
pub fn point(config: &Config) -> Result<(), KeepError> {
    let line = config.spool.to_str().filter(|path| !path.contains(['\n', '\r']));
    let line = line.ok_or_else(|| KeepError::Path(config.spool.display().to_string()))?.to_string() + "\n";
    let pointer = pointer_of(&config.file);
    if std::fs::read(&pointer).is_ok_and(|text| text == line.as_bytes()) {
        return Ok(());
    }
    Ok(durable::replace(&pointer, line.as_bytes())?)
}

/// Keeps the text of a config that is in force, unless it is the newest of its path.
pub fn keep(config: &Config, text: &str, user: Option<&str>, now: Timestamp) -> Result<(), KeepError> {
    let folder = config.spool.join(FOLDER);
    durable::make_folder(&folder)?;
    let (file, sha256) = (identity(&config.file), digest::sha256(text.as_bytes()));
    let mut index = index(&config.spool)?;
    let newest = index.iter().rev().find(|kept| kept.file == file);
    if newest.is_none_or(|kept| kept.sha256 != sha256 || text_of(&config.spool, kept).is_err()) {
        durable::make_private(&folder)?;
        let last = index.iter().map(|kept| kept.number).chain(names(&folder).filter_map(|name| number(&name))).max();
        let (user, version) = (user.map(str::to_string), env!("CARGO_PKG_VERSION").to_string());
        let kept = Kept { number: last.unwrap_or(0).saturating_add(1), file, sha256, user, at: now, version };
        durable::replace_private(&path_of(&config.spool, kept.number), text.as_bytes())?;
        index.push(kept);
        index.drain(..index.len().saturating_sub(KEPT_MAX));
        let lines = index.iter().filter_map(|kept| serde_json::to_string(kept).ok());
        let lines: String = lines.map(|line| line + "\n").collect();
        durable::replace_private(&folder.join(INDEX), lines.as_bytes())?;
    }
    // What is too old, and what a power failure has left unlisted or half-written.
    let listed: BTreeSet<u32> = index.iter().map(|kept| kept.number).collect();
    let is_left = |name: &String| {
        number(name).is_some_and(|number| !listed.contains(&number))
            || name.starts_with('.') && name.ends_with(".hf-new")
    };
    for name in names(&folder).filter(is_left) {
        durable::remove_file(&folder.join(name))?;
    }
    Ok(())
}

fn names(folder: &Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

/// Of a text; other files are somebody else's.
fn number(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".yaml")?;
    let number = digits.parse().ok()?;
    (format!("{number:03}") == digits).then_some(number)
}

/// What is listed, oldest first. Lines that cannot be read are passed over: what is in force is kept anew.
fn index(spool: &Path) -> Result<Vec<Kept>, NoLastGood> {
    let path = spool.join(FOLDER).join(INDEX);
    let text = match read(&path, INDEX_MAX_BYTES) {
        Err(NoLastGood::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => String::new(),
        text => text?,
    };
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn read(path: &Path, max_bytes: u64) -> Result<String, NoLastGood> {
    let wrong = |source| NoLastGood::Read { path: path.display().to_string(), source };
    if std::fs::metadata(path).map_err(wrong)?.len() > max_bytes {
        return Err(wrong(std::io::Error::other(format!("it is larger than {max_bytes} bytes"))));
    }
    std::fs::read_to_string(path).map_err(wrong)
}

fn text_of(spool: &Path, kept: &Kept) -> Result<String, NoLastGood> {
    let path = path_of(spool, kept.number);
    let text = read(&path, CONFIG_MAX_BYTES)?;
    if digest::sha256(text.as_bytes()) == kept.sha256 {
        Ok(text)
    } else {
        Err(NoLastGood::Changed(path.display().to_string()))
    }
}

/// The config that was in force last for a file of this absolute path, with the file's folder as its base.
pub fn last_good(file: &Path) -> Result<(Config, String, Kept), NoLastGood> {
    let pointer = pointer_of(file);
    let line = match read(&pointer, POINTER_MAX_BYTES) {
        Err(NoLastGood::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Err(NoLastGood::NoPointer);
        }
        line => line?,
    };
    let spool = PathBuf::from(line.trim_end_matches(['\n', '\r']));
    let identity = identity(file);
    let kept = index(&spool)?.into_iter().rev().find(|kept| kept.file == identity);
    let kept = kept.ok_or_else(|| NoLastGood::NeverInForce(spool.display().to_string()))?;
    let text = text_of(&spool, &kept)?;
    let config = Config::parse(&text, file).map_err(|e| {
        // Its places are those in the kept text.
        let kept_at = path_of(&spool, kept.number).display().to_string();
        NoLastGood::NotRight(e.to_string().replace(&*file.to_string_lossy(), &kept_at))
    })?;
    if config.spool != spool && config.spool.canonicalize().ok() != spool.canonicalize().ok() {
        let of_both = (spool.display().to_string(), config.spool.display().to_string());
        return Err(NoLastGood::OtherSpool { pointed: of_both.0, named: of_both.1 });
    }
    Ok((config, text, kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::durable::trial::{self, Cut};

    fn text(number: usize) -> String {
        format!("version: 1\nstudio: {{ name: Number {number} }}\n")
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// As a server puts a config into force.
    fn put_into_force(file: &Path, text: &str, second: i64) -> Result<(), KeepError> {
        let config = Config::parse(text, file).unwrap();
        durable::make_folder(&config.spool)?;
        point(&config)?;
        keep(&config, text, Some("anna"), at(second))
    }

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_newest_of_fifty_texts_is_the_last_good_one_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("hotfolders.yaml");
        assert!(matches!(last_good(&file), Err(NoLastGood::NoPointer)));
        for number in 1..=60 {
            put_into_force(&file, &text(number), 0).unwrap();
            put_into_force(&file, &text(number), 1).unwrap();
        }
        let kept = files(&dir.path().join("spool/config"));
        assert_eq!((kept.len(), kept[0].as_str(), kept[49].as_str()), (51, "011.yaml", "060.yaml"));
        let (config, written, line) = last_good(&file).unwrap();
        assert_eq!((config.studio.name.as_deref(), written), (Some("Number 60"), text(60)));
        assert_eq!((line.number, line.user.as_deref(), line.at), (60, Some("anna"), at(0)));
        #[cfg(unix)]
        for name in kept {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = dir.path().join("spool/config").join(name).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        // The same text once more is the newest again.
        put_into_force(&file, &text(11), 2).unwrap();
        assert_eq!(last_good(&file).unwrap().2.number, 61);
    }

    #[test]
    fn fifty_edits_with_a_power_failure_at_each_step_leave_the_one_before_or_the_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("hotfolders.yaml");
        put_into_force(&file, &text(0), 0).unwrap();
        let name = |file: &Path| last_good(file).unwrap().0.studio.name.unwrap();
        let mut most = 0;
        for number in 1..=50 {
            let before = name(&file);
            for cut in 0.. {
                trial::begin(Some(Cut::From(cut)));
                let done = put_into_force(&file, &text(number), 0);
                let points = trial::passed().len();
                trial::begin(None);
                let after = name(&file);
                assert!(after == before || after == format!("Number {number}"), "point {cut} of {number}: {after}");
                most = most.max(points);
                if done.is_ok() {
                    break;
                }
            }
            assert_eq!(name(&file), format!("Number {number}"));
        }
        assert!(most > 10, "only {most} points");
        let left = files(&dir.path().join("spool/config"));
        assert!(left.len() == 51 && left.iter().all(|name| !name.starts_with('.')), "{left:?}");
    }

    #[test]
    fn a_full_disk_keeps_what_was_kept() {
        const NO_SPACE: i32 = 28;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("hotfolders.yaml");
        put_into_force(&file, &text(1), 0).unwrap();
        for point in 0..4 {
            trial::begin(Some(Cut::At(point, NO_SPACE)));
            assert!(put_into_force(&file, &text(2), 0).is_err());
            trial::begin(None);
            assert_eq!(last_good(&file).unwrap().1, text(1));
        }
        put_into_force(&file, &text(2), 0).unwrap();
        assert_eq!(last_good(&file).unwrap().1, text(2));
    }

    #[test]
    fn what_is_kept_counts_for_its_own_path_its_own_spool_and_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("hotfolders.yaml");
        put_into_force(&file, &text(1), 0).unwrap();
        // A copy of the studio, or its config moved, beside the old pointer.
        let copy = dir.path().join("copy");
        durable::make_folder(&copy).unwrap();
        durable::copy(&dir.path().join(POINTER), &copy.join(POINTER)).unwrap();
        assert!(matches!(last_good(&copy.join("hotfolders.yaml")), Err(NoLastGood::NeverInForce(_))));
        assert!(matches!(last_good(&dir.path().join("other.yaml")), Err(NoLastGood::NeverInForce(_))));
        #[cfg(unix)]
        {
            let link = dir.path().join("link");
            std::os::unix::fs::symlink(dir.path(), &link).unwrap();
            assert_eq!(last_good(&link.join("hotfolders.yaml")).unwrap().1, text(1), "another way to the same folder");
        }
        let one = dir.path().join("spool/config/001.yaml");
        durable::replace(&one, text(7).as_bytes()).unwrap();
        assert!(matches!(last_good(&file), Err(NoLastGood::Changed(_))));
        put_into_force(&file, &text(1), 0).unwrap();
        assert_eq!(last_good(&file).unwrap().2.number, 2, "the damaged one is kept anew");
        durable::remove_file(&dir.path().join("spool/config/002.yaml")).unwrap();
        assert!(matches!(last_good(&file), Err(NoLastGood::Read { .. })));

        let elsewhere = "version: 1\nspool: other\n";
        put_into_force(&file, elsewhere, 0).unwrap();
        assert_eq!(last_good(&file).unwrap().0.spool, dir.path().join("other"));
        // What a newer version has put into force.
        let newer = "version: 1\nholograms: true\n";
        let mut index = index(&dir.path().join("other")).unwrap();
        index[0].sha256 = digest::sha256(newer.as_bytes());
        let folder = dir.path().join("other/config");
        durable::replace(&folder.join("001.yaml"), newer.as_bytes()).unwrap();
        durable::replace(&folder.join(INDEX), serde_json::to_string(&index[0]).unwrap().as_bytes()).unwrap();
        let why = last_good(&file).unwrap_err().to_string();
        assert!(why.contains("config/001.yaml:2:1: error: holograms: unknown key `holograms`"), "{why}");
    }
}
