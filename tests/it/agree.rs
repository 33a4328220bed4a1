//! What `plan` says beforehand and what `serve` makes are the same.

use std::collections::BTreeSet;

use hotfolders::plan::{Content, DeliveryStep, Plan, Weight, Work};
use serde_json::Value;

use crate::studio::{Studio, files};

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
