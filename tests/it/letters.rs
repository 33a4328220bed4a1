//! The mail with a link: what the client reads, and that it comes once.

use std::path::{Path, PathBuf};

use hotfolders::spool::job::JobId;
use hotfolders::spool::queue::{Located, State};
use hotfolders::worker::letter::mail_again;
use serde_json::Value;

use super::smtp::{MailServer, Received, Tls};
use super::studio::{CONFIG, Studio, files};

/// Paid invoices get a link with what was ordered.
fn config(mail: &str, delivery: &str) -> String {
    let config = CONFIG.replacen(
        "profiles:\n",
        "profiles:\n  linked: { images: ordered, per: image, size: 48px, name: \"{number}\" }\n",
        1,
    );
    format!(
        "{config}  - {{ name: paid, when: {{ kind: invoice, status: paid }}, run: [linked], deliver: [ {{ to: link, {delivery} }} ] }}\n\
         downloads: {{ listen: \"127.0.0.1:0\", public_url: \"https://photos.larson.example\" }}\n\
         mail: {{ smtp: \"{mail}\", from: studio@larson.example }}\n\
         server: {{ log: {{ level: trace }} }}\n"
    )
    .replacen("time_zone:", "email: ask@larson.example, time_zone:", 1)
}

fn studio(mail: &str, delivery: &str) -> Studio {
    let studio = Studio::new();
    studio.write("hotfolders.yaml", config(mail, delivery).as_bytes());
    studio
}

fn paid(record: &str, client: &Value) -> String {
    serde_json::json!({
        "manifest": 1, "kind": "invoice", "record": record, "status": "paid", "session": "S1", "client": client,
        "lines": [ { "line": 1, "item": "X", "image": 1 }, { "line": 2, "item": "X", "image": 2 } ],
    })
    .to_string()
}

fn ada() -> Value {
    serde_json::json!({ "first": "Ada", "last": "Byron", "email": "ada@client.example", "language": "de" })
}

fn link_of(studio: &Studio, job: &Path) -> Value {
    studio.receipt(job)["links"][0].clone()
}

fn id_of(job: &Path) -> String {
    job.file_name().unwrap().to_str().unwrap().to_string()
}

fn log(studio: &Studio) -> String {
    let folder = studio.path("logs");
    files(&folder).iter().map(|file| std::fs::read_to_string(folder.join(file)).unwrap()).collect()
}

fn waits_for_mail(studio: &Studio, server: &str) {
    studio.wait("the job to wait for the mail server", || {
        let status = studio.run(&["status", "--json"]).expect(0).json();
        let place = &status["places"][0];
        (place["place"] == server && place["why"].is_string()).then_some(())
    });
}

#[test]
fn the_client_gets_the_link_in_their_language_and_never_the_pin() {
    let server = MailServer::start();
    let mut studio = studio(&server.url(), "expires: 30d, mail: client");
    studio.serve();
    studio.drop_file("status", "a.json", &paid("A1", &ada()));
    let job = studio.wait_jobs("done", 1).remove(0);
    let link = link_of(&studio, &job);
    let (url, pin) = (link["url"].as_str().unwrap(), link["pin"].as_str().unwrap());
    let received = server.received();
    assert_eq!(received.len(), 1);
    let mail = &received[0];
    assert_eq!(mail.to, ["ada@client.example"]);
    assert_eq!(mail.subject(), "Ihre Bilder von Larson Portraits");
    let text = mail.text();
    let expires: jiff::Timestamp = link["expires"].as_str().unwrap().parse().unwrap();
    let until = expires.to_zoned(jiff::tz::TimeZone::get("America/Chicago").unwrap());
    let day = format!("{}. ", until.day());
    for part in ["Guten Tag Ada,", "(2)", url, &day, &until.year().to_string(), "PIN", "Larson Portraits"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(mail.html().contains(&format!("<a href=\"{url}\">")));
    assert!(
        !text.contains(pin) && !mail.html().contains(pin) && !mail.subject().contains(url),
        "the PIN is told otherwise"
    );
    assert_eq!(mail.parsed().reply_to().unwrap().first().unwrap().address(), Some("ask@larson.example"));
    assert_eq!(link["mail"]["to"], serde_json::json!(["ada@client.example"]));
    assert_eq!(link["mail"]["message_id"], format!("<{}>", mail.id()));
    assert!(link["mail"]["sent"].is_string());

    // Once more, on purpose, and to somebody else.
    let loaded = hotfolders::model::config::Config::parse(
        &std::fs::read_to_string(studio.path("hotfolders.yaml")).unwrap(),
        &studio.path("hotfolders.yaml"),
    );
    let located = Located { id: JobId::parse(&id_of(&job)).unwrap(), state: State::Done, folder: job.clone() };
    let step = hotfolders::plan::StepId(link["step"].as_str().unwrap().into());
    let bob = ["bob@client.example".to_string()];
    assert_eq!(mail_again(&loaded.unwrap(), &located, &step, &bob).unwrap(), bob);
    let again = server.received().remove(1);
    assert!(again.to == bob && again.text() == text && again.id() != mail.id());

    studio.stop();
    let log = log(&studio);
    let token = url.rsplit('/').next().unwrap();
    assert!(token.len() > 40 && log.contains("finished"));
    assert!(!log.contains(token) && !log.contains(&format!("\"{pin}\"")), "no secret is in the log");
    studio.audit();
}

#[test]
fn a_mail_server_that_is_down_is_waited_out_and_one_mail_comes() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("smtp://127.0.0.1:{port}");
    let mut studio = studio(&url, "pin: none, mail: [ada@client.example, desk@larson.example]");
    studio.serve();
    studio.drop_file("status", "a.json", &paid("A1", &ada()));
    studio.drop_file("status", "s.json", &super::studio::session("S1", &[1]));
    // The other job does not wait for it.
    studio.wait_jobs("done", 1);
    waits_for_mail(&studio, &url);
    assert_eq!(studio.jobs("failed").len(), 0);
    studio.kill();
    studio.serve();
    waits_for_mail(&studio, &url);
    let server = MailServer::start_at(port, Tls::None);
    server.mood().greylists = 1;
    studio.wait_jobs("done", 2);
    let received = server.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].to, ["ada@client.example", "desk@larson.example"]);
    assert!(!received[0].text().contains("PIN"));
    assert!(server.connections() > 1, "it was told to come again");
    studio.stop();
    assert_eq!(server.received().len(), 1);
    studio.audit();
}

#[test]
fn what_the_server_refuses_fails_the_mail_and_a_retry_sends_it() {
    let server = MailServer::start();
    let mut studio = studio(&server.url(), "mail: client");
    server.mood().replies =
        [("RCPT ada@client.example".to_string(), "550 5.1.1 nobody of that name".to_string())].into();
    studio.serve();
    studio.drop_file("status", "a.json", &paid("A1", &ada()));
    let job = studio.wait_jobs("failed", 1).remove(0);
    let receipt = studio.receipt(&job);
    assert_eq!(receipt["errors"][0]["code"], "mail_refused");
    let text = receipt["errors"][0]["text"].as_str().unwrap();
    assert!(text.contains("ada@client.example") && text.contains("nobody of that name"), "{text}");
    assert!(receipt["links"][0]["url"].is_string() && receipt["links"][0]["mail"]["sent"].is_null());
    let url = receipt["links"][0]["url"].clone();
    server.mood().replies.clear();
    studio.run(&["jobs", "retry", &id_of(&job)]).expect(0);
    let job = studio.wait_jobs("done", 1).remove(0);
    assert_eq!(server.received().len(), 1);
    let link = link_of(&studio, &job);
    assert!(link["url"] == url && link["mail"]["sent"].is_string());
    studio.stop();
    studio.audit();
}

#[test]
fn a_mail_that_waits_does_not_tell_of_a_link_that_was_revoked_meanwhile() {
    let server = MailServer::start();
    let mut studio = studio(&server.url(), "mail: client");
    server.mood().replies = [("MAIL".to_string(), "451 come again".to_string())].into();
    studio.serve();
    studio.drop_file("status", "a.json", &paid("A1", &ada()));
    waits_for_mail(&studio, &server.url());
    studio.stop();
    studio.run(&["links", "revoke", "A1"]).expect(0);
    server.mood().replies.clear();
    studio.serve();
    let job = studio.wait_jobs("failed", 1).remove(0);
    assert_eq!(studio.receipt(&job)["errors"][0]["code"], "link_closed");
    assert!(server.received().is_empty());
    studio.run(&["links", "renew", "A1"]).expect(0);
    studio.run(&["jobs", "retry", "A1"]).expect(0);
    let job = studio.wait_jobs("done", 1).remove(0);
    studio.stop();
    let mails = server.received();
    assert!(mails.len() == 1 && mails[0].text().contains(link_of(&studio, &job)["url"].as_str().unwrap()));
    studio.audit();
}

#[test]
fn a_client_without_an_address_is_asked_about_beforehand() {
    let server = MailServer::start();
    let mut studio = studio(&server.url(), "mail: client");
    studio.serve();
    studio.drop_file("status", "a.json", &paid("A1", &serde_json::json!({ "first": "Ada" })));
    studio.drop_file("status", "b.json", &paid("B1", &serde_json::json!({ "email": "call me" })));
    let held = studio.wait_jobs("held", 2);
    for (job, why) in held.iter().zip(["has no mail address", "`call me` is no mail address"]) {
        let questions = studio.json(&job.join("questions.json"));
        assert_eq!(questions[0]["code"], "no_email");
        assert!(questions[0]["text"].as_str().unwrap().contains(why), "{questions}");
        studio.run(&["jobs", "release", &id_of(job)]).expect(0);
    }
    for job in studio.wait_jobs("done", 2) {
        let link = link_of(&studio, &job);
        assert!(link["url"].is_string() && link["mail"].is_null());
        assert_eq!(studio.receipt(&job)["warnings"][0]["code"], "no_email");
    }
    studio.stop();
    assert_eq!(server.connections(), 0);
    studio.audit();
}

/// Killed while the server waits with its answer: before it has the mail, with the mail in its hands, after its answer.
#[test]
fn cut_off_anywhere_the_same_mail_comes_and_no_other() {
    for (stage, may_have_arrived) in
        [("greeting", false), ("RCPT ada@client.example", false), ("body", true), ("QUIT", true)]
    {
        let server = MailServer::start();
        server.mood().stalls_at = Some(stage.into());
        let mut studio = studio(&server.url(), "mail: client");
        studio.serve();
        studio.drop_file("status", "a.json", &paid("A1", &ada()));
        studio.wait(stage, || server.has_stalled().then_some(()));
        studio.kill();
        server.mood().stalls_at = None;
        // One that may have arrived rests, however often the server is started.
        for _ in 0..if may_have_arrived { 2 } else { 0 } {
            studio.serve_with(&QUICK[..1]);
            studio.wait("it to rest", || place(&studio).1.contains("may have arrived").then_some(()));
            studio.kill();
            assert_eq!(server.received().len(), 1, "{stage}");
        }
        studio.serve_with(if may_have_arrived { &QUICK } else { &QUICK[..1] });
        let job = studio.wait_jobs("done", 1).remove(0);
        studio.stop();
        let received = server.received();
        assert_eq!(received.len(), if may_have_arrived { 2 } else { 1 }, "{stage}");
        assert!(
            received.iter().all(|mail| mail.id() == received[0].id() && mail.text() == received[0].text()),
            "{stage}"
        );
        assert_eq!(link_of(&studio, &job)["mail"]["message_id"], format!("<{}>", received[0].id()));
        studio.audit();
    }
}

#[test]
fn a_server_that_is_killed_at_each_mail_asks_in_the_end() {
    let server = MailServer::start();
    server.mood().stalls_at = Some("body".into());
    let mut studio = studio(&server.url(), "mail: client");
    for times in 1..=3 {
        studio.serve_with(&QUICK);
        if times == 1 {
            studio.drop_file("status", "a.json", &paid("A1", &ada()));
        }
        studio.wait("the mail", || (server.received().len() == times).then_some(()));
        studio.kill();
    }
    studio.serve_with(&QUICK);
    let held = studio.wait_jobs("held", 1).remove(0);
    assert_eq!(studio.json(&held.join("questions.json"))[0]["code"], "mail");
    assert_eq!(server.received().len(), 3);
    server.mood().stalls_at = None;
    studio.run(&["jobs", "answer", "A1", "--done"]).expect(0);
    studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(server.received().len(), 3);
    studio.audit();
}

#[test]
fn an_answer_after_the_whole_mail_leaves_no_doubt() {
    let server = MailServer::start();
    server.mood().replies = [("body".to_string(), "451 4.3.0 later".to_string())].into();
    let mut studio = studio(&server.url(), "mail: client");
    studio.serve_with(&QUICK[..1]);
    studio.drop_file("status", "a.json", &paid("A1", &ada()));
    studio.wait("some tries", || (server.connections() > 4).then_some(()));
    server.mood().replies.clear();
    studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(server.received().len(), 1);
    studio.audit();
}

#[test]
fn the_studio_writes_in_its_own_words_and_a_broken_template_is_waited_out() {
    let server = MailServer::start();
    let mut studio = studio(&server.url(), "mail: client, pin: none");
    let text = std::fs::read_to_string(studio.path("hotfolders.yaml")).unwrap();
    let text = text.replace("from: studio@larson.example", "from: studio@larson.example, template: words/link.txt");
    studio.write("hotfolders.yaml", text.as_bytes());
    studio.write("words/link.txt", "Subject: Auftrag {record}\n\nLiebe {client.first},\n{lnk}\n".as_bytes());
    let checked = studio.run(&["check"]).expect(1).out;
    assert!(checked.contains("`{lnk}` is no token") && checked.contains("did you mean `link`"), "{checked}");
    studio.serve();
    studio.drop_file("status", "a.json", &paid("A1", &ada()));
    studio.wait("the template to be waited for", || {
        let status = studio.run(&["status", "--json"]).expect(0).json();
        let place = PathBuf::from(status["places"][0]["place"].as_str().unwrap_or_default());
        place.ends_with("words/link.txt").then_some(())
    });
    assert_eq!(server.received().len(), 0);
    studio.write("words/link.txt", "Subject: Auftrag {record}\n\nLiebe {client.first},\n<{link}>\n".as_bytes());
    studio.run(&["check"]).expect(0);
    let job = studio.wait_jobs("done", 1).remove(0);
    let url = link_of(&studio, &job)["url"].as_str().unwrap().to_string();
    let subjects: Vec<String> = server.received().iter().map(Received::subject).collect();
    assert_eq!(subjects, ["Auftrag A1"]);
    assert_eq!(server.received()[0].text(), format!("Liebe Ada,\n<{url}>\n"));
    studio.stop();
    studio.audit();
}

/// What is tried again is tried soon, and so is a mail that may have arrived.
const QUICK: [(&str, &str); 2] = [("HOTFOLDERS_RETRY_MS", "50"), ("HOTFOLDERS_MAIL_REST_MS", "200")];

fn place(studio: &Studio) -> (String, String) {
    let status = studio.run(&["status", "--json"]).expect(0).json();
    let text = |key: &str| status["places"][0][key].as_str().unwrap_or_default().to_string();
    (text("place"), text("why"))
}

#[test]
fn a_mail_that_may_have_arrived_comes_few_times_and_then_a_person_is_asked() {
    let server = MailServer::start();
    server.mood().hangs_up_at = Some("body".into());
    let mut studio = studio(&server.url(), "mail: client");
    let quick = [QUICK[0], ("HOTFOLDERS_MAIL_REST_MS", "700")];
    studio.serve_with(&quick);
    studio.drop_file("status", "a.json", &paid("A1", &ada()));
    studio.wait("two mails to be noted as in doubt", || {
        let job = studio.jobs("processing").pop()?;
        let journal = std::fs::read_to_string(job.join("journal.jsonl")).ok()?;
        (journal.matches("doubted").count() == 2).then_some(())
    });
    studio.kill();
    studio.serve_with(&quick);
    let asks = |times: usize| {
        let held = studio.wait_jobs("held", 1).remove(0);
        assert_eq!(server.received().len(), times);
        let questions = studio.json(&held.join("questions.json"));
        assert_eq!(questions[0]["code"], "mail");
        let text = questions[0]["text"].as_str().unwrap();
        assert!(text.contains("ada@client.example") && text.contains(&format!("{times} times")), "{text}");
        let shown = studio.run(&["jobs", "release", &id_of(&held)]);
        assert!(shown.code != Some(0), "a release says too little");
    };
    asks(3);
    studio.run(&["jobs", "answer", "A1", "--again"]).expect(0);
    studio.wait("the fourth mail", || (server.received().len() == 4).then_some(()));
    asks(4);
    studio.run(&["jobs", "answer", "A1", "--done"]).expect(0);
    let job = studio.wait_jobs("done", 1).remove(0);
    studio.stop();
    let received = server.received();
    assert_eq!(received.len(), 4);
    assert!(received.iter().all(|mail| mail.id() == received[0].id()), "a mail program shows them as one");
    assert!(link_of(&studio, &job)["mail"]["sent"].is_string());
    studio.audit();
}

#[test]
fn a_mail_that_may_have_arrived_rests_and_others_go_out() {
    let server = MailServer::start();
    server.mood().hangs_up_at = Some("body".into());
    let mut studio = studio(&server.url(), "mail: client");
    studio.serve_with(&QUICK[..1]);
    studio.drop_file("status", "a.json", &paid("A1", &ada()));
    let rests = || {
        studio.wait("the mail to rest", || {
            let (place, why) = place(&studio);
            let is_its_own = place == format!("{} for ada@client.example", server.url());
            (is_its_own && why.contains("may have arrived") && why.contains("sent again")).then_some(())
        });
    };
    rests();
    server.mood().hangs_up_at = None;
    studio.drop_file("status", "b.json", &paid("B1", &serde_json::json!({ "email": "bob@client.example" })));
    studio.wait_jobs("done", 1);
    studio.stop();
    studio.serve_with(&QUICK[..1]);
    let rests = || studio.wait("it to rest again", || place(&studio).1.contains("may have arrived").then_some(()));
    rests();
    std::thread::sleep(std::time::Duration::from_millis(500));
    studio.stop();
    let to: Vec<String> = server.received().iter().flat_map(|mail| mail.to.clone()).collect();
    assert_eq!(to, ["ada@client.example", "bob@client.example"]);
    studio.audit();
}

#[test]
fn a_slow_mail_server_keeps_neither_jobs_nor_a_stop_waiting() {
    let server = MailServer::start();
    server.mood().stalls_at = Some("RCPT ada@client.example".into());
    let mut studio = studio(&server.url(), "mail: client");
    let text = std::fs::read_to_string(studio.path("hotfolders.yaml")).unwrap();
    studio.write("hotfolders.yaml", text.replace("server: {", "server: { max_jobs: 1,").as_bytes());
    studio.serve();
    studio.drop_file("status", "a.json", &paid("A1", &ada()));
    studio.drop_file("status", "b.json", &paid("B1", &ada()));
    studio.wait("both to wait for the server", || (server.connections() == 2).then_some(()));
    studio.drop_file("status", "s.json", &super::studio::session("S1", &[1]));
    studio.wait_jobs("done", 1);
    let began = std::time::Instant::now();
    assert_eq!(studio.stop(), Some(0));
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
    server.mood().stalls_at = None;
    studio.serve();
    studio.wait_jobs("done", 3);
    studio.stop();
    assert_eq!(server.received().len(), 2, "what was called off came once");
    studio.audit();
}

#[test]
fn an_address_that_the_server_cannot_find_is_told_as_one() {
    let server = MailServer::start();
    let reply = "450 4.1.2 Recipient address rejected: Domain not found".to_string();
    server.mood().replies = [("RCPT ada@client.example".to_string(), reply)].into();
    let mut studio = studio(&server.url(), "mail: client");
    studio.serve_with(&QUICK);
    studio.drop_file("status", "a.json", &paid("A1", &ada()));
    studio.wait("the address to be named", || {
        let (place, why) = place(&studio);
        let is_named = place == "mail address ada@client.example" && why.contains("may be mistyped");
        (is_named && why.contains("hotfolders links mail A1 --to ADDRESS")).then_some(())
    });
    studio.drop_file("status", "b.json", &paid("B1", &serde_json::json!({ "email": "bob@client.example" })));
    studio.wait_jobs("done", 1);
    server.mood().replies.clear();
    studio.wait_jobs("done", 2);
    studio.stop();
    assert_eq!(server.received().len(), 2);
    studio.audit();
}

#[test]
fn what_the_server_has_against_the_studio_fails_no_job() {
    let server = MailServer::start();
    let reply = "504 5.5.2 <studio-pc>: Helo command rejected: need fully-qualified hostname".to_string();
    server.mood().replies = [("RCPT ada@client.example".to_string(), reply)].into();
    let mut studio = studio(&server.url(), "mail: client");
    studio.serve();
    studio.drop_file("status", "a.json", &paid("A1", &ada()));
    waits_for_mail(&studio, &server.url());
    assert!(place(&studio).1.contains("that is said of us"), "{}", place(&studio).1);
    server.mood().replies.clear();
    studio.wait_jobs("done", 1);
    studio.stop();
    studio.audit();
}

#[test]
fn a_stop_before_the_servers_answer_leaves_a_mail_that_may_have_arrived() {
    let server = MailServer::start();
    server.mood().stalls_at = Some("body".into());
    let mut studio = studio(&server.url(), "mail: client");
    let quick = [QUICK[0], ("HOTFOLDERS_DRAIN_MS", "300")];
    studio.serve_with(&quick);
    studio.drop_file("status", "a.json", &paid("A1", &ada()));
    studio.wait("the mail to be there", || server.has_stalled().then_some(()));
    let began = std::time::Instant::now();
    assert_eq!(studio.stop(), Some(0));
    assert!(began.elapsed() < std::time::Duration::from_secs(8), "{:?}", began.elapsed());
    server.mood().stalls_at = None;
    studio.serve_with(&quick);
    studio.wait("it to rest", || place(&studio).1.contains("may have arrived").then_some(()));
    // It is given up; the link is not, and can be mailed by hand.
    studio.run(&["jobs", "cancel", "A1"]).expect(0);
    let job = studio.wait_jobs("done", 1).remove(0);
    assert_eq!(studio.receipt(&job)["result"], "cancelled");
    studio.run(&["links", "mail", "A1", "--to", "bob@client.example"]).expect(0);
    studio.stop();
    let to: Vec<String> = server.received().iter().flat_map(|mail| mail.to.clone()).collect();
    assert_eq!(to, ["ada@client.example", "bob@client.example"]);
    studio.audit();
}

#[test]
fn the_sheets_of_a_job_do_not_wait_for_its_mail() {
    let server = MailServer::start();
    server.mood().stalls_at = Some("RCPT ada@client.example".into());
    let delivers = "    deliver: [ { to: folder, path: \"print/{record}\", trigger: \"{record}.done\" } ]\n";
    let prints = "    deliver: [ { to: print, printer: dnp }, { to: link, mail: client } ]\n";
    let config = CONFIG.replace(delivers, prints);
    assert_ne!(config, CONFIG);
    let mut studio = Studio::new();
    let more = format!(
        "printers: {{ dnp: {{ folder: dnp, media: [8x10in] }} }}\n\
         downloads: {{ listen: \"127.0.0.1:0\", public_url: \"https://photos.larson.example\" }}\n\
         mail: {{ smtp: \"{}\", from: studio@larson.example }}\n",
        server.url()
    );
    studio.write("hotfolders.yaml", format!("{config}{more}").as_bytes());
    std::fs::create_dir_all(studio.path("dnp")).unwrap();
    studio.serve();
    let mut order: Value = serde_json::from_str(&super::studio::invoice("9", &[1])).unwrap();
    order["client"] = ada();
    studio.drop_file("status", "a.json", &order.to_string());
    studio.wait("the mail server to hear of the mail", || server.has_stalled().then_some(()));
    studio.wait("the sheet", || (files(&studio.path("dnp")).len() == 1).then_some(()));
    assert_eq!(studio.jobs("done").len(), 0);
    server.mood().stalls_at = None;
    let job = studio.wait_jobs("done", 1).remove(0);
    studio.stop();
    assert!(link_of(&studio, &job)["mail"]["sent"].is_string() && server.received().len() == 1);
    studio.audit();
}
