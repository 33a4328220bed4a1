//! Real printers' programs, and a server that is killed all the time: each order is printed once. Long; run by
//! `scripts/torture print`, which installs the programs.

mod real;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::studio::Studio;
use real::{Bus, Queue, VirtualPrinter};

/// Longer than the slowest machine takes to finish what is left.
const PATIENCE: Duration = Duration::from_mins(20);

/// Orders go to the status of their printer; each sheet carries its record, so that no two are equal.
const CONFIG: &str = r#"
version: 1
library: { roots: [sessions], sources: { hires: ["Hi-Res/{stem}.*"] }, image_number: { last: 3 } }
hot_folders: { status: { folder: drop/status, images: library, settle: 50ms, scan: 200ms, complete_within: 5s } }
items: { "8X10": { size: 8x10in } }
profiles:
PROFILES
render_jobs:
RULES
PRINTERS
"#;

fn config(targets: &[&str], printers: &str) -> String {
    let profile = |name: &&str| {
        format!(
            "  {name}:\n    source: [hires]\n    size: ordered\n    quality: 95\n    name: \"{{record}}\"\n    \
             overlays: [ {{ text: \"{{record}}\", at: bottom-left, height: 8%, color: \"#ffffff\" }} ]\n    \
             deliver: [ {{ to: print, printer: {name} }} ]\n"
        )
    };
    let rule =
        |name: &&str| format!("  - {{ name: {name}, when: {{ kind: invoice, status: {name} }}, run: [{name}] }}\n");
    CONFIG
        .replace("PROFILES\n", &targets.iter().map(profile).collect::<String>())
        .replace("RULES\n", &targets.iter().map(rule).collect::<String>())
        .replace("PRINTERS\n", printers)
}

fn order(record: &str, status: &str) -> String {
    serde_json::json!({
        "manifest": 1, "kind": "invoice", "record": record, "status": status, "session": "S1",
        "lines": [{ "line": 1, "item": "8X10", "quantity": 1, "image": 1 }],
        "count": { "images": 0, "lines": 1 },
    })
    .to_string()
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Knuth's 64-bit generator: the same moments for the same seed.
struct Moments(u64);

impl Moments {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// A picture that does not get small: noise of so many megapixels, 12 MB as a JPEG.
fn large_picture() -> Vec<u8> {
    let (width, height) = (3600_usize, 3000_usize);
    let mut random = Moments(7);
    let pixels: Vec<u8> = (0..width * height * 3).map(|_| 96 + random.below(38) as u8).collect();
    let image = turbojpeg::Image {
        pixels: pixels.as_slice(),
        width,
        pitch: width * 3,
        height,
        format: turbojpeg::PixelFormat::RGB,
    };
    turbojpeg::compress(image, 95, turbojpeg::Subsamp::None).unwrap().to_vec()
}

/// What the journals of running jobs say of sheets, and how many sheets are between *intended* and an end.
fn on_their_way(studio: &Studio) -> (usize, usize) {
    let journals = studio.jobs("processing").into_iter();
    let texts = journals.filter_map(|job| std::fs::read_to_string(job.join("journal.jsonl")).ok());
    let mut found = (0, 0);
    for text in texts {
        let events: Vec<&str> =
            text.split("\"print\":\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        found.0 += events.len();
        found.1 += usize::from(events.last().is_some_and(|last| ["intended", "created", "sent"].contains(last)));
    }
    found
}

/// Half of the kills come at any moment, half when a sheet has just begun to leave. Whether one was on its way.
fn serve_and_kill(studio: &mut Studio, moments: &mut Moments) -> bool {
    let before = on_their_way(studio).0;
    studio.serve();
    if moments.below(2) == 0 {
        std::thread::sleep(Duration::from_millis(100 + moments.below(1900)));
    } else {
        let begun = Instant::now();
        while on_their_way(studio).0 <= before && begun.elapsed() < Duration::from_secs(8) {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(moments.below(200)));
    }
    studio.kill();
    on_their_way(studio).1 > 0
}

/// What came out, by record: how often.
fn printed(printers: &[&VirtualPrinter]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (record, _) in printers.iter().flat_map(|printer| printer.sheets()) {
        *counts.entry(record).or_insert(0) += 1;
    }
    counts
}

/// Waits for rest, answers like somebody who has looked at the paper, and counts what was asked, by its words.
fn finish(studio: &Studio, orders: usize, printers: &[&VirtualPrinter]) -> BTreeMap<String, usize> {
    let begun = Instant::now();
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    let mut answered: BTreeMap<String, String> = BTreeMap::new();
    loop {
        let done = studio.jobs("done").len();
        assert_eq!(studio.jobs("failed").len(), 0, "none may fail");
        if done == orders {
            return asked;
        }
        for job in studio.jobs("held") {
            let Ok(text) = std::fs::read_to_string(job.join("questions.json")) else { continue };
            let id = job.file_name().unwrap().to_string_lossy().into_owned();
            if answered.get(&id) == Some(&text) {
                continue;
            }
            let questions: Value = serde_json::from_str(&text).unwrap();
            let record = studio.json(&job.join("job.json"))["record"].as_str().unwrap().to_string();
            let came_out = printed(printers).get(&record).copied().unwrap_or(0);
            for question in questions.as_array().unwrap() {
                let why = question["text"].as_str().unwrap().replace(&record, "RECORD");
                *asked.entry(format!("{} ({came_out} on paper)", shortened(&why))).or_insert(0) += 1;
            }
            let answer = if came_out == 0 { "--print-again" } else { "--printed" };
            studio.run(&["jobs", "answer", &id, answer]).expect(0);
            answered.insert(id, text);
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "{done} of {orders} are done; {} held, {} in work\n{}",
            studio.jobs("held").len(),
            studio.jobs("processing").len(),
            studio.run(&["status"]).out
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Without what differs from job to job.
fn shortened(text: &str) -> String {
    let no_numbers = regex::Regex::new(r"hf-[0-9a-f]+|\d[\d:.-]*").unwrap();
    no_numbers.replace_all(text, "#").chars().take(160).collect()
}

/// The digest of each order's sheet as it was rendered, by record.
fn rendered(studio: &Studio) -> BTreeMap<String, String> {
    let sheet = |job: PathBuf| {
        let receipt = studio.receipt(&job);
        let text = |value: &Value| value.as_str().unwrap().to_string();
        assert_eq!(receipt["prints"].as_array().unwrap().len(), 1, "{receipt}");
        let of_print = |output: &&Value| output["step"] == receipt["prints"][0]["sheet"];
        let output = receipt["outputs"].as_array().unwrap().iter().find(of_print).unwrap();
        (text(&receipt["record"]), text(&output["sha256"]))
    };
    studio.jobs("done").into_iter().map(sheet).collect()
}

/// Each order's own sheet came out, once. What goes through a queue comes out as it was sent, too.
#[track_caller]
fn each_once(studio: &Studio, records: &[String], printers: &[&VirtualPrinter]) {
    let counts = printed(printers);
    let rendered = rendered(studio);
    for (record, digest) in printers.iter().flat_map(|printer| printer.sheets()) {
        assert_eq!(rendered.get(&record), Some(&digest), "what came out for {record} is not its sheet");
    }
    let lost: Vec<&String> = records.iter().filter(|record| !counts.contains_key(*record)).collect();
    let doubled: Vec<(&String, &usize)> = counts.iter().filter(|(_, count)| **count > 1).collect();
    let digests: std::collections::BTreeSet<String> = printers.iter().flat_map(|p| p.digests()).collect();
    println!(
        "print: {} orders, {} distinct prints, {} lost, {} printed more than once",
        records.len(),
        digests.len(),
        lost.len(),
        doubled.len()
    );
    assert!(lost.is_empty() && doubled.is_empty(), "lost {lost:?}, doubled {doubled:?}");
    assert_eq!(digests.len(), records.len(), "no sheet is another's");
}

/// Half of the orders go to a direct printer, half through CUPS. `HOTFOLDERS_ORDERS`, `HOTFOLDERS_SEED`.
#[test]
#[ignore = "long, and needs CUPS: scripts/torture print"]
fn orders_are_printed_once_whenever_the_server_is_killed() {
    const KILLS_EACH: u64 = 2;
    let orders = number("HOTFOLDERS_ORDERS", 20);
    let mut moments = Moments(number("HOTFOLDERS_SEED", 1));
    let bus = Bus::start();
    let direct = VirtualPrinter::start(&bus, "direct");
    let behind = VirtualPrinter::start(&bus, "behind");
    let queue = Queue::start(&behind);
    let printers = format!(
        "printers:\n  direct: {{ uri: \"{}\", media: [8x10in] }}\n  cups: {{ uri: \"{}\", media: [8x10in] }}\n",
        direct.uri(),
        queue.uri()
    );
    let mut studio = Studio::bare(&config(&["direct", "cups"], &printers));
    let picture = large_picture();
    println!("print: {orders} orders, an original of {} bytes", picture.len());
    studio.write("sessions/S1/Hi-Res/S1001.jpg", &picture);
    studio.run(&["check"]).expect(0);
    let records: Vec<String> = (0..orders).map(|order| format!("T{order:04}")).collect();
    let begun = Instant::now();
    let mut met = 0;
    for (index, record) in records.iter().enumerate() {
        let status = if index % 2 == 0 { "direct" } else { "cups" };
        studio.drop_file("status", &format!("{record}.json"), &order(record, status));
        for _ in 0..KILLS_EACH {
            met += usize::from(serve_and_kill(&mut studio, &mut moments));
        }
        if index % 20 == 19 {
            println!("print: {} dropped, {} done, {:?}", index + 1, studio.jobs("done").len(), begun.elapsed());
        }
    }
    studio.serve();
    let asked = finish(&studio, records.len(), &[&direct, &behind]);
    println!(
        "print: {} kills, {met} with a sheet on its way, all done after {:?}; asked: {}",
        orders * KILLS_EACH,
        begun.elapsed(),
        asked.values().sum::<usize>()
    );
    for (why, count) in &asked {
        println!("print:   {count} × {why}");
    }
    assert!(!asked.keys().any(|why| why.contains("with errors")), "neither printer has given anything up");
    studio.stop();
    each_once(&studio, &records, &[&direct, &behind]);
    studio.audit();
}

/// Two printers in a pool: one is switched off for a minute in the middle, one runs out of paper.
#[test]
#[ignore = "long, and needs CUPS: scripts/torture print"]
fn a_pool_prints_each_order_once_though_its_printers_come_and_go() {
    let orders = number("HOTFOLDERS_POOL_ORDERS", 30);
    let away = Duration::from_secs(number("HOTFOLDERS_AWAY", 60));
    let bus = Bus::start();
    let mut first = VirtualPrinter::start(&bus, "first");
    let second = VirtualPrinter::start(&bus, "second");
    let printers = format!(
        "printers:\n  first: {{ uri: \"{}\", media: [8x10in], pool: photo }}\n  second: {{ uri: \"{}\", media: \
         [8x10in], pool: photo }}\npools: {{ photo: {{}} }}\n",
        first.uri(),
        second.uri()
    );
    let mut studio = Studio::bare(&config(&["photo"], &printers));
    studio.write("sessions/S1/Hi-Res/S1001.jpg", &super::studio::jpeg(2400, 3000));
    studio.serve();
    let records: Vec<String> = (0..orders).map(|order| format!("P{order:04}")).collect();
    for record in &records {
        studio.drop_file("status", &format!("{record}.json"), &order(record, "photo"));
    }
    let out = |count: usize| {
        let begun = Instant::now();
        while printed(&[&first, &second]).len() < count && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    out(records.len() / 10);
    second.run_out_of_paper();
    out(records.len() / 5);
    first.kill();
    println!("pool: one is off and one has no paper, {} of {orders} are out", printed(&[&first, &second]).len());
    std::thread::sleep(away / 2);
    let told = studio.run(&["status"]).expect(0).out;
    assert!(told.contains("out of paper"), "{told}");
    second.fill_paper();
    std::thread::sleep(away / 2);
    first.restart(&bus);
    let asked = finish(&studio, records.len(), &[&first, &second]);
    let shares = [first.prints().len(), second.prints().len()];
    println!("pool: {shares:?} sheets, asked: {}", asked.values().sum::<usize>());
    for (why, count) in &asked {
        println!("pool:   {count} × {why}");
    }
    assert!(shares.iter().all(|share| *share > 0), "both have printed");
    studio.stop();
    each_once(&studio, &records, &[&first, &second]);
    studio.audit();
}
