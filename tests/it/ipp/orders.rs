//! Whole orders on printers whose answers must not be taken at their word.

use std::path::PathBuf;
use std::sync::Arc;

use crate::fake_printer::{Behaviour, FakePrinter, FakeState, Fault, Operation};
use crate::printing::{self, states};
use crate::studio::{Studio, invoice};

fn studio(printers: &[(&str, &Arc<FakePrinter>)], more: &str) -> Studio {
    let list = printers.iter().enumerate().map(|(at, (name, printer))| {
        let pool = if printers.len() > 1 { format!(", pool: lustre, priority: {}", 9 - at) } else { String::new() };
        format!("  {name}: {{ uri: \"{}\", media: [8x10in]{pool} }}\n", printer.uri())
    });
    let deliver = "    deliver: [ { to: print, printer: lustre } ]\n";
    let mut studio = printing::studio(deliver, &format!("printers:\n{}{more}", list.collect::<String>()));
    for (_, printer) in printers {
        studio.watch_printer(printer);
    }
    studio
}

fn alone(behaviour: Behaviour) -> (Studio, Arc<FakePrinter>) {
    let printer = Arc::new(FakePrinter::start_as(behaviour, None));
    (studio(&[("lustre", &printer)], ""), printer)
}

/// An order of one sheet, so often.
fn order(copies: u32) -> String {
    invoice("9", &[1]).replace("\"quantity\":1", &format!("\"quantity\":{copies}"))
}

fn one_question(studio: &Studio) -> String {
    let held: PathBuf = studio.wait_jobs("held", 1).remove(0);
    let questions = studio.json(&held.join("questions.json"));
    assert_eq!(questions.as_array().unwrap().len(), 1, "{questions}");
    questions[0]["text"].as_str().unwrap().to_string()
}

const NO_CREATE_JOB: fn() -> Behaviour = || Behaviour { has_create_job: false, ..Behaviour::default() };

#[test]
fn a_sheet_that_was_stopped_while_it_printed_is_not_printed_elsewhere() {
    let printers = [(); 2].map(|()| Arc::new(FakePrinter::start_as(NO_CREATE_JOB(), None)));
    printers[0].fail_next(Operation::PrintJob, Fault::BrokenOff(0x0508, 1));
    let mut studio =
        studio(&[("first", &printers[0]), ("second", &printers[1])], "pools: { lustre: { allocate: priority } }\n");
    studio.serve();
    studio.drop_file("status", "a.json", &order(2));
    let asked = one_question(&studio);
    assert!(asked.contains("at first: it was cancelled at the printer after 1"), "{asked}");
    assert_eq!(printers.each_ref().map(|printer| printer.prints().len()), [1, 0]);
    studio.run(&["jobs", "answer", "9", "--printed-up-to", "1"]).expect(0);
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(states(&studio, &done[0]), ["printed"]);
    assert_eq!(printers.iter().map(|printer| printer.prints().len()).sum::<usize>(), 2);
    studio.audit();
}

#[test]
fn a_sheet_that_its_printer_failed_to_take_goes_elsewhere() {
    let printers = [(); 2].map(|()| Arc::new(FakePrinter::start_as(NO_CREATE_JOB(), None)));
    printers[0].fail_next(Operation::PrintJob, Fault::Refused(0x0504));
    let mut studio =
        studio(&[("first", &printers[0]), ("second", &printers[1])], "pools: { lustre: { allocate: priority } }\n");
    studio.serve();
    studio.drop_file("status", "a.json", &order(2));
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(states(&studio, &done[0]), ["printed"]);
    assert_eq!(printers.each_ref().map(|printer| printer.prints().len()), [0, 2]);
    assert!(printers[0].count(Operation::GetJobs) >= 4, "open and finished, twice");
    studio.audit();
}

#[test]
fn a_job_whose_paper_is_not_heeded_never_gets_its_document() {
    // It is one for another size, and does not say so before.
    let ignores = Behaviour { media: vec![(10160, 15240)], ignores_fidelity: true, ..Behaviour::default() };
    let hides = Behaviour { hides_media: true, cancels_late: true, ..ignores };
    let (mut studio, printer) = alone(hides);
    studio.serve();
    studio.drop_file("status", "a.json", &order(1));
    studio
        .wait("two looks at a job that does not go away", || (printer.count(Operation::CancelJob) >= 2).then_some(()));
    assert_eq!((printer.count(Operation::CreateJob), printer.count(Operation::SendDocument)), (1, 0));
    // Also by a server that knows of it by its journal alone.
    studio.kill();
    let before = printer.count(Operation::CancelJob);
    studio.serve();
    studio.wait("another look", || (printer.count(Operation::CancelJob) > before).then_some(()));
    printer.behave(|printer| printer.cancels_late = false);
    studio.wait("the reason", || {
        let told = studio.run(&["status"]).expect(0).out;
        told.contains("it does not take the sheet's `media-col`").then_some(())
    });
    assert_eq!((printer.prints().len(), printer.count(Operation::SendDocument)), (0, 0));
    printer.behave(|printer| printer.media.push((20320, 25400)));
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(states(&studio, &done[0]), ["printed"]);
    studio.audit();
}

#[test]
fn a_sheet_that_came_out_on_other_paper_is_a_persons_to_look_at() {
    let ignores = Behaviour { media: vec![(10160, 15240)], ignores_fidelity: true, ..NO_CREATE_JOB() };
    let (mut studio, printer) = alone(Behaviour { hides_media: true, ..ignores });
    studio.serve();
    studio.drop_file("status", "a.json", &order(1));
    let asked = one_question(&studio);
    assert!(asked.contains("no notice of the sheet's `media-col`"), "{asked}");
    printer.behave(|printer| printer.media.push((20320, 25400)));
    studio.run(&["jobs", "answer", "9", "--print-again"]).expect(0);
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(states(&studio, &done[0]), ["printed"]);
    assert_eq!(printer.count(Operation::PrintJob), 2);
}

#[test]
fn a_printer_that_lists_numbers_alone_is_asked_what_each_is_called() {
    let printer = Behaviour { lists_numbers: true, counts_octets: true, ..NO_CREATE_JOB() };
    let (mut studio, printer) = alone(printer);
    printer.fail_next(Operation::PrintJob, Fault::Unanswered);
    studio.serve();
    studio.drop_file("status", "a.json", &order(1));
    let done = studio.wait_jobs("done", 1);
    // What it surely does not have is sent again all the same.
    printer.fail_next(Operation::PrintJob, Fault::Unheard);
    studio.drop_file("status", "b.json", &order(1).replace("\"record\":\"9\"", "\"record\":\"10\""));
    let both = studio.wait_jobs("done", 2);
    studio.stop();
    assert!(both.len() > done.len() && both.iter().all(|job| states(&studio, job) == ["printed"]));
    assert_eq!((printer.prints().len(), printer.count(Operation::PrintJob)), (2, 3));
    studio.audit();
}

#[test]
fn a_printer_that_does_not_say_what_its_jobs_are_called_leaves_a_question() {
    let (mut studio, printer) = alone(Behaviour { hides_names: true, ..NO_CREATE_JOB() });
    printer.fail_next(Operation::PrintJob, Fault::Unanswered);
    studio.serve();
    studio.drop_file("status", "a.json", &order(1));
    let asked = one_question(&studio);
    assert!(asked.contains("does not say what its jobs are called"), "{asked}");
    studio.run(&["jobs", "answer", "9", "--printed"]).expect(0);
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!((states(&studio, &done[0]), printer.prints().len()), (vec!["printed".to_string()], 1));
    studio.audit();
}

#[test]
fn more_copies_than_a_printer_takes_at_a_time_are_several_jobs() {
    let (mut studio, printer) = alone(Behaviour { max_copies: 2, ..Behaviour::default() });
    // The second part is made, and nobody hears of it; of the third one copy comes out.
    printer.fail_nth(Operation::CreateJob, 1, Fault::Unanswered);
    printer.behave(|printer| {
        printer.fates = vec![(FakeState::Completed, 2), (FakeState::Completed, 2), (FakeState::Aborted, 1)];
    });
    studio.serve();
    studio.drop_file("status", "a.json", &order(7));
    let asked = one_question(&studio);
    assert!(asked.contains("print p1 (2 copies of") && asked.contains("given up at the printer after 1"), "{asked}");
    studio.kill();
    assert_eq!(printer.prints().len(), 5);
    studio.serve();
    studio.run(&["jobs", "answer", "9", "--printed-up-to", "1"]).expect(0);
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(states(&studio, &done[0]), ["printed"]);
    let copies: Vec<u32> = printer.jobs().iter().filter(|job| job.document.is_some()).map(|job| job.copies).collect();
    assert_eq!((copies, printer.prints().len()), (vec![2, 2, 2, 2], 7));
    studio.audit();
}

#[test]
fn copies_that_go_one_by_one_are_all_there() {
    let (mut studio, printer) = alone(Behaviour { max_copies: 1, ..Behaviour::default() });
    // One that is given up is tried again, however many have come out before it.
    printer.behave(|printer| {
        printer.fates = vec![(FakeState::Completed, 1); 6];
        printer.fates.push((FakeState::Aborted, 0));
    });
    studio.serve();
    studio.drop_file("status", "a.json", &order(8));
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!((states(&studio, &done[0]), printer.prints().len()), (vec!["printed".to_string()], 8));
    studio.audit();
}
