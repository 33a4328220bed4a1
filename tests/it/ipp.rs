//! Our side of IPP against a printer that does everything wrong that printers do wrong.

mod orders;
mod paper;

use std::time::{Duration, Instant};

use hotfolders::model::config::PrinterTarget;
use hotfolders::model::delivery::PrintQuality;
use hotfolders::print::ipp::{
    Document, Endpoint, IppError, JobFacts, JobState, Medium, Patience, PrinterState, Scaling, Ticket, Which,
};

use super::fake_printer::{Behaviour, Certificate, FakePrinter, FakeState, Fault, Operation};

const HURRY: Patience = Patience {
    connect: Duration::from_millis(500),
    query: Duration::from_millis(700),
    document: Duration::from_millis(1500),
    document_per_mib: Duration::from_millis(100),
};

fn endpoint(printer: &FakePrinter) -> Endpoint {
    reach(&target(&printer.uri()))
}

fn target(uri: &str) -> PrinterTarget {
    PrinterTarget::Ipp { uri: uri.into(), ca_file: None, insecure: false, user: None, password_file: None }
}

fn reach(target: &PrinterTarget) -> Endpoint {
    Endpoint::new(target, HURRY).unwrap().unwrap()
}

fn ticket(name: &str) -> Ticket {
    Ticket {
        name: name.into(),
        media: Some(Medium { width_hmm: 20320, height_hmm: 25400, name: None }),
        media_type: None,
        media_source: None,
        borderless: true,
        quality: Some(PrintQuality::High),
        color_mode: None,
        scaling: Some(Scaling::Fill),
        copies: 2,
    }
}

const SHEET: Document<'static> = Document { bytes: &[0xd8; 300_000], format: "image/jpeg" };

fn job(endpoint: &Endpoint, id: i32) -> JobFacts {
    endpoint.job(id).unwrap().expect("a job")
}

#[test]
fn a_job_is_made_sent_looked_after_and_printed_once_for_each_copy() {
    let printer = FakePrinter::start();
    let endpoint = endpoint(&printer);
    let facts = endpoint.facts().unwrap();
    assert!(facts.has_create_job && !facts.is_spooler && facts.takes_format("image/jpeg"));
    assert_eq!((facts.state, facts.queued_jobs, facts.media.sizes.len()), (PrinterState::Idle, 0, 3));
    let mut ticket = ticket("hf-1");
    assert_eq!(ticket.suit(&facts), [""; 0]);

    let made = endpoint.create_job(&ticket).unwrap();
    assert!(made.uuid.is_some() && made.ignored.is_empty());
    let waiting = job(&endpoint, made.id);
    assert_eq!((waiting.state, waiting.has_document, &waiting.uuid), (JobState::Held, Some(false), &made.uuid));
    assert_eq!(endpoint.jobs(Which::Open).unwrap().jobs, [waiting]);

    endpoint.send_document(made.id, &SHEET).unwrap();
    let done = job(&endpoint, made.id);
    assert_eq!((done.state, done.has_document, done.impressions_completed), (JobState::Completed, Some(true), Some(2)));
    assert_eq!(
        (endpoint.jobs(Which::Open).unwrap().jobs, endpoint.jobs(Which::Finished).unwrap().jobs),
        (vec![], vec![done])
    );
    let prints = printer.prints();
    let copies: Vec<u32> = prints.iter().map(|print| print.copy).collect();
    assert_eq!(copies, [1, 2]);
    assert!(prints.iter().all(|p| p.name == "hf-1" && p.bytes == 300_000 && !p.was_cut));
    assert_eq!(printer.jobs()[0].user, "hotfolders");
    assert!(printer.jobs()[0].borderless);
}

#[test]
fn a_printer_without_create_job_takes_both_in_one() {
    let printer = FakePrinter::start_as(Behaviour { has_create_job: false, ..Behaviour::default() }, None);
    let endpoint = endpoint(&printer);
    assert!(!endpoint.facts().unwrap().has_create_job);
    assert!(matches!(endpoint.create_job(&ticket("x")), Err(IppError::Refused(_))));
    let made = endpoint.print_job(&ticket("hf-1"), &SHEET).unwrap();
    assert_eq!(job(&endpoint, made.id).state, JobState::Completed);
    assert_eq!(printer.prints().len(), 2);
}

#[test]
fn only_what_never_left_is_called_not_sent() {
    let nobody = reach(&target(&format!("ipp://{}/ipp/print", super::http::free_address())));
    let error = nobody.create_job(&ticket("x")).unwrap_err();
    assert!(matches!(&error, IppError::NotSent(why) if why.contains("nobody listens")), "{error:?}");

    let printer = FakePrinter::start();
    let endpoint = endpoint(&printer);
    for (operation, fault) in [
        (Operation::CreateJob, Fault::Unheard),
        (Operation::CreateJob, Fault::Unanswered),
        (Operation::CreateJob, Fault::Http(500)),
        (Operation::CreateJob, Fault::Dribble(50)),
    ] {
        printer.fail_next(operation, fault.clone());
        let error = endpoint.create_job(&ticket("x")).unwrap_err();
        assert!(matches!(error, IppError::Lost(_)), "{fault:?}: {error:?}");
    }
    printer.switch_network(false);
    let error = endpoint.create_job(&ticket("x")).unwrap_err();
    assert!(error.is_in_doubt(), "{error:?}");
    printer.switch_network(true);
    // One was never heard, one found nobody.
    assert_eq!(printer.count(Operation::CreateJob), 4);
    assert_eq!(printer.jobs().len(), 3);
    assert_eq!(printer.prints(), []);
}

#[test]
fn a_document_that_is_cut_off_is_in_doubt_and_a_direct_printer_prints_what_it_has() {
    let direct = FakePrinter::start();
    let spooler = FakePrinter::spooler();
    for (printer, prints) in [(&direct, 2), (&spooler, 0)] {
        let endpoint = endpoint(printer);
        let made = endpoint.create_job(&ticket("hf-1")).unwrap();
        printer.fail_next(Operation::SendDocument, Fault::CutAt(1000));
        let large = vec![0xd8; 4_000_000];
        let error = endpoint.send_document(made.id, &Document { bytes: &large, ..SHEET }).unwrap_err();
        assert!(matches!(error, IppError::Lost(_)), "{error:?}");
        let out = printer.prints();
        assert_eq!((out.len(), out.iter().filter(|p| p.was_cut && p.bytes == 1000).count()), (prints, prints));
    }
}

#[test]
fn a_no_is_told_from_silence_also_in_the_middle_of_a_document() {
    let printer = FakePrinter::start();
    let endpoint = endpoint(&printer);
    printer.behave(|printer| printer.busy = true);
    let error = endpoint.print_job(&ticket("x"), &SHEET).unwrap_err();
    assert!(matches!(&error, IppError::Refused(refusal) if refusal.is_busy()), "{error:?}");
    printer.behave(|printer| printer.busy = false);
    printer.fail_next(Operation::CreateJob, Fault::Refused(0x0506));
    let error = endpoint.create_job(&ticket("x")).unwrap_err();
    assert_eq!(error.to_string(), "the printer refused: it accepts no jobs (not today)");

    let large = vec![0xd8; 8_000_000];
    printer.fail_next(Operation::PrintJob, Fault::RefusedAtOnce(0x0507));
    let error = endpoint.print_job(&ticket("x"), &Document { bytes: &large, ..SHEET }).unwrap_err();
    assert!(matches!(&error, IppError::Refused(refusal) if refusal.is_busy()), "{error:?}");
    // An early yes is none: the rest of the document is not there.
    printer.fail_next(Operation::PrintJob, Fault::RefusedAtOnce(0));
    let error = endpoint.print_job(&ticket("x"), &Document { bytes: &large, ..SHEET }).unwrap_err();
    assert!(matches!(&error, IppError::Lost(_)), "{error:?}");

    let odd = Ticket { media: Some(Medium { width_hmm: 1000, height_hmm: 1000, name: None }), ..ticket("x") };
    let error = endpoint.create_job(&odd).unwrap_err();
    assert!(error.to_string().contains("it does not take media-col"), "{error}");
    printer.behave(|printer| printer.ignores_fidelity = true);
    assert_eq!(endpoint.create_job(&odd).unwrap().ignored, ["media-col"]);
    assert_eq!(printer.prints(), []);
}

#[test]
fn a_printer_that_lies_is_bounded_in_bytes_and_time() {
    let printer = FakePrinter::start();
    let endpoint = endpoint(&printer);
    let deep = |depth: usize| {
        let mut bytes = vec![1, 1, 0, 0, 0, 0, 0, 1, 4];
        bytes.extend(b"\x34\0\x01a\0\0");
        bytes.extend(b"\x34\0\0\0\0".repeat(depth));
        bytes.push(3);
        bytes
    };
    let lies = [
        Fault::Garbage(b"%PDF-1.7".to_vec()),
        Fault::Garbage(Vec::new()),
        Fault::Garbage(vec![0; 6 << 20]),
        Fault::Garbage(deep(100_000)),
        // A text with a language whose parts are longer than it, which the crate would read past its end.
        Fault::Garbage(b"\x01\x01\0\0\0\0\0\x01\x04\x35\0\x01a\0\x03\xff\xffx\x03".to_vec()),
        Fault::Garbage(b"\x01\x01\0\0\0\0\0\x01\x03".to_vec()),
        Fault::Endless,
    ];
    for lie in lies {
        let begun = Instant::now();
        printer.fail_next(Operation::GetPrinterAttributes, lie.clone());
        let error = endpoint.facts().unwrap_err();
        let kind = format!("{lie:?}").chars().take(60).collect::<String>();
        assert!(matches!(error, IppError::Malformed(_) | IppError::Lost(_)), "{kind}: {error:?}");
        assert!(begun.elapsed() < HURRY.query * 3, "{kind}: {:?}", begun.elapsed());
    }
    let begun = Instant::now();
    printer.fail_next(Operation::GetJobs, Fault::Dribble(100));
    assert!(matches!(endpoint.jobs(Which::Open), Err(IppError::Lost(why)) if why.contains("no whole answer")));
    assert!(begun.elapsed() < HURRY.query * 3);
    assert!(endpoint.facts().is_ok());
}

#[test]
fn an_answer_is_one_whatever_http_says_of_it() {
    for (answer_type, has_length) in
        [(None, true), (Some("application/octet-stream"), true), (Some("application/ipp"), false), (None, false)]
    {
        let printer = FakePrinter::start_as(Behaviour { answer_type, has_length, ..Behaviour::default() }, None);
        let endpoint = endpoint(&printer);
        let made = endpoint.create_job(&ticket("hf-1")).unwrap();
        endpoint.send_document(made.id, &SHEET).unwrap();
        assert_eq!(printer.prints().len(), 2, "{answer_type:?} {has_length}");
        printer.fail_next(Operation::GetPrinterAttributes, Fault::Http(200));
        let error = endpoint.facts().unwrap_err();
        assert!(error.to_string().contains("answers with `text/html`, not with IPP"), "{error}");
    }
}

#[test]
fn values_that_nobody_can_read_do_not_hide_the_printer() {
    let odd = |tag: u8, name: &str, length: u16| {
        let mut bytes = vec![tag, 0, u8::try_from(name.len()).unwrap()];
        bytes.extend(name.as_bytes());
        bytes.extend(length.to_be_bytes());
        bytes.extend(vec![b'x'; usize::from(length)]);
        bytes
    };
    let all = [
        odd(0x41, "printer-device-id", 1320),
        odd(0x44, "printer-strings-languages-supported", 300),
        odd(0x45, "printer-icons", 1109),
        odd(0x7f, "x-vendor", 6),
        odd(0x23, "finishings-default", 0),
        // A group that no standard has, and the last of them.
        [vec![0x0b], odd(0x44, "x", 1)].concat(),
    ]
    .concat();
    let printer = FakePrinter::start_as(Behaviour { odd_attributes: all, ..Behaviour::default() }, None);
    let facts = endpoint(&printer).facts().unwrap();
    assert_eq!((facts.state, facts.media.sizes.len()), (PrinterState::Idle, 3));
}

#[test]
fn a_restart_and_a_loss_of_memory_can_be_told_apart() {
    let printer = FakePrinter::start();
    printer.has_been_on_for(Duration::from_hours(1));
    let endpoint = endpoint(&printer);
    let made = endpoint.print_job(&ticket("hf-1"), &SHEET).unwrap();
    let before = endpoint.facts().unwrap();
    printer.forget_jobs();
    assert_eq!(endpoint.job(made.id), Ok(None));
    assert!(endpoint.facts().unwrap().up_time_s >= before.up_time_s);
    printer.restart();
    let after = endpoint.facts().unwrap();
    assert!(after.up_time_s < before.up_time_s && after.uuid == before.uuid);
    let again = endpoint.create_job(&ticket("hf-2")).unwrap();
    assert!(again.id == made.id && again.uuid != made.uuid, "the id says nothing: {again:?}");
    printer.behave(|printer| printer.history = 0);
    endpoint.send_document(again.id, &SHEET).unwrap();
    assert_eq!(endpoint.jobs(Which::Finished).map(|listed| listed.jobs), Ok(vec![]));
}

#[test]
fn without_paper_a_job_stands_still_and_the_reason_is_told() {
    let printer = FakePrinter::start();
    let endpoint = endpoint(&printer);
    printer.run_out_of_paper();
    let facts = endpoint.facts().unwrap();
    assert_eq!(
        (facts.state, facts.blocked_by()),
        (PrinterState::Stopped, vec!["out of paper".into(), "needs paper".into()])
    );
    let made = endpoint.print_job(&ticket("hf-1"), &SHEET).unwrap();
    assert_eq!(job(&endpoint, made.id).state, JobState::Stopped);
    assert_eq!(endpoint.facts().unwrap().queued_jobs, 1);
    printer.fill_paper();
    assert_eq!((job(&endpoint, made.id).state, printer.prints().len()), (JobState::Completed, 2));
}

#[test]
fn a_cancel_says_whether_it_came_in_time() {
    let printer = FakePrinter::start();
    let endpoint = endpoint(&printer);
    let made = endpoint.create_job(&ticket("hf-1")).unwrap();
    endpoint.cancel(made.id).unwrap();
    assert_eq!(job(&endpoint, made.id).state, JobState::Canceled);
    let error = endpoint.cancel(made.id).unwrap_err();
    assert!(matches!(error, IppError::Refused(refusal) if refusal.is_too_late()));
    printer.behave(|printer| printer.fates = vec![(FakeState::Aborted, 1)]);
    let aborted = endpoint.print_job(&ticket("hf-2"), &SHEET).unwrap();
    let aborted = job(&endpoint, aborted.id);
    assert_eq!((aborted.state, aborted.impressions_completed), (JobState::Aborted, Some(1)));
    assert_eq!(printer.prints().len(), 1);

    printer.behave(|printer| printer.print_time = Duration::from_hours(1));
    let slow = endpoint.print_job(&ticket("hf-3"), &SHEET).unwrap();
    assert_eq!(job(&endpoint, slow.id).state, JobState::Processing);
    printer.cancel_at_the_panel(slow.id, 1);
    let slow = job(&endpoint, slow.id);
    assert_eq!((slow.state, slow.impressions_completed), (JobState::Canceled, Some(1)));
    assert_eq!(printer.prints().len(), 2);
}

#[test]
fn certificates_are_believed_by_the_file_by_the_rules_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    for certificate in [Certificate::of_its_own(), Certificate::signed()] {
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, &certificate.trusted).unwrap();
        let printer = FakePrinter::start_as(Behaviour::default(), Some(certificate));
        let with = |ca_file, insecure| {
            let uri = printer.uri();
            reach(&PrinterTarget::Ipp { uri, ca_file, insecure, user: None, password_file: None })
        };
        let stranger = with(None, false).create_job(&ticket("x")).unwrap_err();
        assert!(matches!(&stranger, IppError::NotSent(why) if why.contains("`ca_file`")), "{stranger:?}");
        std::fs::write(folder.path().join("other.pem"), &Certificate::of_its_own().trusted).unwrap();
        let other = with(Some(folder.path().join("other.pem")), false).facts().unwrap_err();
        assert!(matches!(other, IppError::NotSent(_)), "{other:?}");
        assert!(with(None, true).facts().is_ok());
        let endpoint = with(Some(file), false);
        let made = endpoint.create_job(&ticket("hf-1")).unwrap();
        endpoint.send_document(made.id, &SHEET).unwrap();
        assert_eq!(printer.prints().len(), 2);
        let plain = reach(&target(&printer.uri().replace("ipps", "ipp"))).facts().unwrap_err();
        assert!(plain.is_in_doubt(), "{plain:?}");
    }
    for has_its_key in [true, false] {
        let certificate = Certificate::of_the_first_version();
        let file = folder.path().join("old.pem");
        std::fs::write(&file, &certificate.trusted).unwrap();
        let certificate = if has_its_key { certificate } else { certificate.without_its_key() };
        let printer = FakePrinter::start_as(Behaviour::default(), Some(certificate));
        let with = |ca_file, insecure| {
            let uri = printer.uri();
            reach(&PrinterTarget::Ipp { uri, ca_file, insecure, user: None, password_file: None })
        };
        // What counts by being the same proves that it has the key; what is taken unseen need not.
        assert_eq!(with(Some(file), false).facts().is_ok(), has_its_key);
        assert!(with(None, true).facts().is_ok());
        assert!(matches!(with(None, false).facts(), Err(IppError::NotSent(why)) if why.contains("`ca_file`")));
    }
    let printer = FakePrinter::start();
    let mistaken = reach(&target(&printer.uri().replace("ipp:", "ipps:"))).facts().unwrap_err();
    assert!(matches!(mistaken, IppError::NotSent(_)), "{mistaken:?}");
}

#[test]
fn a_password_is_read_from_its_file_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let login = Some(("studio".to_string(), "s3cret word".to_string()));
    let printer = FakePrinter::start_as(Behaviour { user_and_password: login, ..Behaviour::default() }, None);
    let with = |password_file: &std::path::Path| PrinterTarget::Ipp {
        uri: printer.uri(),
        ca_file: None,
        insecure: false,
        user: Some("studio".into()),
        password_file: Some(password_file.to_path_buf()),
    };
    let error = endpoint(&printer).facts().unwrap_err();
    assert!(matches!(&error, IppError::Refused(refusal) if refusal.to_string().contains("password")), "{error:?}");
    std::fs::write(&file, "s3cret word\r\n").unwrap();
    let endpoint = reach(&with(&file));
    assert!(endpoint.facts().is_ok());
    assert!(!format!("{endpoint:?}").contains("c3R1ZGlv"), "{endpoint:?}");
    let missing = Endpoint::new(&with(&folder.path().join("none")), HURRY).unwrap().unwrap_err();
    assert!(matches!(&missing, IppError::Setup(why) if why.contains("cannot be read")), "{missing:?}");
    std::fs::write(&file, "two\nlines\n").unwrap();
    assert!(matches!(Endpoint::new(&with(&file), HURRY).unwrap(), Err(IppError::Setup(_))));
}
