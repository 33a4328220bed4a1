//! What `plan` says beforehand and what `serve` makes are the same.

use std::collections::BTreeSet;

use hotfolders::plan::{Content, DeliveryStep, Plan, Weight, Work};
use serde_json::Value;

use crate::studio::{self, Studio, files, invoice, session};

const CONFIG: &str = include_str!("../../fixtures/demo/hotfolders.yaml");
const BESIDE: &str = r#"{
  "manifest": 1, "kind": "invoice", "record": "2001", "status": "Printing Pending",
  "client": { "first": "Ben", "last": "Ortiz" },
  "images": [ { "file": "a.jpg", "number": 1 }, { "file": "b.jpg", "number": 2, "rotate": 90 } ],
  "lines": [
    { "line": 1, "item": "5X7", "quantity": 1, "image": 1 },
    { "line": 2, "item": "8X10", "quantity": 1, "image": 2, "tone": "bw" }
  ],
  "count": { "images": 2, "lines": 2 }
}"#;

/// The demo's studio, and an order that brings its pictures along.
fn demo() -> Studio {
    let studio = Studio::bare(CONFIG);
    let photos = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/photos/");
    let photo = |name: &str| std::fs::read(format!("{photos}{name}.jpg")).unwrap();
    let originals = ["Landscape_1", "Portrait_6", "Landscape_8", "Portrait_1", "Landscape_3", "Portrait_5"];
    for (number, name) in (1..).zip(originals) {
        studio.write(&format!("sessions/S10001/Hi-Res/S10001{number:03}.jpg"), &photo(name));
    }
    studio.write("sessions/S10001/Retouched/S10001004.jpg", &photo("Portrait_1"));
    let session: &[u8] = include_bytes!("../../fixtures/demo/session-S10001.json");
    studio.write("manifests/session-S10001.json", session);
    studio.write("manifests/invoice-1042.json", include_bytes!("../../fixtures/demo/invoice-1042.json"));
    studio.write("manifests/order-77.json", include_bytes!("../../fixtures/demo/order-77.json"));
    studio.write("order/2001.json", BESIDE.as_bytes());
    studio.write("order/a.jpg", &photo("Portrait_3"));
    studio.write("order/b.jpg", &photo("Landscape_7"));
    studio
}

/// One picture at one place, as far as both sides know it.
type Made = (String, String, Option<u64>, Option<String>, u64, u64, String);

fn planned(plan: &Plan) -> BTreeSet<Made> {
    let mut all = BTreeSet::new();
    for step in &plan.renders {
        let Work::Render { spec, .. } = &step.work else { panic!("{} cannot be made: {:?}", step.id, step.work) };
        let (pixels, source) = (spec.pixels(), &plan.sources[spec.cells[0].source].shown);
        for delivery in &plan.deliveries {
            let members = delivery.members.iter().filter(|m| m.content == Content::Step(step.id.clone()));
            for member in members {
                all.insert((
                    format!("{}/{}", shown(delivery), member.path),
                    step.profile.clone(),
                    step.line.map(u64::from),
                    step.number.clone(),
                    pixels.width.into(),
                    pixels.height.into(),
                    source.clone(),
                ));
            }
        }
    }
    all
}

fn shown(delivery: &DeliveryStep) -> &str {
    &delivery.place.as_ref().unwrap().shown
}

fn made(receipt: &Value) -> BTreeSet<Made> {
    let text = |value: &Value| value.as_str().map(String::from);
    let outputs = receipt["outputs"].as_array().unwrap();
    let all: BTreeSet<Made> = outputs
        .iter()
        .map(|output| {
            (
                text(&output["path"]).unwrap(),
                text(&output["profile"]).unwrap(),
                output["line"].as_u64(),
                output["number"].as_u64().map(|n| n.to_string()),
                output["width"].as_u64().unwrap(),
                output["height"].as_u64().unwrap(),
                text(&output["source"]).unwrap(),
            )
        })
        .collect();
    assert_eq!(all.len(), outputs.len(), "nothing is listed twice");
    all
}

#[test]
fn plan_and_serve_agree_about_every_picture() {
    let mut studio = demo();
    let jobs = [
        ("S10001", "manifests/session-S10001.json", "status"),
        ("1042", "manifests/invoice-1042.json", "status"),
        ("77", "manifests/order-77.json", "status"),
        ("2001", "order/2001.json", "exports"),
    ];
    let plans = jobs.map(|(record, manifest, hot_folder)| {
        let told = studio.run(&["plan", manifest, "--hot-folder", hot_folder, "--json"]).expect(0).json();
        assert_eq!((&told["record"], &told["verdict"]["fate"]), (&record.into(), &"run".into()), "{told}");
        serde_json::from_value::<Plan>(told["plan"].clone()).unwrap()
    });
    assert!(!studio.path("spool").exists(), "a dry run leaves nothing behind");

    studio.serve();
    for (_, manifest, hot_folder) in jobs {
        studio.run(&["submit", manifest, "--hot-folder", hot_folder]).expect(0);
    }
    let receipts: Vec<Value> = studio.wait_jobs("done", jobs.len()).iter().map(|job| studio.receipt(job)).collect();

    for ((record, ..), plan) in jobs.iter().zip(&plans) {
        let receipt = receipts.iter().find(|r| r["record"] == *record).unwrap();
        assert_eq!(receipt["result"], "done", "{receipt}");
        let planned = planned(plan);
        assert!(!planned.is_empty(), "{record}");
        assert_eq!(planned, made(receipt), "{record}");
        let foreseen = plan.findings.iter().filter(|f| f.weight == Weight::Warn).map(|f| f.text.as_str());
        let told = receipt["warnings"].as_array().unwrap().iter().map(|w| w["text"].as_str().unwrap());
        assert_eq!(foreseen.collect::<BTreeSet<_>>(), told.collect(), "{record}");
        for delivery in plan.deliveries.iter().filter(|d| d.delivery.word() == "folder") {
            let wanted: BTreeSet<String> =
                delivery.members.iter().map(|m| &m.path).chain(&delivery.trigger).map(ToString::to_string).collect();
            let stands = files(&studio.path(shown(delivery)));
            assert_eq!(stands.into_iter().collect::<BTreeSet<_>>(), wanted, "{}", shown(delivery));
        }
    }
    // The files are what the receipts say, also in pixels.
    for output in receipts.iter().flat_map(|r| r["outputs"].as_array().unwrap()) {
        let path = output["path"].as_str().unwrap();
        if !path.contains(".zip/") {
            let header = turbojpeg::read_header(&std::fs::read(studio.path(path)).unwrap()).unwrap();
            let told = (output["width"].as_u64().unwrap(), output["height"].as_u64().unwrap());
            assert_eq!((header.width as u64, header.height as u64), told, "{path}");
        }
    }
    studio.audit();
}

/// An order of one picture, named so.
fn order(record: &str, image: &Value) -> String {
    let line = image.get("number").or_else(|| image.get("file"));
    serde_json::json!({
        "manifest": 1, "kind": "production_order", "record": record, "status": "zip", "images": [image],
        "lines": [{ "line": 1, "image": line }], "count": { "images": 1, "lines": 1 },
    })
    .to_string()
}

/// Another case, a number, a name composed by another system: what `serve` finds beside a manifest, the others find too.
#[test]
fn pictures_beside_a_manifest_are_found_by_one_rule() {
    let done_file =
        "  done: { folder: drop/done, images: beside, settle: 100ms, scan: 200ms, done_file: true }\nitems:";
    let mut studio = Studio::bare(&studio::CONFIG.replace("items:", done_file));
    std::fs::create_dir_all(studio.path("drop/done")).unwrap();
    let cases = [
        ("case", "IMG_7.JPG", serde_json::json!({ "file": "img_7.jpg" })),
        ("number", "S1007.jpg", serde_json::json!({ "number": 7 })),
        ("composed", "e\u{301}.jpg", serde_json::json!({ "file": "\u{e9}.jpg" })),
        ("decomposed", "e\u{301}.jpg", serde_json::json!({ "file": "e\u{301}.jpg" })),
        ("below", "Album/A.jpg", serde_json::json!({ "file": "album/a.jpg" })),
        ("joined", "\u{1f468}\u{200d}\u{1f469}.jpg", serde_json::json!({ "file": "\u{1f468}\u{200d}\u{1f469}.jpg" })),
        // Camera names repeat: two orders of the same name and picture at a time.
        ("same", "IMG_7.JPG", serde_json::json!({ "file": "IMG_7.JPG" })),
    ];
    for (at, (record, picture, image)) in (1..).zip(&cases) {
        studio.picture(&format!("in/{record}/{picture}"), 60 + at, 60);
        studio.write(&format!("in/{record}/order.json"), order(record, image).as_bytes());
    }
    studio.serve();
    for hot_folder in ["exports", "done"] {
        let manifests: Vec<String> = cases.iter().map(|(record, ..)| format!("in/{record}/order.json")).collect();
        for manifest in &manifests {
            let planned = studio.run(&["plan", manifest, "--hot-folder", hot_folder, "--json"]).expect(0).json();
            assert_eq!(planned["missing"], serde_json::json!([]), "{manifest}");
        }
        let submit = ["submit", "--wait", "--hot-folder", hot_folder];
        let all: Vec<&str> = submit.into_iter().chain(manifests.iter().map(String::as_str)).collect();
        let told = studio.run(&all).expect(0);
        assert_eq!(told.err, "", "{}", told.out);
        assert_eq!(files(&studio.path(&format!("drop/{hot_folder}"))), [""; 0]);
    }
    let receipts: Vec<Value> = studio.jobs("done").iter().map(|job| studio.receipt(job)).collect();
    let of = |result: &str| receipts.iter().filter(|receipt| receipt["result"] == result).collect::<Vec<_>>();
    assert_eq!((of("done").len(), of("duplicate").len()), (cases.len(), cases.len()));
    let originals: BTreeSet<&str> =
        of("done").iter().map(|receipt| receipt["outputs"][0]["source_sha256"].as_str().unwrap()).collect();
    assert_eq!(originals.len(), cases.len(), "no order has the picture of another one");
    assert_eq!(studio.stop(), Some(0));
    studio.audit();
}

#[test]
fn what_a_hot_folder_would_never_take_is_refused_beforehand() {
    let studio = Studio::new();
    studio.picture("a.jpg", 60, 60);
    for name in ["order.txt", "order.json.part", ".order.json"] {
        studio.write(name, order("1", &serde_json::json!({ "file": "a.jpg" })).as_bytes());
        for command in ["plan", "submit"] {
            let told = studio.run(&[command, name, "--hot-folder", "exports"]).expect(1);
            assert!(told.err.contains(name) && told.err.contains("rename it"), "{command} {name}: {}", told.err);
        }
    }
    assert_eq!(files(&studio.path("drop")), [""; 0]);
    // Of this one every picture is missing: its job would fail.
    studio.write("order.json", order("1", &serde_json::json!({ "file": "b.jpg" })).as_bytes());
    let told = studio.run(&["plan", "order.json", "--hot-folder", "exports"]).expect(1);
    assert!(told.out.contains("b.jpg does not lie beside the manifest"), "{}", told.out);
}

/// `plan` knows what was made before: the same again, a correction that asks, one that takes files away.
#[test]
fn a_plan_knows_what_was_made_before() {
    let ask = "size: ordered\n    repeat: ask";
    let mut studio = Studio::bare(&studio::CONFIG.replacen("size: ordered", ask, 1));
    for number in 1..=3 {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 90, 60);
    }
    studio.write("again.json", invoice("9", &[1]).as_bytes());
    studio.write("corrected.json", invoice("9", &[2]).as_bytes());
    studio.write("fewer.json", session("S1", &[1]).as_bytes());
    let plan = |studio: &Studio, name: &str| studio.run(&["plan", name, "--json"]).expect(0).json()["before"].clone();
    assert_eq!(plan(&studio, "again.json")["duplicate_of"], Value::Null);
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1]));
    studio.drop_file("status", "s.json", &session("S1", &[1, 2]));
    let done = studio.wait_jobs("done", 2);
    let of_invoice = done.iter().map(|job| studio.receipt(job)).find(|receipt| receipt["kind"] == "invoice").unwrap();
    assert_eq!(plan(&studio, "again.json")["duplicate_of"], of_invoice["job"]);
    let asked = plan(&studio, "corrected.json")["questions"].clone();
    let removed = plan(&studio, "fewer.json")["changes"].clone();
    assert!(removed[0].as_str().unwrap().contains("is not made any more"), "{removed}");
    let told = studio.run(&["plan", "fewer.json"]).expect(0).out;
    assert!(told.contains("is removed from its folder"), "{told}");

    // And so it comes.
    studio.drop_file("status", "b.json", &invoice("9", &[2]));
    let held = studio.wait_jobs("held", 1);
    assert_eq!(studio.json(&held[0].join("questions.json"))[0]["text"], asked[0]);
    studio.drop_file("status", "t.json", &session("S1", &[1]));
    studio.wait_jobs("done", 3);
    assert_eq!(files(&studio.path("delivery/web/S1")), ["S1_0001.jpg"]);
    assert_eq!(studio.stop(), Some(0));
}
