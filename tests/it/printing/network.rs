//! Printers on the network, and everything that can go wrong between two answers: each sheet once, or a question.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{printer, states, studio};
use crate::fake_printer::{Behaviour, FakePrinter, FakeState, Fault, Operation, Print};
use crate::studio::{Studio, invoice};

const DELIVER: &str = "    deliver: [ { to: print, printer: lustre } ]\n";

fn direct(behaviour: Behaviour) -> Arc<FakePrinter> {
    Arc::new(FakePrinter::start_as(behaviour, None))
}

/// Scenes that mostly wait, side by side.
fn at_once<T: Send, const N: usize>(cases: [T; N], scene: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| scene(case));
        }
    });
}

fn with(printer: &Arc<FakePrinter>) -> Studio {
    let printers = format!("printers: {{ lustre: {{ uri: \"{}\", media: [8x10in] }} }}\n", printer.uri());
    let mut studio = studio(DELIVER, &printers);
    studio.watch_printer(printer);
    studio
}

fn in_pool(pool: &str, printers: &[(&Arc<FakePrinter>, &str)]) -> Studio {
    let members = printers.iter().enumerate().map(|(i, (printer, more))| {
        format!("  lustre-{}: {{ uri: \"{}\", pool: lustre, media: [8x10in]{more} }}\n", i + 1, printer.uri())
    });
    let mut studio =
        studio(DELIVER, &format!("printers:\n{}pools: {{ lustre: {{ {pool} }} }}\n", members.collect::<String>()));
    for (printer, _) in printers {
        studio.watch_printer(printer);
    }
    studio
}

/// Whole sheets that came out, by document: how often each.
fn whole(printer: &FakePrinter) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for print in printer.prints().into_iter().filter(|print: &Print| !print.was_cut) {
        *count.entry(print.digest).or_insert(0) += 1;
    }
    count
}

/// Serves, drops an order of two sheets, and waits for its end.
fn print_two(studio: &mut Studio) -> PathBuf {
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2]));
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    studio.audit();
    done[0].clone()
}

/// The same for one that is held; the questions, and the studio still serves.
fn held_with_two(studio: &mut Studio) -> Vec<serde_json::Value> {
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2]));
    let held = studio.wait_jobs("held", 1);
    studio.json(&held[0].join("questions.json")).as_array().unwrap().clone()
}

#[test]
fn each_sheet_is_printed_once_as_it_was_rendered() {
    let printer = direct(Behaviour::default());
    let mut studio = with(&printer);
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2]).replacen("\"quantity\":1", "\"quantity\":3", 1));
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    let receipt = studio.receipt(&done[0]);
    let sha = |i: usize| receipt["outputs"][i]["sha256"].as_str().unwrap().to_string();
    assert_eq!(whole(&printer), BTreeMap::from([(sha(0), 3), (sha(1), 1)]));
    let jobs = printer.jobs();
    assert_eq!(jobs.iter().map(|job| job.copies).collect::<Vec<_>>(), [3, 1], "in the order of the plan");
    assert!(jobs[0].name.starts_with("9_01_8x10in hf-"), "{}", jobs[0].name);
    assert_eq!((jobs[0].media, jobs[0].borderless), (Some((20320, 25400)), true));
    let print = &receipt["prints"][0];
    assert_eq!((print["state"].as_str(), print["printer"].as_str()), (Some("printed"), Some("lustre")));
    assert_eq!(print["printer_job"].as_i64(), Some(i64::from(jobs[0].id)));
    assert_eq!(print["printer_job_uuid"].as_str(), Some(jobs[0].uuid.as_str()));
    studio.audit();
}

#[test]
fn what_a_queue_calls_completed_is_accepted() {
    let printer = direct(Behaviour { is_spooler: true, ..Behaviour::default() });
    let mut studio = with(&printer);
    let done = print_two(&mut studio);
    assert_eq!(states(&studio, &done), ["accepted", "accepted"]);
    assert_eq!(whole(&printer).into_values().collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn a_lost_connection_around_the_making_of_a_job_prints_nothing_twice() {
    at_once([Fault::Unheard, Fault::Unanswered], |fault| {
        let printer = direct(Behaviour::default());
        printer.fail_next(Operation::CreateJob, fault.clone());
        let mut studio = with(&printer);
        let done = print_two(&mut studio);
        assert_eq!(states(&studio, &done), ["printed", "printed"], "{fault:?}");
        assert_eq!(whole(&printer).into_values().collect::<Vec<_>>(), [1, 1], "{fault:?}");
    });
}

#[test]
fn a_document_that_never_arrived_is_sent_again() {
    let printer = direct(Behaviour::default());
    printer.fail_next(Operation::SendDocument, Fault::Unheard);
    let mut studio = with(&printer);
    let done = print_two(&mut studio);
    assert_eq!(states(&studio, &done), ["printed", "printed"]);
    assert_eq!(whole(&printer).into_values().collect::<Vec<_>>(), [1, 1]);
    assert_eq!(printer.count(Operation::CreateJob), 2, "its job was there already");
}

#[test]
fn a_printer_that_counts_what_it_read_needs_no_question() {
    let printer = direct(Behaviour { counts_octets: true, ..Behaviour::default() });
    printer.fail_next(Operation::SendDocument, Fault::Unanswered);
    let mut studio = with(&printer);
    let done = print_two(&mut studio);
    assert_eq!(states(&studio, &done), ["printed", "printed"]);
    assert_eq!(whole(&printer).into_values().collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn half_a_picture_is_a_persons_to_look_at_and_the_others_go_on() {
    let printer = direct(Behaviour::default());
    printer.fail_next(Operation::SendDocument, Fault::CutAt(100));
    let mut studio = with(&printer);
    let questions = held_with_two(&mut studio);
    assert_eq!((questions.len(), questions[0]["unit"].as_str()), (1, Some("p1")));
    assert!(questions[0]["text"].as_str().unwrap().contains("check the sheet"), "{questions:?}");
    assert_eq!(whole(&printer).len(), 1, "the second is printed");
    studio.run(&["jobs", "answer", "9", "--print-again", "--printer", "lustre"]).expect(0);
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(states(&studio, &done[0]), ["printed", "printed"]);
    assert_eq!(whole(&printer).into_values().collect::<Vec<_>>(), [1, 1]);
    studio.audit();
}

#[test]
fn a_queue_keeps_whole_documents_only() {
    let printer = direct(Behaviour { is_spooler: true, ..Behaviour::default() });
    printer.fail_next(Operation::SendDocument, Fault::Unanswered);
    let mut studio = with(&printer);
    let done = print_two(&mut studio);
    assert_eq!(states(&studio, &done), ["accepted", "accepted"]);
    assert_eq!(whole(&printer).into_values().collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn without_create_job_the_whole_print_is_looked_for_by_its_name() {
    at_once([(Fault::Unheard, false), (Fault::Unanswered, true)], |(fault, counts)| {
        let behaviour = Behaviour { has_create_job: false, counts_octets: counts, ..Behaviour::default() };
        let printer = direct(behaviour);
        printer.fail_next(Operation::PrintJob, fault.clone());
        let mut studio = with(&printer);
        let done = print_two(&mut studio);
        assert_eq!(states(&studio, &done), ["printed", "printed"], "{fault:?}");
        assert_eq!(whole(&printer).into_values().collect::<Vec<_>>(), [1, 1], "{fault:?}");
    });
}

#[test]
fn a_printer_that_was_started_again_knows_nothing_and_a_person_is_asked() {
    // Whether anything came out or not: after a restart nobody can tell.
    at_once([Fault::Unheard, Fault::Unanswered], |fault| {
        let behaviour = Behaviour { has_create_job: false, ..Behaviour::default() };
        let printer = direct(behaviour);
        printer.has_been_on_for(Duration::from_hours(1));
        printer.fail_next(Operation::PrintJob, fault.clone());
        // It is away from the moment on that its answer is lost.
        let mut studio = with(&printer);
        studio.serve();
        studio.drop_file("status", "a.json", &invoice("9", &[1]));
        studio.wait("the print", || (printer.count(Operation::PrintJob) == 1).then_some(()));
        printer.restart();
        let held = studio.wait_jobs("held", 1);
        let questions = studio.json(&held[0].join("questions.json"));
        assert!(questions[0]["text"].as_str().unwrap().contains("started since"), "{questions}");
        studio.run(&["jobs", "answer", "9", "--printed"]).expect(0);
        let done = studio.wait_jobs("done", 1);
        studio.stop();
        assert_eq!(states(&studio, &done[0]), ["printed"]);
        assert_eq!(printer.prints().len(), usize::from(fault == Fault::Unanswered));
    });
}

#[test]
fn a_sheet_that_its_printer_forgot_is_asked_about() {
    let printer = direct(Behaviour { print_time: Duration::from_mins(5), ..Behaviour::default() });
    let mut studio = with(&printer);
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1]).replacen("\"quantity\":1", "\"quantity\":5", 1));
    studio.wait("the print", || printer.jobs().iter().any(|job| job.document.is_some()).then_some(()));
    printer.forget_jobs();
    printer.behave(|printer| printer.print_time = Duration::ZERO);
    let held = studio.wait_jobs("held", 1);
    let questions = studio.json(&held[0].join("questions.json"));
    assert!(questions[0]["text"].as_str().unwrap().contains("knows its job no more"), "{questions}");
    assert!(studio.run(&["jobs", "answer", "9", "--printed-up-to", "9"]).expect(1).err.contains("5 sheets, not 9"));
    studio.run(&["jobs", "answer", "9", "--printed-up-to", "3"]).expect(0);
    studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(printer.jobs().last().unwrap().copies, 2, "the rest");
}

#[test]
fn what_is_given_up_before_anything_came_out_is_tried_again_and_after_that_it_is_asked() {
    let printer = direct(Behaviour::default());
    printer.behave(|printer| {
        printer.fates = vec![(FakeState::Aborted, 0), (FakeState::Completed, 2), (FakeState::Aborted, 1)];
    });
    let mut studio = with(&printer);
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2]).replace("\"quantity\":1", "\"quantity\":2"));
    let held = studio.wait_jobs("held", 1);
    let questions = studio.json(&held[0].join("questions.json"));
    assert_eq!(questions.as_array().unwrap().len(), 1, "{questions}");
    assert!(questions[0]["text"].as_str().unwrap().contains("given up at the printer after 1"), "{questions}");
    studio.run(&["jobs", "answer", "9", "--printed-up-to", "1"]).expect(0);
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(states(&studio, &done[0]), ["printed", "printed"]);
    studio.audit();
}

#[test]
fn a_printer_that_calls_two_of_three_completed_is_asked_about() {
    let printer = direct(Behaviour::default());
    printer.behave(|printer| printer.fates = vec![(FakeState::Completed, 2)]);
    let mut studio = with(&printer);
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1]).replace("\"quantity\":1", "\"quantity\":3"));
    let held = studio.wait_jobs("held", 1);
    let questions = studio.json(&held[0].join("questions.json"));
    assert!(questions[0]["text"].as_str().unwrap().contains("2 of 3 copies came out"), "{questions}");
    studio.run(&["jobs", "answer", "9", "--printed-up-to", "2"]).expect(0);
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(states(&studio, &done[0]), ["printed"]);
    assert_eq!(whole(&printer).into_values().collect::<Vec<_>>(), [3]);
    studio.audit();
}

#[test]
fn out_of_paper_is_waited_out_with_its_reason() {
    let printer = direct(Behaviour { print_time: Duration::from_millis(300), ..Behaviour::default() });
    let mut studio = with(&printer);
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2, 3]));
    studio.wait("the first sheet", || (!printer.prints().is_empty()).then_some(()));
    printer.run_out_of_paper();
    studio.wait("the reason", || {
        let status = studio.run(&["status"]).expect(0).out;
        status.contains("waits: lustre: out of paper").then_some(())
    });
    assert_eq!(super::printer(&studio, "lustre")["state"], "stopped");
    printer.fill_paper();
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(states(&studio, &done[0]), ["printed", "printed", "printed"]);
    assert_eq!(whole(&printer).into_values().collect::<Vec<_>>(), [1, 1, 1]);
}

#[test]
fn a_printer_that_is_off_keeps_its_jobs_waiting_and_nobody_else() {
    let printer = direct(Behaviour::default());
    printer.switch_network(false);
    let mut studio = with(&printer);
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2]));
    studio.wait("the reason", || {
        let status = studio.run(&["status", "--json"]).expect(0).json();
        status["running"][0]["why"].as_str().is_some_and(|why| why.starts_with("lustre:")).then_some(())
    });
    studio.drop_file("status", "b.json", &crate::studio::session("S1", &[1]));
    studio.wait_jobs("done", 1);
    assert_eq!(self::printer(&studio, "lustre")["state"], "unreachable");
    printer.switch_network(true);
    let done = studio.wait_jobs("done", 2);
    studio.stop();
    assert_eq!(whole(&printer).into_values().collect::<Vec<_>>(), [1, 1]);
    assert!(studio.jobs("failed").is_empty() && done.len() == 2);
    studio.audit();
}

#[test]
fn a_pool_prints_on_while_one_of_its_printers_cannot() {
    let (first, second) = (direct(Behaviour::default()), direct(Behaviour::default()));
    first.run_out_of_paper();
    let mut studio = in_pool("allocate: priority", &[(&first, ", priority: 9"), (&second, "")]);
    let done = print_two(&mut studio);
    assert_eq!(states(&studio, &done), ["printed", "printed"]);
    assert_eq!((first.prints().len(), second.prints().len()), (0, 2));
    assert_eq!(studio.receipt(&done)["prints"][0]["printer"], "lustre-2");
    // One that says no passes the sheet on too: it surely did not get it.
    let (first, second) = (direct(Behaviour::default()), direct(Behaviour::default()));
    first.behave(|printer| printer.busy = true);
    let mut studio = in_pool("allocate: priority", &[(&first, ", priority: 9"), (&second, "")]);
    print_two(&mut studio);
    assert_eq!((first.prints().len(), second.prints().len()), (0, 2));
}

#[test]
fn one_jobs_sheets_stay_together_unless_the_pool_splits() {
    at_once([("allocate: round_robin", [4, 0]), ("allocate: round_robin, split: true", [2, 2])], |(pool, expected)| {
        let slow = Behaviour { print_time: Duration::from_millis(1_500), ..Behaviour::default() };
        let printers = [direct(slow.clone()), direct(slow)];
        let mut studio = in_pool(pool, &[(&printers[0], ""), (&printers[1], "")]);
        studio.picture("sessions/S1/Hi-Res/S1004.jpg", 94, 60);
        studio.serve();
        studio.drop_file("status", "a.json", &invoice("9", &[1, 2, 3, 4]));
        studio.wait_jobs("done", 1);
        studio.stop();
        let mut counts = printers.each_ref().map(|printer| printer.prints().len());
        counts.sort_by_key(|count| std::cmp::Reverse(*count));
        assert_eq!(counts, expected, "{pool}");
        for printer in &printers {
            let names: Vec<String> = printer.prints().into_iter().map(|print| print.name).collect();
            assert!(names.is_sorted_by_key(|name| name[..4].to_string()), "{names:?}");
        }
    });
}

#[test]
fn one_jobs_sheets_stay_together_over_a_restart_too() {
    let printers = [direct(Behaviour::default()), direct(Behaviour::default())];
    // The first would be chosen, and cannot; the second takes one sheet, and then no more.
    printers[0].run_out_of_paper();
    printers[1].fail_nth(Operation::CreateJob, 1, Fault::Refused(0x0507));
    let mut studio = in_pool("allocate: priority", &[(&printers[0], ", priority: 9"), (&printers[1], "")]);
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2, 3]));
    studio.wait("the end of the first sheet", || {
        let job = studio.jobs("processing").pop()?;
        let journal = std::fs::read_to_string(job.join("journal.jsonl")).ok()?;
        let is_refused = printers[1].count(Operation::CreateJob) == 2;
        (journal.contains("\"print\":\"ended\"") && is_refused).then_some(())
    });
    studio.kill();
    printers[0].fill_paper();
    studio.serve();
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(states(&studio, &done[0]), ["printed", "printed", "printed"]);
    assert_eq!(printers.each_ref().map(|printer| printer.prints().len()), [0, 3]);
    studio.audit();
}

#[test]
fn a_walk_in_overtakes_the_school() {
    let slow = Behaviour { print_time: Duration::from_millis(700), ..Behaviour::default() };
    let printer = direct(slow);
    let mut studio = with(&printer);
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("school", &[1, 2, 3]));
    studio.wait("the first sheet", || (!printer.jobs().is_empty()).then_some(()));
    let walk_in = invoice("walk-in", &[1]).replacen('{', "{\"priority\":5,", 1);
    studio.drop_file("status", "b.json", &walk_in);
    studio.wait_jobs("done", 2);
    studio.stop();
    let names: Vec<String> = printer.prints().into_iter().map(|print| print.name).collect();
    let at = names.iter().position(|name| name.starts_with("walk-in")).unwrap();
    assert!(at < 3, "{names:?}");
    assert_eq!(names.len(), 4);
}

#[test]
fn a_cancelled_order_lets_the_sent_sheet_finish() {
    let slow = Behaviour { print_time: Duration::from_secs(2), ..Behaviour::default() };
    let printer = direct(slow);
    let mut studio = with(&printer);
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2, 3]));
    studio.wait("the first sheet", || printer.jobs().iter().any(|job| job.document.is_some()).then_some(()));
    studio.run(&["jobs", "cancel", "9"]).expect(0);
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(states(&studio, &done[0]), ["printed", "rendered", "rendered"]);
    assert_eq!(printer.prints().len(), 1);
}

#[test]
fn a_hold_waits_for_the_sheet_that_is_on_its_way() {
    let slow = Behaviour { print_time: Duration::from_secs(3), ..Behaviour::default() };
    let printer = direct(slow);
    let mut studio = with(&printer);
    studio.serve_with(&[("HOTFOLDERS_DRAIN_MS", "200")]);
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2]));
    studio.wait("the first sheet", || printer.jobs().iter().any(|job| job.document.is_some()).then_some(()));
    studio.run(&["jobs", "hold", "9"]).expect(0);
    let held = studio.wait_jobs("held", 1);
    assert_eq!(printer.prints().len(), 1, "it has come out by then");
    let journal = std::fs::read_to_string(held[0].join("journal.jsonl")).unwrap();
    assert!(journal.contains("\"ended\""), "{journal}");
    studio.run(&["jobs", "release", "9"]).expect(0);
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(states(&studio, &done[0]), ["printed", "printed"]);
    assert_eq!(printer.prints().len(), 2);
    studio.audit();
}

#[test]
fn a_document_that_has_not_left_when_its_job_is_cancelled_or_held_does_not_leave_after_all() {
    at_once(["cancel", "hold"], |command| {
        let printer = direct(Behaviour::default());
        printer.has_been_on_for(Duration::from_hours(1));
        let mut studio = with(&printer);
        // It has made the job, and the connection is lost each time before it has anything of the document.
        for _ in 0..8 {
            printer.fail_next(Operation::SendDocument, Fault::Unheard);
        }
        studio.serve();
        studio.drop_file("status", "a.json", &invoice("9", &[1]));
        studio.wait("the first try", || (printer.count(Operation::SendDocument) > 0).then_some(()));
        studio.run(&["jobs", command, "9"]).expect(0);
        studio.wait_jobs(if command == "hold" { "held" } else { "done" }, 1);
        assert!(printer.jobs().iter().all(|job| job.document.is_none()), "{command}");
        if command == "hold" {
            studio.run(&["jobs", "release", "9"]).expect(0);
        }
        let done = studio.wait_jobs("done", 1);
        studio.stop();
        let (state, prints) = if command == "hold" { ("printed", 1) } else { ("rendered", 0) };
        assert_eq!((states(&studio, &done[0]), printer.prints().len()), (vec![state.to_string()], prints));
        studio.audit();
    });
}

#[test]
fn a_server_that_is_killed_prints_each_sheet_once() {
    let slow = Behaviour { print_time: Duration::from_millis(200), counts_octets: true, ..Behaviour::default() };
    let printer = direct(slow);
    printer.has_been_on_for(Duration::from_hours(1));
    let mut studio = with(&printer);
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2, 3]));
    for pause_ms in [900, 400, 700, 300, 500] {
        studio.serve();
        studio.wait("the server", || studio.is_served().then_some(()));
        let until = std::time::Instant::now() + Duration::from_millis(pause_ms);
        studio.wait("a moment", || (std::time::Instant::now() >= until).then_some(()));
        studio.kill();
    }
    studio.serve();
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(states(&studio, &done[0]), ["printed", "printed", "printed"]);
    assert_eq!(whole(&printer).into_values().collect::<Vec<_>>(), [1, 1, 1]);
    studio.audit();
}
