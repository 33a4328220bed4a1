//! A job that is tried again looks into its hot folder once more for what it lacks.

use super::*;
use crate::spool::durable::trial::{self, Cut};

impl Studio {
    /// Asks for the pictures of a job that was tried again, as the scheduler does, also after a restart.
    fn mend(&mut self, id: &JobId) {
        let at = self.spool().find(id).unwrap().unwrap();
        let record: JobFile = job::read(&at.folder, file::JOB).unwrap();
        if !record.lacks.is_empty() {
            self.intake.mend(&record, at.folder, self.now);
        }
    }
}

/// A job whose second picture is damaged and whose third did not come, both of which lie there now; and its id.
fn lacking_two() -> (Studio, JobId) {
    let mut studio = Studio::new(BESIDE);
    studio.put("o/a.json", session("S1", &["x.jpg", "y.jpg", "z.jpg"]));
    studio.put("o/x.jpg", "x");
    studio.put("o/y.jpg", "damaged");
    let jobs = studio.run(70);
    let id = jobs[0].record.job.clone();
    let record = JobFile { lacks: vec!["y.jpg".into(), "z.jpg".into()], ..jobs[0].record.clone() };
    job::write(&jobs[0].folder, file::JOB, &record).unwrap();
    studio.put("o/y.jpg", "y");
    studio.put("o/z.jpg", "z");
    (studio, id)
}

fn inputs(job: &Job) -> Vec<(String, Vec<u8>)> {
    let names = ["x.jpg", "y.jpg", "z.jpg"];
    let read = |name: &&str| Some(((*name).to_string(), std::fs::read(job.folder.join("inputs").join(name)).ok()?));
    names.iter().filter_map(read).collect()
}

#[test]
fn what_a_job_lacks_is_taken_when_it_is_settled_and_whole() {
    let (mut studio, id) = lacking_two();
    studio.mend(&id);
    assert!(studio.scan_after(0).is_empty(), "it has not settled");
    let jobs = studio.run(5);
    assert_eq!(jobs.len(), 1);
    let job = studio.job(&id);
    assert_eq!(inputs(&job).iter().map(|(_, bytes)| bytes.as_slice()).collect::<Vec<_>>(), [b"x", b"y", b"z"]);
    assert!(job.record.drop_cleared && job.record.lacks.is_empty() && !studio.is_there("o"));

    // What is not there is not waited for.
    let record = JobFile { lacks: vec!["z.jpg".into()], ..job.record };
    job::write(&job.folder, file::JOB, &record).unwrap();
    studio.mend(&id);
    assert_eq!(studio.scan_after(100).len(), 1);
}

#[test]
fn a_picture_that_is_still_copied_or_belongs_to_others_is_not_taken() {
    let (mut studio, id) = lacking_two();
    studio.put("o/y.jpg", [b"\xFF\xD8\xFF\xDA\x00\x04ab", &[0x5A; 2_000][..]].concat());
    #[cfg(unix)]
    {
        durable::remove_file(&studio.path("o/z.jpg")).unwrap();
        studio.put("elsewhere.txt", "z");
        std::os::unix::fs::symlink(studio.path("elsewhere.txt"), studio.path("o/z.jpg")).unwrap();
    }
    studio.mend(&id);
    assert!(studio.run(40).is_empty(), "it waits for the end of y.jpg");
    studio.put("o/b.json", session("S2", &["y.jpg", "never.jpg"]));
    let jobs = studio.run(10);
    assert_eq!(jobs.len(), 1, "y.jpg is another order's now");
    let job = studio.job(&id);
    assert_eq!(inputs(&job).iter().map(|(_, bytes)| bytes.as_slice()).collect::<Vec<_>>(), [&b"x"[..], b"damaged"]);
    assert!(studio.is_there("o/y.jpg"));
}

#[test]
fn a_power_failure_anywhere_loses_no_picture_and_leaves_none_half() {
    for at_point in 0.. {
        let (mut studio, id) = lacking_two();
        studio.mend(&id);
        studio.scan_after(200);
        studio.now += Duration::from_secs(3);
        trial::begin(Some(Cut::From(at_point)));
        studio.intake.scan(&Hints::default(), studio.now);
        let points = trial::passed().len();
        trial::begin(None);
        for name in ["y.jpg", "z.jpg"] {
            let good = &name.as_bytes()[..1];
            let is = |path: PathBuf| std::fs::read(path).is_ok_and(|bytes| bytes == good);
            let in_job = is(studio.job(&id).folder.join("inputs").join(name));
            let lies_there = std::fs::read_dir(studio.path("o")).into_iter().flatten().flatten();
            let in_drop = lies_there.map(|entry| entry.path()).any(is);
            assert!(in_job || in_drop, "{name} is lost at {at_point}");
        }
        studio.restart();
        studio.mend(&id);
        studio.run(10);
        let job = studio.job(&id);
        assert_eq!(inputs(&job).iter().map(|(_, bytes)| bytes.as_slice()).collect::<Vec<_>>(), [b"x", b"y", b"z"]);
        assert!(job.record.drop_cleared && job.record.lacks.is_empty(), "{at_point}: {:?}", job.record);
        assert!(!studio.is_there("o"), "{at_point}: the drop is clear");
        if points <= at_point {
            assert!(at_point > 8, "only {at_point} points");
            break;
        }
    }
}
