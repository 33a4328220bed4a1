//! A sheet in doubt is answered while the other sheets of its order go on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{states, studio};
use crate::fake_printer::{Behaviour, FakePrinter, FakeState};
use crate::http::{free_address, get, send};
use crate::studio::{Studio, invoice};
use crate::web::wait_open;

const COPIES: u32 = 2;

/// An order of three sheets, two copies each. The first `doubtful` come out once and are given up; the next is with the
/// printer, and stays there.
fn in_doubt(doubtful: usize, config: &str) -> (Studio, Arc<FakePrinter>) {
    let printer = Arc::new(FakePrinter::start_as(Behaviour { counts_octets: true, ..Behaviour::default() }, None));
    printer.has_been_on_for(Duration::from_hours(1));
    printer.behave(|printer| printer.fates = vec![(FakeState::Aborted, 1); doubtful]);
    let printers = format!("printers: {{ lustre: {{ uri: \"{}\", media: [8x10in] }} }}\n{config}", printer.uri());
    let mut studio = studio("    deliver: [ { to: print, printer: lustre } ]\n", &printers);
    studio.watch_printer(&printer);
    studio.serve();
    let order = invoice("9", &[1, 2, 3]).replace("\"quantity\":1", &format!("\"quantity\":{COPIES}"));
    studio.drop_file("status", "a.json", &order);
    let given_up = || printer.jobs().iter().filter(|job| job.state == FakeState::Aborted).count();
    studio.wait("the doubtful sheets", || (given_up() == doubtful).then_some(()));
    printer.behave(|printer| printer.print_time = Duration::from_mins(5));
    studio.wait("the questions", || (asked(&studio)?.len() == doubtful).then_some(()));
    studio.wait("the next sheet", || printer.jobs().last()?.document.is_some().then_some(()));
    (studio, printer)
}

fn running(studio: &Studio) -> Option<PathBuf> {
    studio.jobs("processing").pop()
}

fn asked(studio: &Studio) -> Option<Vec<Value>> {
    let text = std::fs::read(running(studio)?.join("questions.json")).ok()?;
    serde_json::from_slice(&text).ok()
}

/// The rest comes out; every sheet as often as it was ordered.
fn finish(studio: &mut Studio, printer: &FakePrinter) -> PathBuf {
    printer.behave(|printer| printer.print_time = Duration::ZERO);
    let done = studio.wait_jobs("done", 1).remove(0);
    studio.stop();
    assert_eq!(states(studio, &done), ["printed", "printed", "printed"]);
    assert_eq!(printer.prints().len(), 3 * COPIES as usize);
    studio.audit();
    assert!(!done.join("questions.json").exists(), "it asks nothing any more");
    done
}

/// A job that was never held has not been let go on.
fn was_held(studio: &Studio, job: &std::path::Path) -> bool {
    !studio.json(&job.join("job.json"))["queued_again"].is_null()
}

#[test]
fn one_who_stands_at_the_printer_answers_at_once_and_the_order_is_never_held() {
    let (mut studio, printer) = in_doubt(1, "");
    let shown = studio.run(&["jobs", "show", "9"]).expect(0).out;
    assert!(shown.contains("the others go on") && shown.contains("--unit p1"), "{shown}");
    let told = studio.run(&["jobs", "answer", "9", "--printed"]).expect(1).err;
    assert!(told.contains("say which sheet is meant with `--unit`"), "{told}");
    studio.run(&["jobs", "answer", "9", "--printed-up-to", "1", "--unit", "p1"]).expect(0);
    let journal = running(&studio).unwrap().join("journal.jsonl");
    studio.wait("the answer to be taken up", || {
        std::fs::read_to_string(&journal).unwrap().contains("\"print\":\"answered\"").then_some(())
    });
    let told = studio.run(&["jobs", "answer", "9", "--printed", "--unit", "p1"]).expect(1).err;
    assert!(told.contains("asks nothing"), "{told}");
    let done = finish(&mut studio, &printer);
    assert!(!was_held(&studio, &done));
}

#[test]
fn an_answer_outlives_the_server_and_an_open_question_keeps_the_other_sheets_from_nothing() {
    let (mut studio, printer) = in_doubt(2, "");
    studio.kill();
    // Nobody has taken it up yet.
    studio.run(&["jobs", "answer", "9", "--printed-up-to", "1", "--unit", "p1"]).expect(0);
    printer.behave(|printer| printer.print_time = Duration::ZERO);
    studio.serve();
    let held = studio.wait_jobs("held", 1);
    let questions = studio.json(&held[0].join("questions.json"));
    let units: Vec<&str> = questions.as_array().unwrap().iter().map(|q| q["unit"].as_str().unwrap()).collect();
    assert_eq!(units, ["p2"], "the first is answered");
    assert_eq!(printer.prints().len(), 5, "all but the copy that is asked about");
    studio.run(&["jobs", "answer", "9", "--printed-up-to", "1"]).expect(0);
    finish(&mut studio, &printer);
}

#[test]
fn the_dashboard_answers_a_running_order_too() {
    let address = free_address();
    let (mut studio, printer) = in_doubt(1, &format!("server: {{ listen: \"{address}\" }}\n"));
    wait_open(&studio, address);
    let job = running(&studio).unwrap();
    let id = job.file_name().unwrap().to_string_lossy().into_owned();
    let form = format!("action=\"/jobs/{id}/answer\"");
    for (path, says) in [("/".to_string(), "Needs an answer"), (format!("/jobs/{id}"), "the other sheets go on")] {
        studio.wait("the question on the page", || {
            let page = get(address, &path).text();
            (page.contains(says) && page.contains(&form) && page.contains("name=\"sheets\"")).then_some(())
        });
    }
    let own = format!("http://{address}");
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", own.as_str())];
    let body = b"key=print+p1+1&answer=printed-up-to&sheets=1";
    let answer = send(address, "POST", &format!("/jobs/{id}/answer"), &headers, body);
    assert_eq!(answer.status, 303, "{}", answer.text());
    studio.wait("the question to go", || (!get(address, "/").text().contains(&form)).then_some(()));
    let done = finish(&mut studio, &printer);
    assert!(!was_held(&studio, &done));
}
