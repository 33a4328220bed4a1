//! Orders that wait at a printer: status, pages and alerts say for what, from one record.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use super::{printer, studio};
use crate::fake_printer::{Behaviour, FakePrinter, FakeState};
use crate::hook::Hook;
use crate::studio::{Studio, invoice};

const DELIVER: &str = "    deliver: [ { to: print, printer: lustre } ]\n";
/// Looks follow each other quickly, and refused sheets are tried again at once.
const QUICK: [(&str, &str); 2] = [("HOTFOLDERS_ALERT_MS", "60"), ("HOTFOLDERS_REFUSED_MS", "100")];

fn alerting(printers: &str, hook: &Hook) -> Studio {
    let alerts = format!("alerts: {{ webhook: \"{}\", waiting: 2s, disk_low: 1kB }}\n", hook.url());
    studio(DELIVER, &format!("{printers}{alerts}"))
}

/// The order waits, and everybody says for what.
fn told_everywhere(studio: &mut Studio, hook: &Hook, why: &str) {
    studio.serve_with(&QUICK);
    studio.drop_file("status", "a.json", &invoice("9", &[1]));
    let status = studio.wait(why, || {
        let status = studio.run(&["status"]).expect(0).out;
        status.lines().find(|line| line.contains("waits: lustre: ") && line.contains(why)).map(str::to_string)
    });
    assert!(status.contains(", for "), "since when: {status}");
    let shown = printer(studio, "lustre");
    let reasons = shown["reasons"].to_string();
    assert_eq!((shown["state"].as_str(), reasons.contains(why)), (Some("waiting"), true), "{shown}");
    let job = studio.run(&["jobs", "show", "9"]).expect(0).out;
    assert!(job.lines().any(|line| line.trim_start().starts_with("waits") && line.contains(why)), "{job}");
    studio.wait("the alert", || hook.told().contains(&"began print".to_string()).then_some(()));
    let posted = hook.posted();
    let alert = posted.iter().find(|alert| alert["kind"] == "print").unwrap();
    assert!(alert["text"].as_str().unwrap().contains(why), "{alert}");
    assert!(alert["title"].as_str().unwrap().contains("lustre"), "{alert}");
}

fn done(studio: &mut Studio, hook: &Hook) {
    studio.wait_jobs("done", 1);
    studio.wait("the end of the alert", || hook.told().contains(&"over print".to_string()).then_some(()));
    studio.stop();
    assert_eq!(hook.told(), ["began print", "over print"]);
    studio.audit();
}

#[test]
fn an_order_that_its_printer_does_not_print_says_why_wherever_one_looks() {
    let fine = Behaviour::default;
    let cases = [
        (Behaviour { formats: vec!["image/urf"], ..fine() }, "it takes no JPEG"),
        (Behaviour { media: vec![(10160, 15240)], ..fine() }, "it takes no 8x10in"),
        (Behaviour { borderless: false, ..fine() }, "edges"),
        (Behaviour { busy: true, ..fine() }, "the printer refused: it is busy"),
        (Behaviour { stuck: Some(FakeState::Held), ..fine() }, "holds its job back (job hold until specified)"),
        (Behaviour { stuck: Some(FakeState::Stopped), ..fine() }, "stopped in the middle of its job (printer stopped)"),
    ];
    std::thread::scope(|scope| {
        for (behaviour, why) in cases {
            scope.spawn(move || {
                let (hook, printer) = (Hook::start(), Arc::new(FakePrinter::start_as(behaviour, None)));
                let printers = format!("printers: {{ lustre: {{ uri: \"{}\", media: [8x10in] }} }}\n", printer.uri());
                let mut studio = alerting(&printers, &hook);
                studio.watch_printer(&printer);
                told_everywhere(&mut studio, &hook, why);
                printer.behave(|printer| *printer = Behaviour::default());
                done(&mut studio, &hook);
                assert_eq!(printer.prints().len(), 1);
            });
        }
    });
}

#[test]
fn a_program_that_does_not_end_is_told_of() {
    let hook = Hook::start();
    let mut studio = alerting("printers: { lustre: { command: [tools/lp, \"{file}\"], media: [8x10in] } }\n", &hook);
    studio.write("tools/lp", b"#!/bin/sh\nwhile [ ! -e mended ]; do sleep 0.2; done\n");
    std::fs::set_permissions(studio.path("tools/lp"), std::fs::Permissions::from_mode(0o755)).unwrap();
    told_everywhere(&mut studio, &hook, "its program has not ended yet; it is stopped after 30 minutes");
    studio.write("mended", b"");
    done(&mut studio, &hook);
}

#[test]
fn what_a_printer_refuses_and_another_takes_in_its_turn_is_no_alert() {
    let hook = Hook::start();
    let first = Arc::new(FakePrinter::start_as(Behaviour { formats: vec!["image/urf"], ..Behaviour::default() }, None));
    let slow = Behaviour { print_time: std::time::Duration::from_secs(4), ..Behaviour::default() };
    let second = Arc::new(FakePrinter::start_as(slow, None));
    let member = |name: &str, printer: &FakePrinter, priority: u32| {
        let uri = printer.uri();
        format!("  {name}: {{ uri: \"{uri}\", pool: lustre, media: [8x10in], priority: {priority} }}\n")
    };
    let printers = member("first", &first, 9) + &member("second", &second, 1);
    let pools = "pools: { lustre: { allocate: priority } }\n";
    let mut studio = alerting(&format!("printers:\n{printers}{pools}"), &hook);
    studio.watch_printer(&second);
    studio.serve_with(&QUICK);
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2]));
    studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!((hook.told(), second.prints().len()), (Vec::<String>::new(), 2));
    studio.audit();
}

#[test]
fn check_says_that_a_printer_leaves_margins_where_a_delivery_prints_to_the_edges() {
    let printer = FakePrinter::start_as(Behaviour { borderless: false, ..Behaviour::default() }, None);
    let printers = format!("printers: {{ lustre: {{ uri: \"{}\", media: [8x10in] }} }}\n", printer.uri());
    let told = studio(DELIVER, &printers).run(&["check"]).expect(1).out;
    assert!(told.contains("it does not print to the paper's edges; say `borderless: false`"), "{told}");
    let bordered = DELIVER.replace("printer: lustre", "printer: lustre, borderless: false");
    studio(&bordered, &printers).run(&["check"]).expect(0);
}
