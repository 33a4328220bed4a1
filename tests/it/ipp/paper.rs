//! Paper: what lies in a printer, and which of it a sheet is printed on.

use std::sync::Arc;

use crate::fake_printer::{Behaviour, FakePrinter, Operation};
use crate::printing::{self, states};
use crate::studio::{Studio, invoice};

const SMALL: (i32, i32) = (10160, 15240);
const LARGE: (i32, i32) = (20320, 25400);

fn start(behaviour: Behaviour) -> Arc<FakePrinter> {
    Arc::new(FakePrinter::start_as(behaviour, None))
}

/// Printers of a pool, the first of them preferred; each has more to its config.
fn studio(printers: &[(&Arc<FakePrinter>, &str)]) -> Studio {
    let list = printers.iter().enumerate().map(|(at, (printer, more))| {
        format!("  p{at}: {{ uri: \"{}\", pool: lustre, priority: {}, {more} }}\n", printer.uri(), 9 - at)
    });
    let deliver = "    deliver: [ { to: print, printer: lustre } ]\n";
    let pool = "pools: { lustre: { allocate: priority } }\n";
    let mut studio = printing::studio(deliver, &format!("printers:\n{}{pool}", list.collect::<String>()));
    for (printer, _) in printers {
        studio.watch_printer(printer);
    }
    studio
}

fn print_one(studio: &mut Studio) {
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1]));
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(states(studio, &done[0]), ["printed"]);
}

#[test]
fn an_idle_printer_prints_whatever_it_warns_of() {
    for reason in ["media-empty-warning", "marker-supply-empty-warning", "cover-open-report"] {
        let printer = start(Behaviour { reasons: vec![reason.into()], ..Behaviour::default() });
        let mut studio = studio(&[(&printer, "media: [8x10in]")]);
        print_one(&mut studio);
        assert_eq!(printer.prints().len(), 1, "{reason}");
    }
}

#[test]
fn an_empty_tray_stops_the_sheets_that_would_come_out_of_it_and_no_others() {
    let empty = |loaded| start(Behaviour { reasons: vec!["media-empty".into()], loaded, ..Behaviour::default() });
    let printer = empty(vec![SMALL, LARGE]);
    let mut with_it = studio(&[(&printer, "media: [8x10in]")]);
    with_it.serve();
    with_it.drop_file("status", "a.json", &invoice("9", &[1]));
    with_it.wait_jobs("done", 1);
    let shown = printing::printer(&with_it, "p0");
    assert_eq!((shown["state"].as_str(), shown["reasons"][0].as_str()), (Some("idle"), Some("out of paper")));
    with_it.stop();

    // Without it the sheet waits, or goes to the other printer of the pool.
    let printer = empty(vec![SMALL]);
    let mut without = studio(&[(&printer, "media: [8x10in]")]);
    without.serve();
    without.drop_file("status", "a.json", &invoice("9", &[1]));
    without.wait("the reason", || {
        without.run(&["status"]).expect(0).out.contains("p0: out of paper: no 8x10in is loaded").then_some(())
    });
    assert_eq!(printer.count(Operation::CreateJob), 0);
    printer.behave(|printer| printer.loaded.push(LARGE));
    without.wait_jobs("done", 1);
    without.stop();

    let (printer, other) = (empty(vec![SMALL]), start(Behaviour::default()));
    let mut pool = studio(&[(&printer, "media: [8x10in]"), (&other, "media: [8x10in]")]);
    print_one(&mut pool);
    assert_eq!((printer.prints().len(), other.prints().len()), (0, 1));
}
