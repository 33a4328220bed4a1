//! Odd writers: whatever way a drop is written, what comes out is what its writer meant in the end, once.
//!
//! `HOTFOLDERS_WRITERS` says how many, `HOTFOLDERS_SEED` which: `scripts/torture writers`.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hotfolders::model::digest::sha256;

use super::studio::{CONFIG, Studio, files, jpeg};

/// How many write at a time.
const AT_ONCE: usize = 48;

/// Slow enough that a writer on a busy machine is never slower than what counts as settled.
fn config() -> String {
    let exports = "exports: { folder: drop/exports, images: beside, settle: 1s, scan: 200ms, complete_within: 4s }\n  finished: { folder: drop/finished, images: beside, done_file: true, settle: 1s, scan: 200ms, complete_within: 4s }";
    let config = CONFIG.replace(
        "exports: { folder: drop/exports, images: beside, settle: 100ms, scan: 200ms, complete_within: 500ms, receipts: receipts }",
        exports,
    );
    assert_ne!(config, CONFIG);
    config
}

/// Knuth's 64-bit generator: the same schedule for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// Shorter than `settle` by far.
    fn short(&mut self) {
        std::thread::sleep(Duration::from_millis(10 + self.below(120)));
    }

    /// Anything up to twice `settle`.
    fn any(&mut self) {
        std::thread::sleep(Duration::from_millis(self.below(2_000)));
    }
}

/// One drop: its own sub-folder, its own record.
struct Drop {
    folder: PathBuf,
    outside: PathBuf,
    record: String,
    random: Random,
}

/// What has to come of it.
#[derive(Debug)]
enum Meant {
    /// This manifest with these pictures.
    Done { manifest: Vec<u8>, pictures: Vec<Vec<u8>> },
    /// A job that failed with this code; these pictures were made.
    Failed(&'static str, Vec<Vec<u8>>),
    /// No job; this lies there still.
    Left(Vec<PathBuf>),
}

impl Drop {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn picture(&mut self) -> Vec<u8> {
        jpeg(40 + self.random.below(60) as u32, 30 + self.random.below(60) as u32)
    }

    fn order(&self, pictures: &[&str]) -> Vec<u8> {
        self.order_with(pictures, "x")
    }

    /// `note` makes another text of the same length.
    fn order_with(&self, pictures: &[&str], note: &str) -> Vec<u8> {
        let lines: Vec<serde_json::Value> = pictures
            .iter()
            .enumerate()
            .map(|(i, name)| serde_json::json!({ "line": i + 1, "image": name, "notes": note }))
            .collect();
        let order = serde_json::json!({
            "manifest": 1, "kind": "production_order", "record": self.record, "status": "zip", "lines": lines,
            "count": { "images": 0, "lines": lines.len() },
        });
        serde_json::to_vec_pretty(&order).unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn rename_in(&self, name: &str, bytes: &[u8]) {
        self.write(&format!("{name}.part"), bytes);
        fs::rename(self.path(&format!("{name}.part")), self.path(name)).unwrap();
    }

    /// In pieces, with pauses between them.
    fn in_pieces(&mut self, name: &str, bytes: &[u8]) {
        let mut file = File::create(self.path(name)).unwrap();
        let pieces = 2 + self.random.below(6) as usize;
        for piece in bytes.chunks(bytes.len().div_ceil(pieces)) {
            file.write_all(piece).unwrap();
            file.flush().unwrap();
            self.random.short();
        }
    }

    fn set_time(&self, name: &str, time: SystemTime) {
        let file = OpenOptions::new().write(true).open(self.path(name)).unwrap();
        file.set_times(FileTimes::new().set_modified(time)).unwrap();
    }

    /// One picture, and the order that names it, written properly but for what a writer does with them.
    fn simple(&mut self) -> (Vec<u8>, Vec<u8>) {
        (self.picture(), self.order(&["a.jpg"]))
    }
}

fn done(manifest: Vec<u8>, pictures: Vec<Vec<u8>>) -> Meant {
    Meant::Done { manifest, pictures }
}

type Writer = (&'static str, fn(&mut Drop) -> Meant);

const WRITERS: &[Writer] = &[
    ("renamed in, pictures first", |d| {
        let (picture, order) = d.simple();
        d.rename_in("a.jpg", &picture);
        d.rename_in("o.json", &order);
        done(order, vec![picture])
    }),
    ("the manifest in pieces", |d| {
        let (picture, order) = d.simple();
        d.write("a.jpg", &picture);
        d.in_pieces("o.json", &order);
        done(order, vec![picture])
    }),
    ("the manifest first, its picture in pieces", |d| {
        let (picture, order) = d.simple();
        d.write("o.json", &order);
        d.random.any();
        d.in_pieces("a.jpg", &picture);
        done(order, vec![picture])
    }),
    ("times of long ago, as a copy keeps them", |d| {
        let (picture, order) = d.simple();
        for (name, bytes) in [("a.jpg", &picture), ("o.json", &order)] {
            d.in_pieces(name, bytes);
            d.set_time(name, SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        }
        done(order, vec![picture])
    }),
    ("the same size again within the second", |d| {
        let picture = d.picture();
        let (first, second) = (d.order_with(&["a.jpg"], "1"), d.order_with(&["a.jpg"], "2"));
        d.write("a.jpg", &picture);
        d.write("o.json", &first);
        d.random.short();
        d.write("o.json", &second);
        done(second, vec![picture])
    }),
    ("another picture renamed over it while it is copied", |d| {
        let (picture, order) = d.simple();
        let other = d.picture();
        d.write("o.json", &order);
        d.write("a.jpg", &picture[..picture.len() / 2]);
        d.random.short();
        d.rename_in("a.jpg", &other);
        done(order, vec![other])
    }),
    ("a share whose clock is ten minutes ahead", |d| clock(d, true)),
    ("a share whose clock is ten minutes behind", |d| clock(d, false)),
    ("a whole folder moved in", |d| {
        let (picture, order) = d.simple();
        fs::remove_dir(&d.folder).unwrap();
        let aside = d.outside.join(&d.record);
        fs::create_dir(&aside).unwrap();
        fs::write(aside.join("a.jpg"), &picture).unwrap();
        fs::write(aside.join("o.json"), &order).unwrap();
        fs::rename(aside, &d.folder).unwrap();
        done(order, vec![picture])
    }),
    ("a symbolic link to a manifest", |d| {
        let order = d.order(&[]);
        let real = d.outside.join(format!("{}.json", d.record));
        fs::write(&real, order).unwrap();
        std::os::unix::fs::symlink(&real, d.path("o.json")).unwrap();
        Meant::Left(vec![d.path("o.json"), real])
    }),
    ("a symbolic link to a picture", |d| {
        let (picture, order) = d.simple();
        let real = d.outside.join(format!("{}.jpg", d.record));
        fs::write(&real, &picture).unwrap();
        std::os::unix::fs::symlink(&real, d.path("a.jpg")).unwrap();
        d.write("o.json", &order);
        Meant::Failed("missing", Vec::new())
    }),
    ("a pipe that is named like a manifest", |d| {
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, d.path("o.json"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
        Meant::Left(vec![d.path("o.json")])
    }),
    ("an empty manifest that is filled later", |d| {
        let (picture, order) = d.simple();
        d.write("a.jpg", &picture);
        d.write("o.json", b"");
        std::thread::sleep(Duration::from_millis(1_300));
        d.in_pieces("o.json", &order);
        done(order, vec![picture])
    }),
    ("an empty picture that is filled later", |d| {
        let (picture, order) = d.simple();
        d.write("o.json", &order);
        d.write("a.jpg", b"");
        d.random.any();
        d.in_pieces("a.jpg", &picture);
        done(order, vec![picture])
    }),
    ("half a manifest, the rest after it seemed settled", |d| {
        let (picture, order) = d.simple();
        d.write("a.jpg", &picture);
        d.write("o.json", &order[..order.len() / 2]);
        std::thread::sleep(Duration::from_millis(1_200));
        d.random.any();
        d.write("o.json", &order);
        done(order, vec![picture])
    }),
    ("half a manifest, and never the rest", |d| {
        let order = d.order(&["a.jpg"]);
        d.write("o.json", &order[..order.len() / 2]);
        Meant::Failed("invalid_manifest", Vec::new())
    }),
    ("YAML that was cut off between two lines", |d| {
        let lines = "  - { line: 1, image: a.jpg }\n  - { line: 2, image: b.jpg }\n";
        let head = format!(
            "manifest: 1\nkind: production_order\nrecord: {}\nstatus: zip\ncount: {{ images: 0, lines: 2 }}\nlines:\n",
            d.record
        );
        let whole = format!("{head}{lines}");
        d.write("o.yaml", &whole.as_bytes()[..whole.len() - 30]);
        Meant::Failed("invalid_manifest", Vec::new())
    }),
    ("as an editor saves", |d| {
        let (picture, order) = d.simple();
        d.write("a.jpg", &picture);
        d.write(".o.json.swp", b"swap");
        d.write("o.json", &d.order_with(&["a.jpg"], "draft"));
        d.random.short();
        fs::rename(d.path("o.json"), d.path("o.json~")).unwrap();
        d.rename_in("o.json", &order);
        fs::remove_file(d.path(".o.json.swp")).unwrap();
        fs::remove_file(d.path("o.json~")).unwrap();
        done(order, vec![picture])
    }),
    ("full size first, content later", |d| {
        let (picture, order) = d.simple();
        d.write("a.jpg", &picture);
        let mut file = File::create(d.path("o.json")).unwrap();
        file.set_len(order.len() as u64).unwrap();
        d.random.any();
        file.write_all(&order).unwrap();
        done(order, vec![picture])
    }),
    ("a hard link to a file that somebody keeps", |d| {
        let (picture, order) = d.simple();
        let kept = d.outside.join(format!("{}.jpg", d.record));
        fs::write(&kept, &picture).unwrap();
        fs::hard_link(&kept, d.path("a.jpg")).unwrap();
        d.write("o.json", &order);
        done(order, vec![picture])
    }),
    ("one picture that never comes", |d| {
        let (picture, _) = d.simple();
        let order = d.order(&["a.jpg", "b.jpg"]);
        d.write("a.jpg", &picture);
        d.rename_in("o.json", &order);
        Meant::Failed("missing", vec![picture])
    }),
    ("taken back before it was taken", |d| {
        let (picture, order) = d.simple();
        d.write("a.jpg", &picture);
        d.write("o.json", &order);
        d.random.short();
        fs::remove_file(d.path("o.json")).unwrap();
        Meant::Left(vec![d.path("a.jpg")])
    }),
    ("names in another case", |d| {
        let picture = d.picture();
        let order = d.order(&["a.jpg"]);
        d.write("A.JPG", &picture);
        d.rename_in("O.JSON", &order);
        done(order, vec![picture])
    }),
    ("a picture that is written anew while another one is waited for", |d| {
        let (first, second, other) = (d.picture(), d.picture(), d.picture());
        let order = d.order(&["a.jpg", "b.jpg"]);
        d.write("a.jpg", &first);
        d.rename_in("o.json", &order);
        d.random.any();
        d.in_pieces("a.jpg", &second);
        d.in_pieces("b.jpg", &other);
        done(order, vec![second, other])
    }),
    ("files that nobody may write to", |d| {
        use std::os::unix::fs::PermissionsExt as _;
        let (picture, order) = d.simple();
        for (name, bytes) in [("a.jpg", &picture), ("o.json", &order)] {
            d.write(name, bytes);
            fs::set_permissions(d.path(name), fs::Permissions::from_mode(0o444)).unwrap();
        }
        done(order, vec![picture])
    }),
    ("a sub-folder of pictures, renamed while it is filled", |d| {
        let picture = d.picture();
        let order = d.order(&["set/a.jpg"]);
        d.rename_in("o.json", &order);
        fs::create_dir(d.path("New folder")).unwrap();
        d.in_pieces("New folder/a.jpg", &picture);
        fs::rename(d.path("New folder"), d.path("set")).unwrap();
        done(order, vec![picture])
    }),
];

/// For a hot folder that waits for done files.
const FINISHED: &[Writer] = &[
    ("a done file, long after a manifest that looked whole", |d| {
        let picture = d.picture();
        let (draft, order) = (d.order_with(&["a.jpg"], "draft"), d.order(&["a.jpg"]));
        d.write("a.jpg", &picture);
        d.write("o.json", &draft);
        std::thread::sleep(Duration::from_millis(1_500));
        d.write("o.json", &order);
        d.write("o.json.done", b"");
        done(order, vec![picture])
    }),
    ("no done file", |d| {
        let (picture, order) = d.simple();
        d.write("a.jpg", &picture);
        d.write("o.json", &order);
        Meant::Left(vec![d.path("a.jpg"), d.path("o.json")])
    }),
];

/// Its clock stamps every write.
fn clock(d: &mut Drop, ahead: bool) -> Meant {
    let (picture, order) = d.simple();
    for (name, bytes) in [("a.jpg", &picture), ("o.json", &order)] {
        let mut file = File::create(d.path(name)).unwrap();
        for piece in bytes.chunks(bytes.len().div_ceil(4)) {
            file.write_all(piece).unwrap();
            let (now, off) = (SystemTime::now(), Duration::from_mins(10));
            file.set_times(FileTimes::new().set_modified(if ahead { now + off } else { now - off })).unwrap();
            d.random.short();
        }
    }
    done(order, vec![picture])
}

/// Where a writer drops, and what it is called.
fn prepare(studio: &Studio, number: usize, seed: u64) -> (Writer, Drop) {
    let all = WRITERS.len() + FINISHED.len();
    // Every one of them first, then by chance.
    let mut random = Random(seed ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let which = if number < all { number } else { random.below(all as u64) as usize };
    let (hot_folder, writer) = match WRITERS.get(which) {
        Some(writer) => ("exports", *writer),
        None => ("finished", FINISHED[which - WRITERS.len()]),
    };
    let record = format!("W{number}");
    let folder = studio.path(&format!("drop/{hot_folder}/{record}"));
    fs::create_dir_all(&folder).unwrap();
    (writer, Drop { folder, outside: studio.path("outside"), record, random })
}

fn check(studio: &Studio, jobs: &[(PathBuf, serde_json::Value)], writer: Writer, drop: &Drop, meant: &Meant) {
    let own: Vec<_> = jobs
        .iter()
        .filter(|(_, job)| job["manifest"].as_str().unwrap().starts_with(&format!("{}/", drop.record)))
        .collect();
    let what = format!("{} ({})", writer.0, drop.record);
    let made = |folder: &Path| {
        let receipt = studio.receipt(folder);
        let outputs = receipt["outputs"].as_array().unwrap();
        let mut made: Vec<String> = outputs.iter().map(|o| o["source_sha256"].as_str().unwrap().to_string()).collect();
        made.sort();
        (receipt, made)
    };
    let digests = |pictures: &[Vec<u8>]| {
        let mut digests: Vec<String> = pictures.iter().map(|bytes| sha256(bytes)).collect();
        digests.sort();
        digests
    };
    match meant {
        Meant::Left(paths) => {
            assert!(own.is_empty(), "{what}: {own:?}");
            for path in paths {
                assert!(path.symlink_metadata().is_ok(), "{what}: {} is gone", path.display());
            }
        }
        Meant::Done { manifest, pictures } => {
            assert_eq!(own.len(), 1, "{what}: one job, not {own:?}");
            let (receipt, made) = made(&own[0].0);
            assert_eq!(receipt["result"], "done", "{what}: {receipt:#}");
            assert_eq!(receipt["manifest_sha256"].as_str().unwrap(), sha256(manifest), "{what}: another manifest");
            assert_eq!(made, digests(pictures), "{what}: other pictures");
            assert_eq!(files(&drop.folder), [""; 0], "{what}: something is left");
        }
        Meant::Failed(code, pictures) => {
            assert_eq!(own.len(), 1, "{what}: one job, not {own:?}");
            let (receipt, made) = made(&own[0].0);
            assert_eq!(receipt["result"], "failed", "{what}: {receipt:#}");
            assert_eq!(receipt["errors"][0]["code"], *code, "{what}: {receipt:#}");
            assert_eq!(made, digests(pictures), "{what}: other pictures");
        }
    }
}

#[test]
fn what_comes_out_is_what_the_writer_meant() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (count, seed) = (number("HOTFOLDERS_WRITERS", 28) as usize, number("HOTFOLDERS_SEED", 1));
    assert!(WRITERS.len() + FINISHED.len() >= 28);
    let mut studio = Studio::bare(&config());
    for folder in ["drop/finished", "outside"] {
        fs::create_dir_all(studio.path(folder)).unwrap();
    }
    studio.serve();
    let numbers: Vec<usize> = (0..count).collect();
    let mut all = Vec::new();
    for batch in numbers.chunks(AT_ONCE) {
        let writers: Vec<(Writer, Drop)> = batch.iter().map(|number| prepare(&studio, *number, seed)).collect();
        let written: Vec<(Writer, Drop, Meant)> = std::thread::scope(|scope| {
            let running: Vec<_> = writers
                .into_iter()
                .map(|(writer, mut drop)| {
                    scope.spawn(move || {
                        let meant = (writer.1)(&mut drop);
                        (writer, drop, meant)
                    })
                })
                .collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        all.extend(written);
    }
    let expected = all.iter().filter(|(_, _, meant)| !matches!(meant, Meant::Left(_))).count();
    studio.wait(&format!("{expected} jobs"), || {
        (studio.jobs("done").len() + studio.jobs("failed").len() >= expected).then_some(())
    });
    // What must not be taken gets its chance to be taken wrongly.
    std::thread::sleep(Duration::from_millis(1_500));
    studio.stop();
    let states = ["pending", "processing", "held", "failed", "done"];
    let folders = states.iter().flat_map(|state| studio.jobs(state));
    let jobs: Vec<_> = folders.map(|folder| (folder.clone(), studio.json(&folder.join("job.json")))).collect();
    for (writer, drop, meant) in &all {
        check(&studio, &jobs, *writer, drop, meant);
    }
    println!("writers: {count} from seed {seed}: {} jobs, 0 violations", jobs.len());
    studio.audit();
}
