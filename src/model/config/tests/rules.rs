//! Defaults, and the rules between sections.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::delivery::{Delivery, DiscSize, MailTo, OnConflict, Publish};
use crate::model::manifest::Fit;
use crate::model::profile::{Compression, CropChoice, Per, Repeat, SizeChoice};
use crate::model::rule::At;

const LIBRARY: &str = "library: { roots: [sessions], sources: { hires: \"Hi-Res/{stem}.*\" } }\n";

fn read(text: &str) -> Config {
    parse(&format!("version: 1\n{text}")).unwrap_or_else(|e| panic!("{e}"))
}

fn refused(text: &str) -> String {
    parse(&format!("version: 1\n{text}")).unwrap_err().to_string()
}

#[test]
fn only_the_version_is_required() {
    let config = read("");
    assert_eq!(
        (config.file.as_path(), config.folder.as_path()),
        (Path::new("/studio/hotfolders.yaml"), Path::new("/studio"))
    );
    assert_eq!(config.spool, Path::new("/studio/spool"));
    assert_eq!(config.server.log.folder, Path::new("/studio/logs"));
    assert_eq!((config.server.log.keep, config.server.auto_start, config.server.locations), (14, true, None));
    assert_eq!(config.checks, Checks::default());
    assert!(config.warnings.is_empty());
    // JSON is YAML.
    assert!(parse("{\"version\": 1, \"spool\": \"s\"}").is_ok());
}

#[test]
fn hot_folders_have_the_defaults_of_their_kind() {
    let config = read(&format!(
        "{LIBRARY}hot_folders:\n  a: {{ folder: a, images: library }}\n  b: {{ folder: b, images: beside }}\n  c: {{ folder: c, images: alone }}\n"
    ));
    let of = |name| {
        let folder = config.hot_folder(name).unwrap();
        (
            folder.settle.as_secs(),
            folder.complete_within.as_secs(),
            folder.unmatched,
            folder.scan.as_secs(),
            folder.poll,
        )
    };
    assert_eq!(of("a"), (2, 120, Unmatched::Ignore, 2, false));
    assert_eq!(of("b"), (2, 1800, Unmatched::Fail, 2, false));
    assert_eq!((of("c").0, of("c").2), (30, Unmatched::Fail));
    let folder = config.hot_folder("a").unwrap();
    assert!(folder.match_.matches("Order.JSON") && folder.match_.matches("a.yml") && !folder.match_.matches("a.jpg"));
    assert_eq!(config.library.unwrap().types, ["tif", "tiff", "jpg", "jpeg", "png", "webp"]);
}

#[test]
fn profiles_resolve_what_depends_on_other_keys() {
    let config = read(&format!(
        "{LIBRARY}profiles:
  plain: {{}}
  edge: {{ size: 2048px }}
  box: {{ size: 8x10in }}
  ordered: {{ size: ordered }}
  by-image: {{ size: ordered, per: image }}
  items: {{ items: \"P*\" }}
  png: {{ format: png, bits: 16 }}
  tiff: {{ format: tiff, size: 30cm }}
  disc: {{ deliver: [ {{ to: disc, path: burn }} ] }}
"
    ));
    let of = |name: &str| config.profile(name).unwrap();
    assert_eq!((of("plain").size, of("plain").fit), (SizeChoice::Original, Fit::Fit));
    assert_eq!((of("edge").fit, of("box").fit, of("ordered").fit), (Fit::Fit, Fit::Fill, Fit::Fill));
    assert_eq!((of("plain").per, of("plain").crop), (Per::Image, CropChoice::Image));
    assert_eq!((of("ordered").per, of("ordered").crop), (Per::Line, CropChoice::Line));
    assert_eq!((of("by-image").per, of("by-image").crop), (Per::Image, CropChoice::Image));
    assert_eq!(of("items").per, Per::Line);
    assert_eq!((of("png").compression, of("tiff").compression), (Compression::Standard, Compression::Lzw));
    assert_eq!((of("plain").repeat, of("disc").repeat), (Repeat::Changed, Repeat::Ask));
    assert_eq!(of("plain").source, ["hires"]);
    assert_eq!(of("plain").name_template.source(), "{stem}");
    assert_eq!((of("plain").quality, of("plain").strip.len()), (92, 3));
}

#[test]
fn a_profile_overrides_single_checks() {
    let config = read(
        "checks: { copies_over: { over: 5 }, low_ppi: off, no_email: warn }\nprofiles:\n  a: { checks: { copies_over: off, crop_cuts: { over: 9% } } }\n",
    );
    let checks = &config.profile("a").unwrap().checks;
    assert_eq!((config.checks.copies_over.bound, config.checks.copies_over.then.word()), (5, "hold"));
    assert_eq!((checks.copies_over.bound, checks.copies_over.then.word()), (5, "off"));
    assert!((checks.crop_cuts.bound.0 - 0.09).abs() < 1e-9 && checks.crop_cuts.then.word() == "warn");
    assert!(checks.low_ppi.is_empty() && checks.no_email.word() == "warn" && checks.empty_token.word() == "hold");
}

#[test]
fn destinations_are_split_where_the_job_begins() {
    let config = read(
        "profiles:\n  a:\n    deliver:\n      - { to: folder, path: \"../out/x_{record}/y\" }\n      - { to: zip, path: \"/mnt/zips\" }\n      - { to: disc, path: burn, medium: 4GB }\n",
    );
    let [
        Delivery::Folder { path, publish, on_conflict, .. },
        Delivery::Zip { path: zip, split },
        Delivery::Disc { medium, .. },
    ] = config.profile("a").unwrap().deliver.as_slice()
    else {
        panic!("{:?}", config.profile("a").unwrap().deliver);
    };
    assert_eq!((path.fixed.as_path(), path.made, path.rest.source()), (Path::new("/out"), true, "x_{record}/y"));
    assert_eq!((*publish, *on_conflict), (Publish::Files, OnConflict::Suffix));
    assert_eq!((zip.fixed.as_path(), zip.made, zip.rest.source(), *split), (Path::new("/mnt/zips"), false, "", None));
    assert_eq!(*medium, DiscSize::Bytes(4_000_000_000));
}

#[test]
fn destinations_may_share_and_contain_each_other_and_lie_in_the_library() {
    read(&format!(
        "{LIBRARY}profiles:
  a: {{ deliver: [ {{ to: folder, path: \"out/{{record}}\" }}, {{ to: folder, path: \"out/sub/{{record}}\" }} ] }}
  b: {{ deliver: [ {{ to: folder, path: \"out/{{record}}\" }}, {{ to: folder, path: \"sessions/{{session}}/Web\" }} ] }}
  c: {{ deliver: [ {{ to: folder, path: \"sessions/{{session}}/Hi-Res/Web\" }} ] }}
"
    ));
    // Beside a folder is not in it.
    read(
        "hot_folders:\n  a: { folder: drop, images: beside, receipts: r }\n  b: { folder: drop-2, images: beside, receipts: r }\n",
    );
    let inside = |path: &str| {
        refused(&format!("{LIBRARY}profiles:\n  a: {{ deliver: [ {{ to: folder, path: \"{path}\" }} ] }}\n"))
    };
    for path in ["sessions/S1/hi-res", "sessions/{session}/Hi-{type}", "./sessions/{session} {client.last}/Hi-Res/"] {
        assert!(inside(path).contains("taken for originals"), "{path}");
    }
}

#[test]
fn render_jobs_say_when() {
    let config = read(
        "profiles:\n  a: { deliver: [ { to: folder, path: out } ] }\nrender_jobs:\n  - { run: a }\n  - { run: a, at: \"22:00\", name: x }\n  - { run: a, at: \"+2h\", priority: -3 }\n",
    );
    let at: Vec<At> = config.rules.iter().map(|rule| rule.at).collect();
    assert!(matches!(at[..], [At::Now, At::TimeOfDay(_), At::After(delay)] if delay == Duration::from_hours(2)));
    assert_eq!((config.rules[0].name.as_str(), config.rules[1].name.as_str()), ("render job 1", "x"));
    assert_eq!(config.rules[2].priority, -3);
    assert!(config.rules[0].when.kind.is_empty() && config.rules[0].when.status.is_empty());
}

#[test]
fn what_runs_without_a_delivery_is_told() {
    let text = "version: 1\nprofiles:\n  a: {}\nrender_jobs:\n  - { run: a }\n";
    let shown = parse(text).unwrap().show_warnings(text);
    assert_eq!(
        shown,
        "/studio/hotfolders.yaml:5:7: warning: render_jobs[0].run[0]: `a` has no `deliver`, nor has this render job: it will not be run\n"
    );
}

#[test]
fn printers_are_reached_at_the_port_of_ipp() {
    let config = read(
        "printers:\n  a: { uri: \"ipps://10.0.0.21/ipp/print\", media: { 8x10in: , 5x7in: {} } }\n  b: { uri: \"ipp://[::1]:8631\", media: [A4] }\n  c: { uri: \"IPP://[fe80::1%eth0]/x\", media: [A4] }\n",
    );
    let uri = |name| match &config.printer(name).unwrap().target {
        PrinterTarget::Ipp { uri, .. } => uri.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!((uri("a").as_str(), uri("b").as_str()), ("ipps://10.0.0.21:631/ipp/print", "ipp://[::1]:8631"));
    assert_eq!(uri("c"), "ipp://[fe80::1%25eth0]:631/x");
    let space = refused("printers:\n  a: { uri: \"ipp://mac/printers/DNP DS620\", media: [A4] }\n");
    assert!(space.contains("printers.a.uri: `ipp://mac/printers/DNP DS620` has a space in it"), "{space}");
    let size = crate::model::units::Dimensions::parse("10x8in").unwrap();
    assert!(config.printer("a").unwrap().media_for(size).is_some());
}

#[test]
fn what_a_printer_calls_its_paper_is_said_for_a_size_or_for_all() {
    let config = read(
        "printers:\n  a: { uri: \"ipp://10.0.0.21\", media_type: \"photographic-*\", media: { 4x6in: { media_size: 100x148mm }, 5x7in: { media_type: stationery, media_source: rear } } }\n",
    );
    let [small, large] = config.printers[0].media.as_slice() else { panic!("two sizes") };
    assert_eq!(small.stock.media_size.unwrap().to_string(), "100x148mm");
    assert_eq!(
        (small.stock.media_type.written(), large.stock.media_type.written()),
        (&["photographic-*".to_string()][..], &["stationery".to_string()][..])
    );
    assert!(small.stock.media_source.is_empty() && large.stock.media_source.matches("rear"));
    let other =
        |media: &str| refused(&format!("printers:\n  a: {{ uri: \"ipp://10.0.0.21\", media: {{ {media} }} }}\n"));
    assert!(other("4x6in: { media_size: 127x178mm }").contains("differs from 4x6in by more than 5 %"));
    assert!(other("4x6in: { media_size: 1200x1800px }").contains("differs"));
    for (key, place) in [
        ("media: { 4x6in: { media_type: glossy } }", "media.4x6in"),
        ("media_source: rear, media: [4x6in]", "a.media_source"),
    ] {
        let error = refused(&format!("printers:\n  a: {{ folder: dnp, {key} }}\n"));
        assert!(error.contains(place) && error.contains("go with `uri`"), "{error}");
    }
}

#[test]
fn links_are_mailed_where_there_is_mail() {
    let link = "downloads: { public_url: \"https://x.example/\" }\nprofiles:\n  a: { deliver: [ { to: link } ] }\n";
    let mail = "mail: { smtp: \"smtp://m.example\", from: a@b.example }\n";
    for (text, expected) in [(link.to_string(), MailTo::None), (format!("{link}{mail}"), MailTo::Client)] {
        let config = read(&text);
        assert!(matches!(&config.profiles[0].deliver[0], Delivery::Link { mail, .. } if *mail == expected));
        assert_eq!(config.downloads.unwrap().public_url, "https://x.example");
    }
}

#[test]
fn a_dashboard_beyond_this_machine_needs_users() {
    let users = "users: { anna: { password: \"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$WldVFG4ukGb0o0VPpMlYY1uRj5AMvQKJ5h5mB6FDQdQ\" } }";
    for listen in ["0.0.0.0:8642", "10.0.0.5:8642", "[::]:8642"] {
        assert!(refused(&format!("server: {{ listen: \"{listen}\" }}\n")).contains("users"), "{listen}");
        let config = read(&format!("server: {{ listen: \"{listen}\", {users} }}\n"));
        assert_eq!(config.server.users[0].role, UserRole::Viewer);
    }
    for listen in ["127.0.0.1:8642", "localhost:8642", "[::1]:0"] {
        read(&format!("server: {{ listen: \"{listen}\" }}\n"));
    }
}

#[test]
fn a_password_is_never_repeated() {
    let text = "server: { users: { anna: { password: correct-horse, role: operator } } }\n";
    assert!(!refused(text).contains("horse"));
    assert!(
        !format!("{:?}", user::PasswordHash::read(&Node::Text(HASH.into()), &Place::default(), &mut Problems::new()))
            .contains("V9")
    );
}

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$WldVFG4ukGb0o0VPpMlYV91uRj5AMvQKJ5h5mB6FDQdQ";

#[test]
fn a_file_that_is_too_large_is_not_looked_into() {
    let error = parse(&format!("version: 1\n# {}\n", "x".repeat(1024 * 1024))).unwrap_err();
    assert_eq!(error.to_string(), "/studio/hotfolders.yaml: error: the file is larger than 1024 KiB");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever an editor, a disk or a person does to a file: it is read or refused, and it is said why.
    #[test]
    fn no_text_is_too_wrong(at in 0.0..1.0_f64, cut in 0_usize..40, put in "\\PC{0,6}|[\\n\\t {}\\[\\]:,\"'&*#!|>%-]{1,4}") {
        let text = include_str!("../../../../hotfolders.example.yaml");
        let near = |mut at: usize| {
            at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = near((at * text.len() as f64) as usize);
        let changed = format!("{}{put}{}", &text[..start], &text[near(start + cut).max(start)..]);
        if let Err(error) = parse(&changed) {
            prop_assert!(error.to_string().starts_with("/studio/hotfolders.yaml"));
            prop_assert!(error.to_string().contains(": error: "));
        }
    }
}
