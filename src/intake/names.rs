//! What the names in a drop folder say: which files are not looked at, and which are ours.
//!
//! Owns: nothing that a program writes under a passing name is ever taken, and every name of ours is told by its
//! beginning. Must not look at the disk.

pub(super) use crate::model::name::is_ignored;
use crate::spool::job::JobId;

/// In front of every name that we make in a drop folder.
const OURS: &str = ".hf-";
/// Behind a manifest's name.
pub(super) const DONE: &str = ".done";
/// Folders that file servers and systems keep for themselves in every share.
const OF_THE_SYSTEM: &[&str] =
    &["@eadir", "#recycle", "#snapshot", "lost+found", "$recycle.bin", "system volume information", "__macosx"];

/// What file managers and file servers put beside the files of others, for themselves.
const LITTER: &[&str] =
    &["thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", ".ds_store", ".directory"];
/// Behind the name of the file that it belongs to.
const LITTER_BEHIND: &[&str] = &[":zone.identifier", "@synoeastream", "@synoresource"];

/// A file that belongs to no order and that nobody misses: thumbnails, views of folders, where a file was downloaded.
pub(super) fn is_litter(name: &str) -> bool {
    let lower = name.to_lowercase();
    LITTER.contains(&lower.as_str())
        || lower.starts_with("._")
        || lower.starts_with("thumbs.db:")
        || LITTER_BEHIND.iter().any(|end| lower.ends_with(end))
}

/// A folder of such files.
pub(super) fn is_litter_folder(name: &str) -> bool {
    matches!(name.to_lowercase().as_str(), "@eadir" | ".appledouble")
}

/// Hidden folders, and those of file servers and systems.
pub(super) fn is_ignored_folder(name: &str) -> bool {
    name.starts_with('.') || OF_THE_SYSTEM.contains(&name.to_lowercase().as_str())
}

/// In the job's folder, what is written for pictures without a manifest.
pub(super) const OF_PICTURES: &str = "manifest.json";

/// A name of ours, which says nothing about what others write.
pub(super) fn is_ours(name: &str) -> bool {
    name.starts_with(OURS)
}

/// Tells that a manifest is whole, for hot folders with `done_file`.
pub(super) fn is_done_file(name: &str) -> bool {
    name.to_lowercase().ends_with(DONE)
}

/// Behind the name of a file that a server has set aside.
const ASIDE: &str = ".aside";
/// Hex digits of a spool's id.
const SPOOL_ID_LEN: usize = 8;

/// Where the nth taken file of a job stands between being recognised and being removed. The first one is the claim of the
/// drop: it stands there from before the job is accepted until everything else is removed.
pub(super) fn aside(spool: &str, job: &JobId, n: usize) -> String {
    format!("{OURS}{spool}-{job}-{n}{ASIDE}")
}

/// What version 0.1 called it.
pub(super) fn aside_of_old(job: &JobId, n: usize) -> String {
    format!("{OURS}{job}-{n}{ASIDE}")
}

/// The spool and job of a claim.
pub(super) fn claim_of(name: &str) -> Option<(&str, JobId)> {
    let inner = name.strip_prefix(OURS)?.strip_suffix(ASIDE)?.strip_suffix("-0")?;
    let (spool, job) = inner.split_once('-')?;
    let is_id = spool.len() == SPOOL_ID_LEN && spool.bytes().all(|b| b.is_ascii_hexdigit());
    // The names of version 0.1 begin with the day of the job.
    let is_day = job.split_once('-').is_some_and(|(day, _)| day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit()));
    if is_id && is_day { Some((spool, JobId::parse(job)?)) } else { None }
}

/// A manifest's name in the job's folder: it is stored as it came, whatever it is.
pub(super) fn in_job_folder(name: &str) -> &'static str {
    match name.to_lowercase().rsplit_once('.').map(|(_, e)| e) {
        Some("json") => "manifest.json",
        Some("yaml" | "yml") => "manifest.yaml",
        _ => "manifest.txt",
    }
}

/// The name without its extension.
pub(super) fn stem(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

/// The extension in lower case, without the dot.
pub(super) fn extension(name: &str) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.')?;
    (!stem.is_empty()).then(|| extension.to_lowercase())
}

/// `name`, `name-2`, `name-3` … with the extension left behind.
pub(super) fn numbered(name: &str, n: u32) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem}-{n}.{extension}"),
        _ => format!("{name}-{n}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passing_names_are_not_looked_at() {
        for name in [
            ".hidden.json",
            "._x.json",
            "~$x.json",
            "x.json~",
            "#x.json#",
            "x.json.tmp",
            "x.json.PART",
            "x.partial",
            "x.json.crdownload",
            "x.download",
            "x.json.filepart",
            ".x.json.swp",
            "x.json.hf-new",
            ".hf-20260101-000000-invoice-1-0000-0.aside",
            "x.json.sb-1a2b-y",
        ] {
            assert!(is_ignored(name), "{name}");
        }
        for name in ["x.json", "invoice 1.YAML", "partial.json", "a#b.json", "download", "x.json.done"] {
            assert!(!is_ignored(name), "{name}");
        }
        for name in ["Thumbs.db", "desktop.ini", "Icon\r", "a.jpg:Zone.Identifier", ".DS_Store", "._a.jpg"] {
            assert!(is_litter(name), "{name}");
        }
        assert!(!is_litter("thumbs.jpg") && !is_litter(".keep") && !is_litter("a.jpg.part"));
        assert!(is_ignored_folder("@eaDir") && is_ignored_folder(".Trashes") && !is_ignored_folder("album"));
    }

    #[test]
    fn the_longest_aside_name_still_fits_a_folder_entry() {
        let at = jiff::civil::date(2026, 11, 20).at(15, 4, 5, 0);
        let id = JobId::new(&at, "production_order", &"日".repeat(64), 0xffff);
        let name = aside("0123abcd", &id, 99_999);
        assert!(is_ignored(&name) && name.len() <= 255, "{}", name.len());
        assert_eq!(claim_of(&name), None);
        assert_eq!(claim_of(&aside("0123abcd", &id, 0)), Some(("0123abcd", id.clone())));
        assert_eq!(claim_of(&aside_of_old(&id, 0)), None);
    }

    #[test]
    fn a_manifest_keeps_its_kind_in_the_job_folder() {
        assert_eq!(in_job_folder("a.JSON"), "manifest.json");
        assert_eq!(in_job_folder("a.yml"), "manifest.yaml");
        assert_eq!(in_job_folder("json"), "manifest.txt");
        assert_eq!(numbered("a.json", 2), "a-2.json");
        assert_eq!((stem("a.b.jpg"), extension("a.b.JPG").as_deref(), extension(".jpg")), ("a.b", Some("jpg"), None));
    }
}
