//! What printers say of their jobs, and what becomes of the sheets: nothing counts as printed that may not be.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{states, studio};
use crate::fake_printer::{Behaviour, FakePrinter, FakeState, Operation};
use crate::studio::{Studio, invoice};

const DELIVER: &str = "    deliver: [ { to: print, printer: lustre } ]\n";
/// Refused sheets are tried again at once.
const QUICK: [(&str, &str); 1] = [("HOTFOLDERS_REFUSED_MS", "50")];

fn fake(behaviour: Behaviour) -> Arc<FakePrinter> {
    Arc::new(FakePrinter::start_as(behaviour, None))
}

fn with(printer: &Arc<FakePrinter>, more: &str) -> Studio {
    let printers = format!("printers: {{ lustre: {{ uri: \"{}\", media: [8x10in]{more} }} }}\n", printer.uri());
    let mut studio = studio(DELIVER, &printers);
    studio.watch_printer(printer);
    studio
}

/// The first is asked first.
fn in_pool(first: &Arc<FakePrinter>, second: &Arc<FakePrinter>) -> Studio {
    let member = |name: &str, printer: &Arc<FakePrinter>, priority: u32| {
        let uri = printer.uri();
        format!("  {name}: {{ uri: \"{uri}\", pool: lustre, media: [8x10in], priority: {priority} }}\n")
    };
    let printers = member("first", first, 9) + &member("second", second, 1);
    let mut studio = studio(DELIVER, &format!("printers:\n{printers}pools: {{ lustre: {{ allocate: priority }} }}\n"));
    studio.watch_printer(first);
    studio.watch_printer(second);
    studio
}

fn copies(number: u32) -> String {
    invoice("9", &[1]).replace("\"quantity\":1", &format!("\"quantity\":{number}"))
}

fn question(studio: &Studio) -> String {
    let held: PathBuf = studio.wait_jobs("held", 1).remove(0);
    let questions = studio.json(&held.join("questions.json"));
    assert_eq!(questions.as_array().unwrap().len(), 1, "{questions}");
    questions[0]["text"].as_str().unwrap().to_string()
}

fn done_as(studio: &mut Studio, expected: &[&str]) {
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(states(studio, &done[0]), expected);
    studio.audit();
}

#[test]
fn what_ended_with_errors_is_asked_about_at_a_printer_and_at_a_queue() {
    std::thread::scope(|scope| {
        for is_spooler in [false, true] {
            scope.spawn(move || {
                let printer = fake(Behaviour {
                    is_spooler,
                    fates: vec![(FakeState::Completed, 0)],
                    end_reasons: vec!["job-completed-with-errors", "document-format-error"],
                    ..Behaviour::default()
                });
                let mut studio = with(&printer, "");
                studio.serve();
                studio.drop_file("status", "a.json", &copies(1));
                let asked = question(&studio);
                assert!(asked.contains("with errors (job completed with errors, document format error)"), "{asked}");
                printer.behave(|printer| printer.end_reasons = vec!["job-completed-with-warnings"]);
                studio.run(&["jobs", "answer", "9", "--print-again"]).expect(0);
                done_as(&mut studio, &[if is_spooler { "accepted" } else { "printed" }]);
                assert_eq!(printer.prints().len(), 1);
            });
        }
    });
}

#[test]
fn a_printer_that_counts_says_with_none_that_nothing_came_out() {
    let printer = fake(Behaviour::default());
    let mut studio = with(&printer, "");
    studio.serve();
    studio.drop_file("status", "a.json", &copies(1));
    studio.wait_jobs("done", 1);
    printer.behave(|printer| printer.fates = vec![(FakeState::Completed, 0)]);
    studio.drop_file("status", "b.json", &copies(1).replace("\"record\":\"9\"", "\"record\":\"10\""));
    let asked = question(&studio);
    assert!(asked.contains("0 of 1 copy came out"), "{asked}");
    studio.stop();
    assert_eq!(printer.prints().len(), 1);
}

#[test]
fn a_printer_that_does_not_speak_of_copies_makes_them_one_by_one() {
    let printer = fake(Behaviour { speaks_of_copies: false, ..Behaviour::default() });
    let mut studio = with(&printer, "");
    studio.serve();
    studio.drop_file("status", "a.json", &copies(3));
    done_as(&mut studio, &["printed"]);
    assert_eq!((printer.prints().len(), printer.count(Operation::CreateJob)), (3, 3));
}

#[test]
fn a_printer_that_counts_documents_is_believed_where_the_config_says_so() {
    let printer = fake(Behaviour { counts_documents: true, ..Behaviour::default() });
    let mut studio = with(&printer, ", counts: documents");
    studio.serve();
    studio.drop_file("status", "a.json", &copies(3));
    done_as(&mut studio, &["printed"]);
    assert_eq!(printer.prints().len(), 3);
}

#[test]
fn a_printer_without_a_history_is_believed_where_the_config_says_so() {
    let slow = Behaviour { history: 0, print_time: Duration::from_secs(3), ..Behaviour::default() };
    let printer = fake(slow);
    let mut studio = with(&printer, ", history: none");
    studio.serve();
    studio.drop_file("status", "a.json", &copies(1));
    // Also by a server that was started since it was seen printing.
    studio.wait("the print to begin", || {
        let job = studio.jobs("processing").pop()?;
        let journal = std::fs::read_to_string(job.join("journal.jsonl")).ok()?;
        journal.contains("\"print\":\"begun\"").then_some(())
    });
    studio.kill();
    studio.serve();
    done_as(&mut studio, &["printed"]);
    assert_eq!(printer.prints().len(), 1);
}

#[test]
fn a_printer_without_a_history_that_was_switched_off_while_it_printed_leaves_a_question() {
    let slow = Behaviour { history: 0, print_time: Duration::from_secs(3), ..Behaviour::default() };
    let printer = fake(slow);
    printer.has_been_on_for(Duration::from_hours(1));
    let mut studio = with(&printer, ", history: none");
    studio.serve();
    studio.drop_file("status", "a.json", &copies(1));
    studio.wait("the document", || (printer.count(Operation::SendDocument) == 1).then_some(()));
    std::thread::sleep(Duration::from_millis(300));
    printer.restart();
    let asked = question(&studio);
    assert!(asked.contains("knows its job no more"), "{asked}");
    studio.stop();
    assert_eq!(printer.prints().len(), 0);
}

#[test]
fn a_sheet_that_its_printer_refuses_goes_to_another_of_the_pool() {
    std::thread::scope(|scope| {
        // Its format; too large; and a printer that drops no job either.
        for (status, refuses_cancel) in [(0x040a, false), (0x0408, false), (0x040a, true)] {
            scope.spawn(move || {
                let refuses = Behaviour { refuses_documents: Some(status), refuses_cancel, ..Behaviour::default() };
                let (first, second) = (fake(refuses), fake(Behaviour::default()));
                let mut studio = in_pool(&first, &second);
                studio.serve();
                studio.drop_file("status", "a.json", &copies(2));
                done_as(&mut studio, &["printed"]);
                assert_eq!((first.count(Operation::SendDocument), second.prints().len()), (1, 2), "{status:#x}");
                let open = first.jobs().iter().filter(|job| !job.state.has_ended()).count();
                assert_eq!(open, usize::from(refuses_cancel), "{status:#x}");
            });
        }
    });
}

#[test]
fn a_sheet_that_its_only_printer_refuses_is_a_persons_to_look_at_after_a_few_times() {
    std::thread::scope(|scope| {
        for (has_create_job, refuses_cancel) in [(true, false), (true, true), (false, false)] {
            scope.spawn(move || {
                let printer = fake(Behaviour {
                    refuses_documents: Some(0x040a),
                    refuses_cancel,
                    has_create_job,
                    ..Behaviour::default()
                });
                let mut studio = with(&printer, "");
                studio.serve_with(&QUICK);
                studio.drop_file("status", "a.json", &copies(1));
                let asked = question(&studio);
                assert!(asked.contains("it was tried 5 times in vain"), "{asked}");
                assert!(asked.contains("it does not print files of this format"), "{asked}");
                let sent = if has_create_job { Operation::SendDocument } else { Operation::PrintJob };
                assert_eq!(printer.count(sent), 5);
                printer.behave(|printer| printer.refuses_documents = None);
                // What a printer does not drop may keep it from others; this one takes the next all the same.
                studio.run(&["jobs", "answer", "9", "--print-again"]).expect(0);
                done_as(&mut studio, &["printed"]);
                assert_eq!(printer.prints().len(), 1);
            });
        }
    });
}

#[test]
fn a_refused_sheet_is_sent_once_more_by_a_server_that_died_before_it_dropped_the_job() {
    let printer = fake(Behaviour { refuses_documents: Some(0x040a), cancels_late: true, ..Behaviour::default() });
    let mut studio = with(&printer, "");
    studio.serve_with(&QUICK);
    studio.drop_file("status", "a.json", &copies(1));
    studio.wait("a job that does not go away", || (printer.count(Operation::CancelJob) >= 1).then_some(()));
    studio.kill();
    assert_eq!((printer.count(Operation::CreateJob), printer.count(Operation::SendDocument)), (1, 1));
    printer.behave(|printer| {
        printer.refuses_documents = None;
        printer.cancels_late = false;
    });
    studio.serve_with(&QUICK);
    done_as(&mut studio, &["printed"]);
    assert_eq!((printer.prints().len(), printer.count(Operation::CreateJob)), (1, 1), "into the job that was there");
}
