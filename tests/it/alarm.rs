//! Alerts to the studio: one for each cause, one when it is over, and none is lost.

use std::net::TcpListener;

use serde_json::Value;

use super::hook::Hook;
use super::smtp::{MailServer, Tls};
use super::studio::{CONFIG, Studio, files, invoice, session};

/// Looks and mails follow each other quickly.
const QUICK: [(&str, &str); 1] = [("HOTFOLDERS_ALERT_MS", "60")];

/// A studio that tells a mail server and a webhook. Web pictures go to an absolute folder.
fn studio(mail: &str, hook: &str, more: &str) -> Studio {
    let studio = Studio::new();
    std::fs::create_dir_all(studio.path("nas/web")).unwrap();
    studio.write("hotfolders.yaml", config(&studio, mail, hook, more).as_bytes());
    studio.write("secrets/smtp", b"smtp-secret");
    studio
}

fn config(studio: &Studio, mail: &str, hook: &str, more: &str) -> String {
    let nas = studio.path("nas/web");
    let config = CONFIG.replace("delivery/web/{session}", &format!("{}/{{session}}", nas.display()));
    assert_ne!(config, CONFIG);
    let login = "user: studio, password_file: secrets/smtp";
    format!(
        "{config}mail: {{ smtp: \"{mail}\", from: studio@larson.example, {login} }}\n\
         alerts: {{ mail: [owner@larson.example], webhook: \"{hook}\", {more} }}\n"
    )
}

fn lets_in(server: &MailServer) {
    server.mood().login = Some(("studio".into(), "smtp-secret".into()));
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn alerts(studio: &Studio) -> Value {
    studio.run(&["status", "--json"]).expect(0).json()["alerts"].clone()
}

#[track_caller]
fn wait_told(studio: &Studio, hook: &Hook, expected: &[&str]) {
    studio.wait(&format!("{expected:?}, told was {:?}", hook.told()), || {
        (hook.told().len() >= expected.len()).then_some(())
    });
    assert_eq!(hook.told(), expected);
}

/// How often a text stands in the mails that came.
fn mailed(server: &MailServer, text: &str) -> usize {
    server.received().iter().map(|mail| mail.text().matches(text).count()).sum()
}

#[test]
fn a_place_that_is_away_is_told_once_and_once_when_it_is_back_also_over_restarts() {
    let (server, hook) = (MailServer::start(), Hook::start());
    lets_in(&server);
    let mut studio = studio(&server.url(), &hook.url(), "disk_low: 1kB");
    studio.serve_with(&QUICK);
    studio.wait("the server", || studio.is_served().then_some(()));
    std::fs::rename(studio.path("nas"), studio.path("away")).unwrap();
    studio.drop_file("status", "a.json", &session("A1", &[1]));
    studio.drop_file("status", "b.json", &session("B1", &[2]));
    wait_told(&studio, &hook, &["began place"]);
    studio.wait("the mail", || (mailed(&server, "jobs wait for nas/web") == 1).then_some(()));
    let open = alerts(&studio);
    assert_eq!((open["open"].as_array().unwrap().len(), open["open"][0]["kind"].as_str()), (1, Some("place")));
    assert!(studio.run(&["status"]).expect(0).out.contains("alert: jobs wait for nas/web"));

    // It is the same cause for the next server, however it came to be the next.
    for clean in [true, false] {
        if clean {
            assert_eq!(studio.stop(), Some(0));
        } else {
            studio.kill();
        }
        studio.serve_with(&QUICK);
        studio.wait("the jobs to wait again", || {
            let status = studio.run(&["status", "--json"]).expect(0).json();
            (status["places"][0]["jobs"] == 2).then_some(())
        });
    }
    std::fs::rename(studio.path("away"), studio.path("nas")).unwrap();
    studio.wait_jobs("done", 2);
    let all = ["began place", "once unclean_stop", "over place"];
    wait_told(&studio, &hook, &all);
    studio.wait("the last mail", || (mailed(&server, "Over: jobs wait for nas/web") == 1).then_some(()));
    assert_eq!(mailed(&server, "jobs wait for nas/web"), 2);
    assert_eq!(studio.stop(), Some(0));
    assert_eq!(hook.told(), all);
    let posted = &hook.posted()[0];
    assert!(
        posted["text"].as_str().unwrap().contains("\nFor it: 2 jobs, ")
            || posted["text"].as_str().unwrap().contains("\nFor it: 1 job, ")
    );
    assert_eq!((posted["alert"].as_u64(), posted["studio"].as_str()), (Some(1), Some("Larson Portraits")));
    let mail = &server.received()[0];
    assert_eq!(
        (mail.to.as_slice(), mail.user.as_deref()),
        (["owner@larson.example".to_string()].as_slice(), Some("studio"))
    );
    studio.audit();
}

#[test]
fn a_mail_that_is_refused_for_good_keeps_no_later_one() {
    let hook = Hook::start();
    let server = MailServer::start();
    lets_in(&server);
    let mut studio = studio(&server.url(), &hook.url(), "disk_low: 1kB");
    server.mood().replies = [("body".to_string(), "554 5.7.1 looks like spam".to_string())].into();
    studio.serve_with(&QUICK);
    studio.drop_file("status", "a.json", &invoice("SPAM", &[900]));
    studio.wait_jobs("failed", 1);
    wait_told(&studio, &hook, &["began job_failed"]);
    studio.wait("the first to be given up", || (alerts(&studio)["mail"]["undelivered"] == 0).then_some(()));
    server.mood().replies.clear();
    studio.drop_file("status", "b.json", &invoice("FINE", &[900]));
    studio.wait("the second", || (mailed(&server, "FINE") > 0).then_some(()));
    assert_eq!(mailed(&server, "SPAM"), 0);
    studio.stop();
}

#[test]
fn a_dead_mail_server_loses_no_alert_and_many_failures_are_one_mail() {
    let hook = Hook::start();
    let port = free_port();
    let mut studio = studio(&format!("smtp://127.0.0.1:{port}"), &hook.url(), "disk_low: 1kB");
    hook.answers(Some(503));
    studio.serve_with(&QUICK);
    for n in 1..=12 {
        // No such picture.
        studio.drop_file("status", &format!("f{n}.json"), &invoice(&format!("F{n}"), &[900]));
    }
    studio.wait_jobs("failed", 12);
    let undelivered = |studio: &Studio, n: u64| {
        let alerts = alerts(studio);
        let counts = ["mail", "webhook"].map(|way| alerts[way]["undelivered"].as_u64());
        (counts == [Some(n), Some(n)] && alerts["mail"]["trouble"]["why"].is_string()).then_some(())
    };
    studio.wait("twelve alerts that cannot go out", || undelivered(&studio, 12));
    assert!(studio.run(&["status"]).expect(0).out.contains("could not be mailed for"));
    studio.stop();
    studio.serve_with(&QUICK);
    studio.wait("them after a restart", || undelivered(&studio, 12));
    // Of what is erased nothing goes out any more.
    studio.run(&["erase", "--record", "F12"]).expect(0);
    studio.wait("one less", || undelivered(&studio, 11));

    let server = MailServer::start_at(port, Tls::None);
    lets_in(&server);
    hook.answers(None);
    wait_told(&studio, &hook, &["began job_failed"; 11]);
    studio.wait("the mail", || (mailed(&server, " failed\n") == 11).then_some(()));
    let mails = server.received();
    // What came up after the first try is not in the first mail: it is fixed when it is first tried.
    assert!(mails.len() <= 3, "{} mails", mails.len());
    let ids: std::collections::BTreeSet<String> = mails.iter().map(super::smtp::Received::id).collect();
    assert_eq!(ids.len(), mails.len());
    let numbers: Vec<u64> = hook.posted().iter().map(|alert| alert["number"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted() && mailed(&server, "F12") == 0, "in their order: {numbers:?}");

    // One is mended, one is cancelled: two are over.
    let ids: Vec<String> = hook.posted().iter().map(|alert| alert["job"].as_str().unwrap().to_string()).collect();
    studio.picture("sessions/S1/Hi-Res/S1900.jpg", 90, 60);
    studio.run(&["jobs", "retry", &ids[0]]).expect(0);
    studio.run(&["jobs", "cancel", &ids[1]]).expect(0);
    studio.wait("both ends", || (hook.told().len() == 13).then_some(()));
    let over: Vec<Value> = hook.posted().split_off(11);
    let texts: Vec<&str> = over.iter().map(|alert| alert["text"].as_str().unwrap()).collect();
    assert!(
        texts.contains(&"The job was cancelled.") && texts.contains(&"The job has come to its end after all."),
        "{texts:?}"
    );
    assert!(over.iter().all(|alert| alert["event"] == "over"));
    studio.stop();
    studio.audit();
}

#[test]
fn a_refused_config_a_full_disk_and_a_held_job_are_told_and_so_is_their_end() {
    let (server, hook) = (MailServer::start(), Hook::start());
    lets_in(&server);
    let mut studio = studio(&server.url(), &hook.url(), "disk_low: 1kB, waiting: 1s");
    studio.serve_with(&QUICK);
    studio.wait("the server", || studio.is_served().then_some(()));
    let right = config(&studio, &server.url(), &hook.url(), "disk_low: 1kB, waiting: 1s");
    studio.write("hotfolders.yaml", format!("{right}nonsense: 1\n").as_bytes());
    wait_told(&studio, &hook, &["began config"]);
    studio.write("hotfolders.yaml", right.replace("1kB", "900000GB").as_bytes());
    studio.wait("the end of one, the beginning of the other", || (hook.told().len() >= 3).then_some(()));
    let mut told = hook.told();
    told[1..].sort();
    assert_eq!(told, ["began config", "began disk_low", "over config"]);
    studio.write("hotfolders.yaml", right.as_bytes());
    studio.wait("the room", || (hook.told().len() == 4).then_some(()));
    assert_eq!(hook.told()[3], "over disk_low");

    let held = invoice("H1", &[1]).replace("\"quantity\":1", "\"quantity\":99");
    studio.drop_file("status", "h.json", &held);
    let job = studio.wait_jobs("held", 1).remove(0);
    let id = job.file_name().unwrap().to_str().unwrap().to_string();
    studio.wait("the held job", || (hook.told().len() == 5).then_some(()));
    let alert = hook.posted().remove(4);
    assert_eq!((alert["kind"].as_str(), alert["job"].as_str()), (Some("job_held"), Some(id.as_str())));
    studio.run(&["jobs", "release", &id]).expect(0);
    studio.wait("its end", || (hook.told().len() == 6).then_some(()));
    assert_eq!(hook.told()[5], "over job_held");
    studio.wait_jobs("done", 1);
    assert_eq!(studio.stop(), Some(0));
    studio.audit();
}

#[test]
fn jobs_that_wait_too_long_for_their_turn_are_told_once_and_not_what_was_held_before() {
    let hook = Hook::start();
    let mut studio = super::command::studio(
        "while [ ! -e go ]; do sleep 0.1; done",
        "run: [tools/upload, \"{file}\"], for: delivery",
    );
    let text = std::fs::read_to_string(studio.path("hotfolders.yaml")).unwrap();
    let alerts = format!("alerts: {{ webhook: \"{}\", disk_low: 1kB, waiting: 2s }}\n", hook.url());
    studio.write("hotfolders.yaml", format!("{text}{alerts}server: {{ max_jobs: 1 }}\n").as_bytes());
    studio.serve_with(&QUICK);
    studio.wait("the server", || studio.is_served().then_some(()));
    // Nobody is told of jobs that are kept back on purpose, and no time is counted until then.
    studio.run(&["pause"]).expect(0);
    studio.drop_file("status", "a.json", &session("A1", &[1]));
    studio.drop_file("status", "b.json", &session("B1", &[2]));
    studio.wait_jobs("pending", 2);
    std::thread::sleep(std::time::Duration::from_secs(3));
    let resumed = std::time::Instant::now();
    studio.run(&["resume"]).expect(0);
    wait_told(&studio, &hook, &["began queue"]);
    // The last look at a paused queue was a moment before.
    assert!(resumed.elapsed().as_secs() >= 1, "{:?}", resumed.elapsed());
    assert!(hook.posted()[0]["title"].as_str().unwrap().starts_with("1 job waiting long"));
    studio.write("go", b"");
    studio.wait_jobs("done", 2);
    wait_told(&studio, &hook, &["began queue", "over queue"]);
    assert_eq!(studio.stop(), Some(0));
    studio.audit();
}

/// Failures of before are no news when alerts are switched on.
#[test]
fn what_failed_long_ago_is_not_told() {
    let (server, hook) = (MailServer::start(), Hook::start());
    lets_in(&server);
    let mut studio = studio(&server.url(), &hook.url(), "disk_low: 1kB");
    let with_alerts = std::fs::read_to_string(studio.path("hotfolders.yaml")).unwrap();
    let (without, _) = with_alerts.split_once("alerts:").unwrap();
    studio.write("hotfolders.yaml", without.as_bytes());
    studio.serve_with(&QUICK);
    studio.drop_file("status", "old.json", &invoice("OLD", &[900]));
    studio.wait_jobs("failed", 1);
    assert!(!studio.path("spool/alerts.json").exists());
    studio.write("hotfolders.yaml", with_alerts.as_bytes());
    studio.wait("the alerts", || studio.path("spool/alerts.json").exists().then_some(()));
    studio.drop_file("status", "new.json", &invoice("NEW", &[900]));
    studio.wait("the new one", || (!hook.told().is_empty()).then_some(()));
    studio.stop();
    assert_eq!(hook.posted().len(), 1);
    assert!(hook.posted()[0]["title"].as_str().unwrap().contains("NEW"));
}

#[test]
fn no_secret_is_in_a_log() {
    let (server, hook) = (MailServer::start(), Hook::start());
    // It tells everybody what it was told.
    server.mood().login = Some(("studio".into(), "another".into()));
    hook.answers(Some(500));
    let mut studio = studio(&server.url(), &hook.url(), "disk_low: 1kB");
    let text = std::fs::read_to_string(studio.path("hotfolders.yaml")).unwrap() + "server: { log: { level: trace } }\n";
    studio.write("hotfolders.yaml", text.as_bytes());
    studio.serve_with(&QUICK);
    studio.drop_file("status", "f.json", &invoice("F1", &[900]));
    studio.wait("both ways to be closed", || {
        let alerts = alerts(&studio);
        (alerts["mail"]["trouble"].is_object() && alerts["webhook"]["trouble"].is_object()).then_some(())
    });
    let checked = studio.run(&["check"]).expect(1);
    assert!(
        checked.out.contains("mail server smtp://127.0.0.1") && checked.out.contains("it answers 535"),
        "{}",
        checked.out
    );
    let status = studio.run(&["status", "--json"]).expect(0).out;
    studio.stop();
    let logs: String = files(&studio.path("logs"))
        .iter()
        .map(|file| std::fs::read_to_string(studio.path(&format!("logs/{file}"))).unwrap())
        .collect();
    assert!(logs.contains("an alert could not go out"));
    let secret = super::smtp::base64(b"\0studio\0smtp-secret");
    for place in [&logs, &checked.out, &status] {
        for word in ["smtp-secret", "hook-secret", &secret] {
            assert!(!place.contains(word), "{word} in {place}");
        }
    }
    assert_eq!(server.received().len(), 0, "check sends nothing");
}

#[test]
fn a_webhook_over_https_is_told_once_the_system_trusts_it() {
    let hook = Hook::over_tls();
    let alerts_to = format!("alerts: {{ webhook: \"{}\", disk_low: 1kB }}\n", hook.url());
    let mut studio = Studio::bare(&format!("{CONFIG}{alerts_to}"));
    studio.write("ca.pem", hook.ca.as_ref().unwrap().as_bytes());
    let ca = studio.path("ca.pem");
    let trusting = [QUICK[0], ("SSL_CERT_FILE", ca.to_str().unwrap())];
    let check = |studio: &Studio, env: &[(&str, &str)]| {
        let output = studio.command(&["check"]).envs(env.iter().copied()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let host = format!("the webhook at https://127.0.0.1:{} cannot be reached", hook.port);
    let advice = "this system must trust who signed the certificate there";
    let checked = check(&studio, &[]);
    assert!(checked.contains(&host) && checked.contains(advice), "{checked}");

    studio.serve_with(&QUICK);
    studio.drop_file("status", "f.json", &invoice("F1", &[900]));
    let why = studio
        .wait("the webhook to be refused", || alerts(&studio)["webhook"]["trouble"]["why"].as_str().map(String::from));
    assert!(why.contains(&host) && why.contains(advice), "{why}");
    assert_eq!(hook.posted().len(), 0, "nothing is told to somebody who may be anybody");
    studio.stop();
    studio.serve_with(&trusting);
    wait_told(&studio, &hook, &["began job_failed"]);
    let trusted = check(&studio, &trusting);
    assert!(!trusted.contains("cannot be reached"), "{trusted}");
    studio.stop();
    for file in files(&studio.path("logs")) {
        let log = std::fs::read_to_string(studio.path(&format!("logs/{file}"))).unwrap();
        assert!(!log.contains("hook-secret"), "{file}");
    }
    assert!(!format!("{checked}{why}{trusted}").contains("hook-secret"));
}

#[test]
fn a_client_who_asks_for_a_new_link_is_heard() {
    let (server, hook) = (MailServer::start(), Hook::start());
    lets_in(&server);
    let mut studio = studio(&server.url(), &hook.url(), "disk_low: 1kB");
    let text = std::fs::read_to_string(studio.path("hotfolders.yaml")).unwrap();
    let linked = text.replace(
        "{ to: folder, path: \"print/{record}\", trigger: \"{record}.done\" }",
        "{ to: link, mail: none, pin: none }",
    );
    assert_ne!(linked, text);
    let downloads = "downloads: { listen: \"127.0.0.1:0\", public_url: \"https://photos.larson.example\" }\n";
    studio.write("hotfolders.yaml", (linked + downloads).as_bytes());
    studio.serve_with(&QUICK);
    studio.drop_file("status", "l.json", &invoice("L1", &[1]));
    let job = studio.wait_jobs("done", 1).remove(0);
    let names = files(&studio.path("spool/links"));
    let hash = names.iter().find_map(|name| name.strip_suffix(".json")).unwrap();
    let links = hotfolders::spool::links::Links::of_spool(&studio.path("spool"));
    links.ask(hash, jiff::Timestamp::UNIX_EPOCH).unwrap();
    wait_told(&studio, &hook, &["began link_asked"]);
    let alert = hook.posted().remove(0);
    assert!(alert["title"].as_str().unwrap().contains("L1") && !alert.to_string().contains("/d/"), "{alert}");
    // The link outlives the folder of its job. Failed jobs are looked at after it, so each of these is one look more.
    std::fs::rename(&job, studio.path("aside")).unwrap();
    for record in ["F1", "F2"] {
        studio.drop_file("status", &format!("{record}.json"), &invoice(record, &[900]));
        studio.wait("another look", || {
            hook.posted().iter().any(|alert| alert.to_string().contains(record)).then_some(())
        });
    }
    assert_eq!(hook.told(), ["began link_asked", "began job_failed", "began job_failed"]);
    links.answered(hash).unwrap();
    let all = ["began link_asked", "began job_failed", "began job_failed", "over link_asked"];
    wait_told(&studio, &hook, &all);
    assert_eq!(studio.stop(), Some(0));
    std::fs::rename(studio.path("aside"), &job).unwrap();
    studio.audit();
}

#[test]
fn a_printer_that_is_away_is_told_and_so_is_its_return() {
    let (server, hook) = (MailServer::start(), Hook::start());
    lets_in(&server);
    let mut studio = studio(&server.url(), &hook.url(), "disk_low: 1kB");
    let text = std::fs::read_to_string(studio.path("hotfolders.yaml")).unwrap();
    let printed = text
        .replace("{ to: folder, path: \"print/{record}\", trigger: \"{record}.done\" }", "{ to: print, printer: dnp }");
    assert_ne!(printed, text);
    let printers = "printers: { dnp: { folder: dnp, media: [8x10in] } }\n";
    studio.write("hotfolders.yaml", (printed + printers).as_bytes());
    studio.serve_with(&QUICK);
    studio.drop_file("status", "p.json", &invoice("P1", &[1]));
    let told = |event: &str| hook.told().iter().filter(|told| **told == format!("{event} printer")).count();
    studio.wait("the printer to be missed", || (told("began") == 1).then_some(()));
    std::fs::create_dir_all(studio.path("dnp")).unwrap();
    studio.wait("the printer to be back", || (told("over") == 1).then_some(()));
    studio.stop();
    assert_eq!((told("began"), told("over")), (1, 1));
}

#[test]
fn a_server_that_is_killed_at_each_mail_tells_an_alert_few_times() {
    let (server, hook) = (MailServer::start(), Hook::start());
    lets_in(&server);
    server.mood().stalls_at = Some("body".into());
    let mut studio = studio(&server.url(), &hook.url(), "disk_low: 1kB");
    std::fs::rename(studio.path("nas"), studio.path("away")).unwrap();
    for times in 1..=3 {
        studio.serve_with(&QUICK);
        if times == 1 {
            studio.drop_file("status", "a.json", &session("A1", &[1]));
        }
        studio.wait("the mail", || (server.received().len() == times).then_some(()));
        studio.kill();
    }
    studio.serve_with(&QUICK);
    // Of the last time that the server was killed.
    studio.wait("the next alert", || (server.received().len() == 4).then_some(()));
    assert_eq!(mailed(&server, "jobs wait for nas/web"), 3);
    server.mood().stalls_at = None;
    studio.stop();
}

/// What may have arrived is told with what is new, not without end, and keeps nothing back.
#[test]
fn a_mail_server_that_does_not_answer_for_what_it_takes_gets_an_alert_few_times() {
    let (server, hook) = (MailServer::start(), Hook::start());
    lets_in(&server);
    server.mood().hangs_up_at = Some("body".into());
    let mut studio = studio(&server.url(), &hook.url(), "disk_low: 1kB");
    studio.serve_with(&QUICK);
    studio.wait("the server", || studio.is_served().then_some(()));
    std::fs::rename(studio.path("nas"), studio.path("away")).unwrap();
    studio.drop_file("status", "a.json", &session("A1", &[1]));
    studio.wait("it to be given up", || {
        (server.received().len() >= 3 && alerts(&studio)["mail"]["undelivered"] == 0).then_some(())
    });
    let received = server.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|mail| mail.id() == received[0].id() && mail.text().contains("jobs wait for nas/web")));
    server.mood().hangs_up_at = None;
    std::fs::rename(studio.path("away"), studio.path("nas")).unwrap();
    studio.wait("the next alert", || (server.received().len() == 4).then_some(()));
    assert_ne!(server.received()[3].id(), received[0].id());
    studio.stop();
}
