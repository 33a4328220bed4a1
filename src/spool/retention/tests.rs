use super::*;
use crate::spool::durable::trial::{self, Cut};
use crate::spool::index::{Index, IndexLine};

const DAY: Duration = Duration::from_hours(24);

fn limits(now: &str, days: u32) -> Limits {
    let age = DAY * days;
    let kept = Retention { done: age, failed: age * 2, receipts: age, history: age, access_log: age };
    Limits::of(&kept, &now.parse().unwrap())
}

fn spool(jobs: &[(State, &str, &str)]) -> (tempfile::TempDir, Spool) {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(&dir.path().join("spool"), false).unwrap();
    for (state, day, id) in jobs {
        durable::make_folders(spool.root(), &spool.folder(*state).join(day).join(id)).unwrap();
    }
    (dir, spool)
}

fn names(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn days_go_when_all_of_them_is_too_old() {
    let days = ["2026-03-01", "2026-03-02", "mine", "2026-3-1"].map(|day| (State::Done, day, "j"));
    let (_dir, spool) = spool(&[&days[..], &[(State::Failed, "2026-03-01", "f")]].concat());
    let old = |now: &str, state| names(&old_days(&spool, state, &limits(now, 10)).unwrap());
    assert_eq!(old("2026-03-12T00:59:59-05:00[America/Chicago]", State::Done), [""; 0]);
    // Ten times 24 hours, also over the night in which the clocks change.
    assert_eq!(old("2026-03-12T01:00:01-05:00[America/Chicago]", State::Done), ["2026-03-01"]);
    assert_eq!(old("2026-03-20T12:00:00-05:00[America/Chicago]", State::Done), ["2026-03-01", "2026-03-02"]);
    assert_eq!(old("2026-03-20T12:00:00-05:00[America/Chicago]", State::Failed), [""; 0]);
    for state in [State::Pending, State::Processing, State::Held] {
        assert_eq!(old("2036-03-20T12:00:00-05:00[America/Chicago]", state), [""; 0]);
    }
}

#[test]
fn the_history_stays_as_long_as_anything_of_a_job() {
    let limits = limits("2026-03-21T12:00:00+00:00[UTC]", 10);
    assert_eq!(limits.history, "2026-03-01T12:00:00Z".parse().unwrap());
    assert_eq!(limits.receipts, "2026-03-11T12:00:00Z".parse().unwrap());
    let forever = Retention {
        done: Duration::MAX,
        ..Retention { failed: DAY, receipts: DAY, history: DAY, access_log: DAY, done: DAY }
    };
    assert_eq!(Limits::of(&forever, &"2026-03-21T12:00:00+00:00[UTC]".parse().unwrap()).history, Timestamp::MIN);
}

#[test]
fn a_cut_leaves_a_folder_where_it_was_or_in_tmp() {
    let mut at = 0;
    loop {
        let (_dir, spool) = spool(&[(State::Done, "2026-03-01", "a"), (State::Done, "2026-03-01", "b")]);
        let day = spool.folder(State::Done).join("2026-03-01");
        trial::begin(Some(Cut::From(at)));
        let result = take_away(&spool, &day).and_then(|gone| durable::remove_tree(&gone));
        trial::begin(None);
        let left = spool.jobs(State::Done).unwrap().len();
        assert!(left == 0 || left == 2, "{left} at {at}");
        spool.wipe_tmp_but(&mut |_| false).unwrap();
        assert_eq!(Spool::entries(&spool.tmp()).unwrap(), Vec::<PathBuf>::new());
        take_away(&spool, &day).ok();
        assert_eq!(spool.count(State::Done).unwrap(), 0);
        if result.is_ok() {
            break;
        }
        at += 1;
    }
    assert!(at > 2);
}

fn line(job: &str, finished: &str) -> IndexLine {
    let text =
        format!(r#"{{"job":"{job}","result":"done","finished":"{finished}","kind":null,"record":"1","placed":[]}}"#);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn only_our_own_old_receipts_go() {
    let (dir, spool) = spool(&[]);
    let folder = dir.path().join("receipts");
    durable::make_folder(&folder).unwrap();
    let mut index = Index::open(&spool).unwrap().0;
    index.append_all(&[line("old", "2026-03-01T00:00:00Z"), line("new", "2026-03-20T00:00:00Z")]).unwrap();
    let files = ["a.b.old.json", "a.new.json", "a.other.json", "old.json", "a.old.json.bak"];
    for name in files {
        durable::write_new(&folder.join(name), br#"{"receipt":1,"job":"old","more":[]}"#).unwrap();
    }
    let limits = limits("2026-03-20T12:00:00+00:00[UTC]", 10);
    let history = History::read(&spool).unwrap();
    let gone = dir.path().join("gone");
    let folders = BTreeSet::from([folder.clone(), gone]);
    let (old, problems) = old_receipts(&folders, &history.jobs(), &limits);
    assert_eq!((old.len(), problems.len()), (1, 1), "a folder that is not there is not an empty one");
    assert_eq!(old[0].path, folder.join("a.b.old.json"));
    assert!(is_receipt_of(&old[0].path, &old[0].job));
    assert!(!is_receipt_of(&folder.join("a.new.json"), &JobId::parse("new").unwrap()));
    durable::replace(&old[0].path, b"{\"job\":\"old\"}").unwrap();
    assert!(!is_receipt_of(&old[0].path, &old[0].job), "somebody's own file of that name");
    let forecast = Forecast::of(&spool, &folders, &limits).unwrap();
    assert_eq!(forecast, Forecast { done: 0, failed: 0, receipts: 1, history: 0 });
}

#[test]
fn assets_go_when_no_job_uses_them() {
    let (_dir, spool) = spool(&[(State::Failed, "2026-03-01", "f")]);
    let now: Timestamp = "2026-03-21T12:00:00Z".parse().unwrap();
    let hour = |n: i64| now - SignedDuration::from_hours(n);
    for (name, used) in [("aaa", 48), ("bbb", 48), ("ccc", 20), ("ddd", 48)] {
        durable::write_new(&spool.assets().join(name), b"x").unwrap();
        durable::touch(&spool.assets().join(name), hour(used)).unwrap();
    }
    let failed = spool.folder(State::Failed).join("2026-03-01/f");
    durable::write_new(&failed.join(file::RULES), br#"{"assets":[{"sha256":"aaa"}]}"#).unwrap();
    let unused = || names(&unused_assets(&spool, now, &|| false).unwrap());
    assert_eq!(unused(), ["bbb", "ddd"]);
    assert!(unused_assets(&spool, now, &|| true).unwrap().is_empty());
    // A job comes that uses one again, and then another between the look and the removal.
    mark_used(&spool.assets().join("bbb"), hour(1)).unwrap();
    assert_eq!(unused(), ["ddd"]);
    assert!(!remove_asset(&spool, &spool.assets().join("bbb"), now).unwrap());
    assert!(remove_asset(&spool, &spool.assets().join("ddd"), now).unwrap());
    assert_eq!(names(&Spool::entries(&spool.assets()).unwrap()), ["aaa", "bbb", "ccc"]);
}
