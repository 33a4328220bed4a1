//! Cut off at any instant while it prints, started again: each sheet once, or a question.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::studio;
use crate::fake_printer::{Behaviour, FakePrinter};
use crate::studio::{Studio, files, invoice};

/// The points before are those of any job, which `crash` tries.
const FIRST: u64 = 60;

/// Runs once, cut off at point `k`, then to the end. False when it came through without reaching `k`.
fn crash(k: u64, make: &dyn Fn() -> Studio, look_over: &dyn Fn(&Studio, &str)) -> bool {
    let mut studio = make();
    studio.drop_file("status", "a.json", &invoice("9", &[1]).replace("\"quantity\":1", "\"quantity\":2"));
    studio.serve_on_one_core(&[("HOTFOLDERS_CRASH_AT", &k.to_string())]);
    let rests = |studio: &Studio| studio.jobs("done").len() + studio.jobs("held").len() == 1;
    studio.wait("an end", || (studio.server_is_gone() || rests(&studio)).then_some(()));
    if !studio.server_is_gone() {
        // A job may rest a moment before the last point is passed.
        std::thread::sleep(Duration::from_millis(300));
    }
    let crashed = studio.server_is_gone();
    if crashed {
        studio.serve_on_one_core(&[]);
        studio.wait("the server", || studio.is_served().then_some(()));
        studio.wait(&format!("the job after a crash at {k}"), || rests(&studio).then_some(()));
    }
    studio.stop();
    studio.audit();
    look_over(&studio, &format!("a crash at {k}"));
    crashed
}

/// Tries the points one after another on some threads, until a run comes through. Says how many there were.
fn every_crash(make: &(dyn Fn() -> Studio + Sync), look_over: &(dyn Fn(&Studio, &str) + Sync)) -> u64 {
    let (next, through) = (AtomicU64::new(FIRST), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !through.load(Ordering::SeqCst) {
                    let k = next.fetch_add(1, Ordering::SeqCst);
                    if !crash(k, make, look_over) {
                        through.store(true, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    let points = next.load(Ordering::SeqCst) - FIRST;
    assert!(points > 20, "only {points} points: is every change of the disk numbered?");
    points
}

#[test]
fn a_printer_on_the_network_prints_each_sheet_once_whenever_the_power_fails() {
    let make = || {
        let printer = Arc::new(FakePrinter::start_as(Behaviour { counts_octets: true, ..Behaviour::default() }, None));
        printer.has_been_on_for(Duration::from_hours(1));
        let mut studio = studio(
            "    deliver: [ { to: print, printer: lustre } ]\n",
            &format!("printers: {{ lustre: {{ uri: \"{}\", media: [8x10in] }} }}\n", printer.uri()),
        );
        studio.watch_printer(&printer);
        studio
    };
    // What is sent is counted by the audit.
    let points = every_crash(&make, &|studio, what| assert_eq!(studio.jobs("done").len(), 1, "{what}"));
    println!("crash: a print on the network: {points} points");
}

#[test]
fn a_folder_printer_gets_each_sheet_once_whenever_the_power_fails() {
    let make = || {
        let studio = studio(
            "    deliver: [ { to: print, printer: dnp } ]\n",
            "printers: { dnp: { folder: dnp, media: [8x10in] } }\n",
        );
        std::fs::create_dir_all(studio.path("dnp")).unwrap();
        studio
    };
    let points = every_crash(&make, &|studio, what| {
        let done = studio.jobs("done");
        assert_eq!(done.len(), 1, "{what}");
        let id = done[0].file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(files(&studio.path("dnp")), [format!("{id}_1_c01.jpg"), format!("{id}_1_c02.jpg")], "{what}");
    });
    println!("crash: a print to a folder: {points} points");
}
