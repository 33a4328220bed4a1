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

fn inkjet(borderless_types: &[&str]) -> Arc<FakePrinter> {
    let words = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    let types = words(&["stationery", "photographic-glossy", "photographic-matte"]);
    start(Behaviour { types, borderless_types: words(borderless_types), ..Behaviour::default() })
}

#[test]
fn type_and_tray_are_asked_for_as_the_config_says() {
    let printer = inkjet(&["photographic-glossy"]);
    let media = "media_source: rear, media: { 8x10in: { media_type: \"*-glossy\" } }";
    let mut named = studio(&[(&printer, media)]);
    print_one(&mut named);
    let words = printer.jobs()[0].words.clone();
    assert_eq!(words["media-type"], "photographic-glossy");
    // It does not say which trays it has.
    assert_eq!(words.get("media-source"), None);

    // The order names it, and the config has its paper chosen by that.
    let printer = inkjet(&["photographic-glossy"]);
    let mut by_order = studio(&[(&printer, "media: { 8x10in: { type: \"glossy*\" } }")]);
    by_order.serve();
    let order = invoice("9", &[1]).replacen("\"quantity\":1", "\"quantity\":1,\"paper\":\"Glossy\"", 1);
    by_order.drop_file("status", "a.json", &order);
    by_order.wait_jobs("done", 1);
    by_order.stop();
    assert_eq!(printer.jobs()[0].words["media-type"], "photographic-glossy");
}

#[test]
fn what_a_printer_does_not_print_together_is_said_and_waits() {
    let printer = inkjet(&["photographic-glossy"]);
    let check = |media: &str| {
        let studio = studio(&[(&printer, media)]);
        studio.run(&["check"]).expect(1).out
    };
    assert!(check("media: [8x10in]").contains("on photographic-glossy only; name the one that is in it"));
    let said = check("media: { 8x10in: { media_type: stationery } }");
    assert!(said.contains("does not print 8x10in to the paper's edges on stationery; it does on photographic-glossy"));
    assert!(check("media_type: canvas, media: [8x10in]").contains("has no `media_type` canvas; it has stationery"));
    let mut waits = studio(&[(&printer, "media: { 8x10in: { media_type: stationery } }")]);
    waits.serve();
    waits.drop_file("status", "a.json", &invoice("9", &[1]));
    waits.wait("the reason", || {
        waits.run(&["status"]).expect(0).out.contains("does not print 8x10in to the paper's edges").then_some(())
    });
    assert_eq!(printer.count(Operation::CreateJob), 0);
    waits.stop();
}

#[test]
fn paper_that_is_a_little_different_is_used_where_the_config_says_so() {
    let nearly = (20000, 25000);
    let printer = start(Behaviour { media: vec![SMALL, nearly], ..Behaviour::default() });
    let unsaid = studio(&[(&printer, "media: [8x10in]")]).run(&["check"]).expect(1).out;
    assert!(unsaid.contains("say so with `media_size: 200x250mm`"), "{unsaid}");
    for (borderless, scaling) in [(true, "fill"), (false, "fit")] {
        let printer = start(Behaviour { media: vec![SMALL, nearly], ..Behaviour::default() });
        let uri = printer.uri();
        let printers =
            format!("printers: {{ p: {{ uri: \"{uri}\", media: {{ 8x10in: {{ media_size: 200x250mm }} }} }} }}\n");
        let deliver = format!("    deliver: [ {{ to: print, printer: p, borderless: {borderless} }} ]\n");
        let mut studio = printing::studio(&deliver, &printers);
        studio.watch_printer(&printer);
        let said = studio.run(&["check"]).expect(0).out;
        assert!(said.contains("8x10in is scaled to its 200x250mm"), "{said}");
        print_one(&mut studio);
        let job = &printer.jobs()[0];
        assert_eq!((job.media, job.borderless), (Some(nearly), borderless));
        assert_eq!(job.words["print-scaling"], scaling);
    }
}
