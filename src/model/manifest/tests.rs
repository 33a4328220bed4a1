//! What a right manifest becomes. What a wrong one is told is in the corpus.

use serde_json::{Value, json};

use super::*;
use crate::model::limits::{MANIFEST_MAX_BYTES, MANIFEST_MAX_ENTRIES};
use crate::model::spec::{Tone, Turn};
use crate::model::units::Color;

fn whole(value: &Value) -> ReadManifest {
    read(value.to_string().as_bytes(), "m.json").unwrap_or_else(|error| panic!("{error}"))
}

fn wrong(value: &Value) -> String {
    match read(value.to_string().as_bytes(), "m.json") {
        Err(ManifestError::Invalid(text)) => text,
        other => panic!("{other:?}"),
    }
}

fn invoice(images: &Value, lines: &Value) -> Value {
    json!({ "manifest": 1, "kind": "invoice", "record": "1042", "images": images, "lines": lines })
}

fn warnings(read: &ReadManifest) -> Vec<String> {
    read.warnings.iter().map(|w| format!("{}: {}", w.path, w.told())).collect()
}

#[test]
fn every_field_is_read() {
    let read = whole(&json!({
        "manifest": 1, "id": "INV-1042-3", "kind": "invoice", "record": "1042", "action": "reprint", "only": [1, "3"],
        "status": "Printing Pending", "status_date": "2026-11-20T15:04:05-06:00", "type": "Initial Order",
        "location": "Main Street", "session": "S10001",
        "client": { "first": "Ada", "last": "Larson", "email": " ada@larson.example ", "phone": "1", "language": "en" },
        "images": [{
            "number": "007", "file": "S10001007.jpg", "id": 12, "rating": "selected", "groups": ["family", ""],
            "source": "retouched", "session": "S10002", "rotate": "90", "straighten": -1.2,
            "crop": ["0.1", 0.05, 0.8, 0.9], "adjust": { "exposure": 0.3, "contrast": 5, "tint": "-4" }, "tone": "bw",
            "width": 6000, "height": "4000", "sha256": "AB".repeat(32), "fields": { "name": "Ada" },
        }],
        "lines": [
            { "line": 1, "item": "8X10", "description": "print", "quantity": "2", "image": 7, "size": "8x10in",
              "crop": [0.2, 0.1, 0.6, 0.75], "tone": "#704214", "paper": "lustre", "fit": "pad", "source": "hires",
              "border": { "width": "5mm", "color": "#000000" }, "adjust": { "exposure": 1 }, "profile": "prints",
              "vendor": "own", "notes": "n", "due_date": "2026-12-01", "package": "A", "fields": { "x": [1] } },
            { "line": 3, "quantity": 1, "unit": "sheet", "layout": "panel-3", "slots": [
                { "image": "12", "crop": [0, 0, 1, 0.8], "tone": "sepia", "source": "s", "adjust": { "tint": 1 } },
                { "image": "S10001009.jpg" } ] },
        ],
        "profiles": "prints", "not_before": "2026-11-20T22:00:00-06:00", "priority": "-5",
        "count": { "images": "1", "lines": 2 }, "fields": { "album": "oak" },
    }));
    assert_eq!(warnings(&read), Vec::<String>::new());
    let m = read.manifest;
    assert_eq!((m.kind, m.record.as_str(), m.id.as_deref()), (Kind::Invoice, "1042", Some("INV-1042-3")));
    assert_eq!((m.action, &m.only[..], m.priority), (Action::Reprint, &[1, 3][..], -5));
    assert_eq!(m.not_before.unwrap().to_string(), "2026-11-21T04:00:00Z");
    assert_eq!(m.status_date.as_deref(), Some("2026-11-20T15:04:05-06:00"));
    assert_eq!(m.client.email.as_deref(), Some("ada@larson.example"));
    assert_eq!(m.profiles, ["prints"]);
    let image = &m.images[0];
    assert_eq!((image.number.as_deref(), image.id.as_deref()), (Some("7"), Some("12")));
    assert_eq!((image.rotate, image.tone, &image.groups[..]), (Turn::Quarter, Tone::Bw, &["family".to_string()][..]));
    assert_eq!(image.crop.unwrap(), Crop { x: 0.1, y: 0.05, width: 0.8, height: 0.9 });
    assert_eq!((image.adjust.exposure, image.adjust.contrast, image.adjust.tint), (0.3, 5.0, -4.0));
    assert_eq!(image.frame.unwrap().to_string(), "6000x4000");
    assert_eq!(image.sha256.as_deref(), Some("ab".repeat(32).as_str()));
    let line = &m.lines[0];
    assert_eq!((line.line, line.quantity, &line.images[..]), (1, 2, &[0][..]));
    assert_eq!(line.tone, Some(Tone::Custom(Color { red: 0x70, green: 0x42, blue: 0x14, alpha: 255 })));
    assert_eq!(line.border.as_ref().unwrap().width.to_string(), "5mm");
    assert_eq!((line.fit, line.size.unwrap().label()), (Some(Fit::Pad), "8x10in".to_string()));
    let slots = &m.lines[1].slots;
    assert_eq!((slots[0].image, slots[0].tone, slots[1].image), (0, Some(Tone::Sepia), 1));
    assert_eq!(m.images[1].file.as_deref(), Some("S10001009.jpg"));
    assert_eq!(m.fields[0].0, "album");
}

#[test]
fn empty_values_are_values_that_are_not_there() {
    let read = whole(&json!({
        "manifest": "1", "kind": "invoice", "record": 1042, "status": "", "location": "  ", "client": null,
        "lines": [{ "image": 7, "vendor": "", "paper": null, "layout": "", "size": null, "notes": "" }],
    }));
    let line = &read.manifest.lines[0];
    assert_eq!((&line.vendor, &line.paper, &line.layout, line.size), (&None, &None, &None, None));
    assert_eq!((read.manifest.location, read.manifest.status.as_str(), line.quantity), (None, "", 1));
}

#[test]
fn unknown_fields_are_kept_where_templates_find_them() {
    let read = whole(&json!({
        "manifest": 1, "kind": "session", "record": "S1", "lens": 85, "fields": { "album": "oak" }, "album": "no",
        "images": [{ "number": 7, "stars": 5 }],
    }));
    let shown = |fields: &Fields| fields.iter().map(|(k, v)| format!("{k}={v:?}")).collect::<Vec<_>>().join(" ");
    assert_eq!(shown(&read.manifest.fields), "album=Text(\"oak\") lens=Number(Number(85))");
    assert_eq!(shown(&read.manifest.images[0].fields), "stars=Number(Number(5))");
    assert_eq!(
        warnings(&read),
        [
            "album: unknown key `album`",
            "images[0].stars: unknown key `stars`",
            "lens: unknown key `lens`; did you mean `lines`?"
        ]
    );
}

#[test]
fn lines_find_their_pictures_by_every_name() {
    let images = json!([
        { "number": 7, "file": "Album/Zo\u{eb} 7.JPG", "crop": [0, 0, 1, 0.5] },
        { "number": 8, "id": "back" },
        { "file": "S10001012.tif" },
    ]);
    let names = [
        (json!(7), 0),
        (json!("0007"), 0),
        (json!("album/zoe\u{308} 7.jpg"), 0),
        (json!("ZO\u{cb} 7.jpg"), 0),
        (json!("zo\u{eb} 7"), 0),
        (json!("BACK"), 1),
        (json!("s10001012"), 2),
        (json!("S10001012.TIF"), 2),
    ];
    for (name, index) in names {
        let read = whole(&invoice(&images, &json!([{ "image": name }])));
        assert_eq!((&read.manifest.lines[0].images[..], read.manifest.images.len()), (&[index][..], 3), "{name}");
        assert_eq!(warnings(&read), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn pictures_that_are_not_listed_are_added_once_without_edits() {
    let lines = json!([{ "image": 7 }, { "images": ["0007", "a/B.jpg", 9] }, { "image": "A/b.JPG" }]);
    let read = whole(&invoice(&json!([{ "number": 9, "tone": "bw" }]), &lines));
    let m = &read.manifest;
    assert_eq!(m.lines.iter().map(|l| l.images.clone()).collect::<Vec<_>>(), [vec![1], vec![1, 2, 0], vec![2]]);
    assert_eq!(m.images[1], Image { number: Some("7".into()), ..Image::default() });
    assert_eq!(m.images[2], Image { file: Some("a/B.jpg".into()), ..Image::default() });
    assert_eq!(m.lines.iter().map(|l| l.line).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_session_tells_images_of_one_number_apart() {
    let images = json!([{ "number": 7, "session": "S1", "tone": "bw" }, { "number": 7, "session": "S2" }]);
    let lines =
        json!([{ "image": 7, "session": "s2" }, { "image": 7, "session": "S3" }, { "image": 7, "session": "S1" }]);
    let read = whole(&invoice(&images, &lines));
    let found: Vec<usize> = read.manifest.lines.iter().map(|l| l.images[0]).collect();
    assert_eq!(found, [1, 2, 0]);
    assert_eq!(read.manifest.images[2].session.as_deref(), Some("S3"));

    let mut value = invoice(&json!([{ "number": 7, "tone": "bw" }]), &json!([{ "image": 7, "session": "S1" }]));
    let read = whole(&value);
    assert_eq!((read.manifest.images.len(), read.manifest.images[0].session.as_deref()), (1, Some("S1")));
    value["session"] = "S1".into();
    let read = whole(&value);
    assert_eq!((read.manifest.images.len(), read.manifest.images[0].session.as_deref()), (1, None));
}

#[test]
fn rounding_of_programs_is_forgiven_in_crops() {
    let crop =
        |crop: Value| whole(&invoice(&json!([{ "number": 7, "crop": crop }]), &json!([]))).manifest.images[0].crop;
    assert_eq!(crop(json!([0.1, 0, 0.900_000_01, 1.000_02])), Some(Crop { x: 0.1, y: 0.0, width: 0.9, height: 1.0 }));
    assert_eq!(crop(json!([-0.000_01, 0, 1, 1])), Some(Crop { x: 0.0, y: 0.0, width: 1.0, height: 1.0 }));
}

#[test]
fn a_cancel_needs_no_pictures() {
    let read = whole(&json!({ "manifest": 1, "kind": "session", "record": "S1", "action": "cancel" }));
    assert_eq!(read.manifest.action, Action::Cancel);
}

#[test]
fn yaml_is_read_with_a_count() {
    let text = "# by hand\nmanifest: 1\nkind: production_order\nrecord: 0077\ncount: { images: 1, lines: 1 }\n\
                images:\n  - number: 007\n    crop: [0, 0, 1, .5]\nlines:\n  - { image: 7, size: 10x8in }\n";
    let read = read(text.as_bytes(), "order.yml").unwrap();
    assert_eq!((read.syntax, read.manifest.record.as_str()), (crate::model::document::Syntax::Yaml, "0077"));
    assert_eq!((read.manifest.images.len(), read.manifest.lines[0].images[0]), (1, 0));
}

#[test]
fn a_name_does_not_make_json_into_yaml() {
    let value = invoice(&json!([]), &json!([]));
    assert!(read(value.to_string().as_bytes(), "order.yaml").is_ok(), "JSON needs no count, whatever it is called");
    let yaml = b"manifest: 1\nkind: invoice\nrecord: 1\ncount: { images: 0, lines: 0 }\n";
    assert!(read(yaml, "order.txt").is_ok() && read(yaml, "ORDER.JSON").is_err());
    assert!(read(b"\xef\xbb\xbf{\"manifest\": 1, \"kind\": \"invoice\", \"record\": 1}", "bom.json").is_ok());
}

#[test]
fn every_beginning_of_a_text_may_still_grow() {
    let yaml = "manifest: 1\nkind: session\nrecord: S1\nimages:\n  - number: 7\n    tone: \"bw\"\n  - { number: 8 }\n\
                count: { images: 2, lines: 0 }\n";
    assert!(read(yaml.as_bytes(), "a.yaml").is_ok());
    let last = yaml.trim_end().len() - 1;
    for end in 0..last {
        let told = read(&yaml.as_bytes()[..end], "a.yaml");
        assert!(matches!(told, Err(ManifestError::CutOff(_))), "{end}: {told:?}");
    }
    let yaml =
        "manifest: 1\nkind: invoice\nrecord: 1042\nlines:\n- image: 7\n- image: 8\ncount:\n  images: 0\n  lines: 2\n";
    assert!(read(yaml.as_bytes(), "a.yaml").is_ok());
    for end in 0..yaml.len() - 2 {
        let told = read(&yaml.as_bytes()[..end], "a.yaml");
        assert!(matches!(told, Err(ManifestError::CutOff(_))), "{end}: {told:?}");
    }
    let text =
        invoice(&json!([{ "number": 7, "file": "\u{e4}.jpg" }]), &json!([{ "image": 7, "notes": "a\nb" }])).to_string();
    for end in 0..text.len() {
        for name in ["a.json", "a.yaml"] {
            let told = read(&text.as_bytes()[..end], name);
            assert!(matches!(told, Err(ManifestError::CutOff(_))), "{name} {end}: {told:?}");
        }
    }
}

#[test]
fn the_limits_hold_and_are_met_quickly() {
    let started = std::time::Instant::now();
    let most: Vec<Value> = (1..=MANIFEST_MAX_ENTRIES).map(|n| json!({ "number": n })).collect();
    let lines: Vec<Value> = (1..=MANIFEST_MAX_ENTRIES).map(|n| json!({ "image": n, "sku": 1 })).collect();
    let read_most = whole(&invoice(&most.clone().into(), &lines.clone().into()));
    assert_eq!(read_most.manifest.lines[MANIFEST_MAX_ENTRIES - 1].images, [MANIFEST_MAX_ENTRIES - 1]);
    assert_eq!(warnings(&read_most), ["lines[0].sku: unknown key `sku` (and in 19999 more places)"]);

    let mut more = most;
    more.push(json!({ "number": 1 }));
    assert!(wrong(&invoice(&more.into(), &json!([]))).contains("20001 entries; at most 20000"));

    // One name for all pictures: every line is ambiguous.
    let same: Vec<Value> = (0..MANIFEST_MAX_ENTRIES).map(|_| json!({ "number": 7 })).collect();
    let lines: Vec<Value> = (0..MANIFEST_MAX_ENTRIES).map(|_| json!({ "image": 7 })).collect();
    assert!(wrong(&invoice(&same.into(), &lines.into())).contains("and others"));

    let long = vec![b' '; MANIFEST_MAX_BYTES as usize + 1];
    assert!(read(&long, "a.json").unwrap_err().to_string().contains("at most 4.2 MB"));
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn large_wrong_texts_are_told_quickly_and_briefly() {
    let started = std::time::Instant::now();
    let long = "x".repeat(4_000_000);
    let keys: Vec<String> = (0..300_000).map(|n| format!("\"k{n}\":1,")).collect();
    let keys = keys.concat();
    let yaml: Vec<String> = (0..100_000).map(|n| format!("- {{ number: x{n} }}\n")).collect();
    let yaml = yaml.concat();
    for text in [
        json!({ "manifest": long, "kind": 1, "record": 1 }).to_string(),
        json!({ "manifest": 1, "kind": long, "record": 1 }).to_string(),
        json!({ "manifest": 1, "kind": "invoice", "record": long }).to_string(),
        json!({ "manifest": 1, "kind": "invoice", "record": 2, "lines": [{ "image": 7, "size": long }] }).to_string(),
        json!({ (long.as_str()): 1 }).to_string(),
        format!("{{{keys}\"manifest\": 1}}"),
        format!("images:\n{yaml}"),
        format!("\"{long}: 1"),
        format!("{{\"{long}\": 1, \"{long}\": 2}}")[..4_100_000].to_string(),
    ] {
        let told = read(text.as_bytes(), "a.yaml").unwrap_err().to_string();
        assert!(told.len() < 20_000, "{}", told.len());
    }
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

#[test]
fn names_that_the_config_does_not_have_are_refused_together() {
    let mut value =
        invoice(&json!([]), &json!([{ "image": 7, "profile": "print" }, { "image": 7, "layout": "wallets8" }]));
    value["profiles"] = json!(["web", "Prints"]);
    let manifest = whole(&value).manifest;
    let told = check_names(&manifest, &["prints", "web"], &["wallets-8"]).unwrap_err();
    assert_eq!(
        told,
        "profiles: the configuration has no profile `Prints`; did you mean `prints`?\n\
         line 1: the configuration has no profile `print`; did you mean `prints`?\n\
         line 2: the configuration has no layout `wallets8`; did you mean `wallets-8`?"
    );
    assert_eq!(check_names(&manifest, &["prints", "web", "Prints", "print"], &["wallets8"]), Ok(()));
}

#[test]
fn a_session_that_names_none_is_of_its_record() {
    let read = |more: Value| {
        let mut session = json!({ "manifest": 1, "kind": "session", "record": "S1", "images": [{ "number": 7 }] });
        session.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        whole(&session).manifest
    };
    let (bare, named) =
        (read(json!({})), read(json!({ "session": "S2", "images": [{ "number": 7, "session": "S3" }] })));
    assert_eq!((bare.session_of(None), bare.session_of(bare.images.first())), (Some("S1"), Some("S1")));
    assert_eq!((named.session_of(None), named.session_of(named.images.first())), (Some("S2"), Some("S3")));
    assert_eq!(whole(&invoice(&json!([]), &json!([]))).manifest.session_of(None), None);
}

#[test]
fn a_spreadsheets_number_of_a_picture_is_that_number() {
    let m =
        whole(&invoice(&json!([{ "number": 7.0 }]), &json!([{ "line": 1.0, "quantity": 2.0, "image": 7.0 }]))).manifest;
    assert_eq!((m.images.len(), m.images[0].number.as_deref()), (1, Some("7")));
    assert_eq!((&m.lines[0].images[..], m.lines[0].quantity), (&[0][..], 2));
    assert!(wrong(&invoice(&json!([{ "number": 7.5 }]), &json!([]))).contains("7.5"));
}
