//! Mails as a real server gets them, and what comes of a server that is in a mood.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use hotfolders::alert::{MailError, Message, MessageId, Patience, Terms, probe_mail, send_to_all, send_to_any};
use hotfolders::model::config::{Config, Mail, Security};
use jiff::Timestamp;

use super::smtp::{MailServer, Received, Tls, base64, own_certificate};

const TO: [&str; 2] = ["ada@client.example", "bob@client.example"];

fn settings(url: &str, more: &str) -> Mail {
    let text = format!("version: 1\nmail: {{ smtp: \"{url}\", from: studio@larson.example{more} }}\n");
    Config::parse(&text, &PathBuf::from("/studio/hotfolders.yaml")).unwrap().mail.unwrap()
}

fn with_message<T>(to: &[&str], send: impl Fn(&Message<'_>) -> T) -> T {
    let to: Vec<String> = to.iter().map(ToString::to_string).collect();
    let id = MessageId::of("one", "studio@larson.example");
    send(&Message {
        name: Some("Larson Porträts"),
        from: "studio@larson.example",
        reply_to: Some("ask@larson.example"),
        to: &to,
        subject: "Ihre Bilder \u{1F4F7}",
        text: "Grüße\n.\n.. von uns\n",
        html: "<p>Grüße</p>",
        id: &id,
        at: Timestamp::UNIX_EPOCH,
    })
}

fn to_all(mail: &Mail) -> Result<(), MailError> {
    with_message(&TO, |message| send_to_all(mail, message, &Terms::new(Patience::STANDARD)))
}

#[track_caller]
fn look_over(mail: &Received) {
    assert_eq!((mail.from.as_str(), mail.to.as_slice()), ("studio@larson.example", TO.map(String::from).as_slice()));
    let parsed = mail.parsed();
    assert_eq!(mail.subject(), "Ihre Bilder \u{1F4F7}");
    assert_eq!(mail.text(), "Grüße\n.\n.. von uns\n");
    assert_eq!(mail.html().trim(), "<p>Grüße</p>");
    let from = parsed.from().unwrap().first().unwrap();
    assert_eq!((from.name(), from.address()), (Some("Larson Porträts"), Some("studio@larson.example")));
    assert_eq!(parsed.reply_to().unwrap().first().unwrap().address(), Some("ask@larson.example"));
    assert_eq!(format!("<{}>", mail.id()), MessageId::of("one", "studio@larson.example").as_str());
    assert_eq!(parsed.date().unwrap().to_timestamp(), 0);
    assert!(mail.data.is_ascii(), "every server can take it");
}

#[test]
fn a_mail_arrives_as_it_was_meant() {
    let server = MailServer::start();
    to_all(&settings(&server.url(), "")).unwrap();
    let received = server.received();
    assert_eq!(received.len(), 1);
    look_over(&received[0]);
}

#[test]
fn with_tls_from_the_start_and_after_the_greeting_with_a_login() {
    let folder = tempfile::tempdir().unwrap();
    let password_file = folder.path().join("password");
    std::fs::write(&password_file, "pässword with a line end\n").unwrap();
    for tls in [Tls::AtOnce, Tls::AfterGreeting] {
        let server = MailServer::start_at(0, tls);
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, &server.ca).unwrap();
        server.mood().login = Some(("studio".into(), "pässword with a line end".into()));
        let login = format!(", user: studio, password_file: \"{}\"", password_file.display());
        let trusting = format!("{login}, ca_file: \"{}\"", ca.display());
        let make = |more: &str| {
            let mut mail = settings(&format!("smtps://localhost:{}", server.port), more);
            if tls == Tls::AfterGreeting {
                mail.smtp.security = Security::Starttls;
            }
            mail
        };
        let stranger = to_all(&make(&login)).unwrap_err();
        assert!(matches!(&stranger, MailError::NotNow(text) if text.contains("certificate")), "{stranger}");
        to_all(&make(&trusting)).unwrap();
        probe_mail(&make(&trusting)).unwrap();
        let received = server.received();
        assert_eq!(received.len(), 1);
        assert!(received[0].tls && received[0].user.as_deref() == Some("studio"));
        look_over(&received[0]);

        std::fs::write(&password_file, "wrong-secret").unwrap();
        for refused in [to_all(&make(&trusting)), probe_mail(&make(&trusting))] {
            let MailError::NotNow(text) = refused.unwrap_err() else { panic!("a wrong password can be mended") };
            // The server repeats what it was told.
            assert!(text.contains("535") && text.contains("password_file"), "{text}");
            assert!(!text.contains("wrong-secret") && !text.contains(&base64(b"\0studio\0wrong-secret")), "{text}");
        }
        std::fs::write(&password_file, "pässword with a line end\n").unwrap();
    }
}

#[test]
fn without_tls_nothing_is_said_to_another_machine() {
    let server = MailServer::start();
    server.mood().login = Some(("studio".into(), "secret".into()));
    let mut mail = settings(&server.url(), "");
    mail.smtp.security = Security::Starttls;
    let error = to_all(&mail).unwrap_err();
    assert!(matches!(&error, MailError::NotNow(text) if text.contains("offers no TLS")), "{error}");
    let said = server.said();
    assert!(said.iter().all(|line| line.starts_with("EHLO") || line == "QUIT"), "{said:?}");
}

#[test]
fn what_is_for_good_and_what_is_waited_out() {
    // What is answered by what, whether that is for good, and what is told.
    let cases = [
        ("greeting", "554 5.3.2 not today", false, "not today"),
        ("greeting", "421 too many", false, "too many"),
        ("EHLO", "550 who are you", false, "who are you"),
        ("MAIL", "550 5.7.1 not your address", false, "takes no mail from studio@larson.example"),
        (
            "RCPT ada@client.example",
            "550 5.1.1 no such user",
            true,
            "for ada@client.example: permanent error (550): 5.1.1 no such user",
        ),
        ("RCPT bob@client.example", "553 5.1.3 what is that", true, "bob@client.example"),
        ("RCPT bob@client.example", "452 4.2.2 mailbox full", false, "mailbox full"),
        ("RCPT ada@client.example", "530 5.7.0 log in first", false, "log in first"),
        // Said of us, wherever it is said.
        ("RCPT ada@client.example", "504 5.5.2 <studio-pc>: Helo command rejected", false, "look at `from`"),
        ("RCPT ada@client.example", "553 5.7.1 sender not owned by user", false, "that is said of us"),
        ("RCPT bob@client.example", "554 5.7.1 relay access denied", false, "relay access denied"),
        ("RCPT bob@client.example", "550 no such user", true, "no such user"),
        ("body", "554 5.2.252 SendAsDenied", false, "SendAsDenied"),
        ("body", "550 5.7.30 basic authentication is off", false, "basic authentication"),
        ("body", "550 5.4.5 daily limit exceeded", false, "daily limit"),
        ("body", "552 5.3.4 too large", true, "too large"),
        ("DATA", "451 4.3.0 later", false, "later"),
        ("DATA", "550 5.7.1 client host rejected", false, "that is said of us"),
        ("DATA", "554 no valid recipients", false, "no valid recipients"),
        ("MAIL", "354 go on", false, "unexpected answer"),
        ("RCPT ada@client.example", "354 go on", false, "unexpected answer"),
        ("body", "554 5.7.1 looks like spam", true, "refuses the mail: permanent error (554): 5.7.1 looks like spam"),
        ("body", "552 5.2.3 too large", true, "too large"),
        ("body", "452 4.3.1 disk full", false, "disk full"),
    ];
    let server = MailServer::start();
    let mail = settings(&server.url(), "");
    for (at, reply, for_good, told) in cases {
        server.mood().replies = [(at.to_string(), reply.to_string())].into();
        let error = to_all(&mail).unwrap_err();
        assert_eq!(
            matches!(error, MailError::Refused(_) | MailError::NoRecipient(_)),
            for_good,
            "{at} {reply}: {error}"
        );
        assert!(error.to_string().contains(told) && error.to_string().contains(&mail.smtp.written), "{error}");
    }
    server.mood().replies.clear();
    for at in ["greeting", "EHLO", "MAIL", "RCPT ada@client.example", "DATA"] {
        server.mood().hangs_up_at = Some(at.into());
        let error = to_all(&mail).unwrap_err();
        assert!(matches!(error, MailError::NotNow(_)), "{at}: {error}");
    }
    assert_eq!(server.received(), [], "nobody gets a mail that another does not get");
    server.mood().hangs_up_at = None;
    to_all(&mail).unwrap();
    assert_eq!(server.received().len(), 1);
    drop(server);
    assert!(matches!(to_all(&mail), Err(MailError::NotNow(text)) if text.contains("cannot be reached")));
}

#[test]
fn an_alert_reaches_those_who_can_be_reached() {
    let server = MailServer::start();
    let mail = settings(&server.url(), "");
    server.mood().replies = [("RCPT ada@client.example".to_string(), "550 gone".to_string())].into();
    let refused = with_message(&TO, |message| send_to_any(&mail, message, &Terms::new(Patience::STANDARD))).unwrap();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].0 == "ada@client.example" && refused[0].1.contains("gone"), "{refused:?}");
    assert_eq!(server.received()[0].to, ["bob@client.example"]);
    let none = with_message(&TO[..1], |message| send_to_any(&mail, message, &Terms::new(Patience::STANDARD)));
    assert!(matches!(none, Err(MailError::NoRecipient(_))));
}

#[test]
fn an_address_that_is_none_keeps_no_alert_from_the_others() {
    let server = MailServer::start();
    let mail = settings(&server.url(), "");
    let to = ["a@b..c", "bob@client.example"];
    let terms = Terms::new(Patience::STANDARD);
    let refused = with_message(&to, |message| send_to_any(&mail, message, &terms)).unwrap();
    assert!(refused.len() == 1 && refused[0].0 == "a@b..c", "{refused:?}");
    assert_eq!(server.received()[0].to, ["bob@client.example"]);
    let error = with_message(&to, |message| send_to_all(&mail, message, &terms)).unwrap_err();
    assert!(matches!(error, MailError::NoRecipient(_)), "a client's mail goes to all of them or to none");
    assert_eq!(server.received().len(), 1);
}

#[test]
fn a_sender_that_is_no_address_is_waited_for() {
    let server = MailServer::start();
    let mut mail = settings(&server.url(), "");
    mail.from = "a@b..c".into();
    let sent = with_message(&TO, |message| {
        send_to_all(&mail, &Message { from: &mail.from, ..message.clone() }, &Terms::new(Patience::STANDARD))
    });
    for error in [sent.unwrap_err(), probe_mail(&mail).unwrap_err()] {
        assert!(
            matches!(&error, MailError::NotNow(why) if why.contains("`from`") && why.contains("a@b..c")),
            "{error}"
        );
    }
}

#[test]
fn the_config_says_which_address_is_none() {
    for (at, sections) in [
        (
            "alerts.mail",
            "mail: { smtp: \"smtp://localhost\", from: s@x.example }\nalerts: { mail: [o@x.example, a@b..c] }",
        ),
        ("mail.from", "mail: { smtp: \"smtp://localhost\", from: a@b..c }"),
        ("studio.email", "studio: { email: a@b..c }"),
    ] {
        let text = format!("version: 1\n{sections}\n");
        let errors = Config::parse(&text, &PathBuf::from("/studio/hotfolders.yaml")).unwrap_err();
        let errors = format!("{errors:?}");
        assert!(errors.contains(at) && errors.contains("`a@b..c` is no mail address"), "{at}: {errors}");
    }
}

/// What a client's address holds is said to no server.
#[test]
fn no_command_can_be_smuggled_in() {
    let server = MailServer::start();
    let mail = settings(&server.url(), "");
    let hostile = "ada@client.example>\r\nRCPT TO:<all@evil.example";
    let error =
        with_message(&[hostile], |message| send_to_all(&mail, message, &Terms::new(Patience::STANDARD))).unwrap_err();
    assert!(matches!(&error, MailError::NoRecipient(text) if text.contains("is no mail address")), "{error}");
    assert_eq!((server.connections(), server.received().len()), (0, 0));
    // Letters outside of ASCII need a server that knows them; this one does not.
    let error =
        with_message(&["ädä@client.example"], |message| send_to_all(&mail, message, &Terms::new(Patience::STANDARD)))
            .unwrap_err();
    assert!(matches!(&error, MailError::NoRecipient(text) if text.contains("plain letters")), "{error}");
}

/// Of somebody who waits for nothing.
fn impatient() -> Patience {
    let short = Duration::from_millis(300);
    Patience { command: short, data: short, block: short, end: short, ..Patience::STANDARD }
}

fn with_patience(mail: &Mail, patience: Patience) -> Result<(), MailError> {
    with_message(&TO, |message| send_to_all(mail, message, &Terms::new(patience)))
}

#[test]
fn a_slow_server_has_the_time_that_the_standard_gives_it_and_no_more() {
    let standard = Patience::STANDARD;
    let minutes = |wait: Duration| wait.as_secs() / 60;
    assert_eq!([standard.command, standard.data, standard.block, standard.end].map(minutes), [5, 2, 3, 10]);

    let server = MailServer::start();
    let mail = settings(&server.url(), "");
    server.mood().delay = Duration::from_millis(100);
    with_patience(&mail, impatient()).unwrap();
    server.mood().delay = Duration::ZERO;
    for at in ["greeting", "EHLO", "MAIL", "RCPT ada@client.example", "DATA"] {
        server.mood().stalls_at = Some(at.into());
        let error = with_patience(&mail, impatient()).unwrap_err();
        server.mood().stalls_at = None;
        let text = error.to_string();
        assert!(matches!(error, MailError::NotNow(_)) && text.contains("does not answer within 0 s"), "{at}: {text}");
    }
    // Each byte comes in time, the mail does not.
    server.mood().drips = Duration::from_millis(20);
    let began = Instant::now();
    let patient = Patience { whole: Duration::from_millis(400), ..Patience::STANDARD };
    let error = with_patience(&mail, patient).unwrap_err();
    assert!(matches!(&error, MailError::NotNow(text) if text.contains("it is too slow")), "{error}");
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(server.received().len(), 1);
}

#[test]
fn a_mail_that_the_server_has_and_does_not_answer_for_is_in_doubt() {
    let server = MailServer::start();
    let mail = settings(&server.url(), "");
    server.mood().hangs_up_at = Some("body".into());
    let hung_up = to_all(&mail).unwrap_err();
    server.mood().hangs_up_at = None;
    server.mood().stalls_at = Some("body".into());
    let late = with_patience(&mail, impatient()).unwrap_err();
    server.mood().stalls_at = None;
    for (error, why) in [(hung_up, "it has hung up"), (late, "does not answer within")] {
        assert!(matches!(&error, MailError::InDoubt(text) if text.contains(why)), "{error}");
    }
    for nonsense in ["354 go on", "334 what"] {
        server.mood().replies = [("body".to_string(), nonsense.to_string())].into();
        let error = to_all(&mail).unwrap_err();
        assert!(matches!(&error, MailError::InDoubt(text) if text.contains("unexpected answer")), "{error}");
    }
    // An answer is an answer.
    server.mood().replies = [("body".to_string(), "451 4.3.0 later".to_string())].into();
    assert!(matches!(to_all(&mail), Err(MailError::NotNow(_))));
}

#[test]
fn a_mail_is_called_off_until_the_server_has_it_whole() {
    for (stage, is_called_off) in [("RCPT ada@client.example", true), ("body", false)] {
        let server = MailServer::start();
        let mail = settings(&server.url(), "");
        server.mood().stalls_at = Some(stage.into());
        let terms = Terms::new(Patience::STANDARD);
        let recall = terms.recall.clone();
        let sending = std::thread::spawn(move || with_message(&TO, |message| send_to_all(&mail, message, &terms)));
        while !server.has_stalled() {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(recall.call_off(), is_called_off, "{stage}");
        if !is_called_off {
            recall.give_up();
        }
        let began = Instant::now();
        let error = sending.join().unwrap().unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(2), "{stage}");
        assert_eq!(matches!(error, MailError::NotNow(_)), is_called_off, "{error}");
        assert_eq!(matches!(error, MailError::InDoubt(_)), !is_called_off, "{error}");
        server.mood().stalls_at = None;
    }
}

#[test]
fn the_servers_own_certificate_is_trusted_by_being_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (own, other) = (folder.path().join("own.pem"), folder.path().join("other.pem"));
    std::fs::write(&other, own_certificate("localhost").0).unwrap();
    for name in ["localhost", "nas.local"] {
        let server = MailServer::start_with(0, Tls::AtOnce, Some(own_certificate(name)));
        std::fs::write(&own, &server.ca).unwrap();
        let trusting = |file: &std::path::Path| {
            let more = format!(", ca_file: \"{}\"", file.display());
            settings(&format!("smtps://localhost:{}", server.port), &more)
        };
        to_all(&trusting(&own)).unwrap();
        assert!(server.received()[0].tls);
        let error = to_all(&trusting(&other)).unwrap_err();
        assert!(matches!(&error, MailError::NotNow(text) if text.contains("`ca_file`")), "{error}");
    }
    std::fs::write(&own, "no certificate").unwrap();
    let error = to_all(&settings("smtps://localhost:1", &format!(", ca_file: \"{}\"", own.display()))).unwrap_err();
    assert!(error.to_string().contains("holds no certificate"), "{error}");
}

#[test]
fn a_domain_with_other_letters_goes_out_in_its_plain_form() {
    let server = MailServer::start();
    let mail = settings(&server.url(), "");
    with_message(&["info@müller.example"], |message| send_to_all(&mail, message, &Terms::new(Patience::STANDARD)))
        .unwrap();
    let received = server.received();
    assert_eq!(received[0].to, ["info@xn--mller-kva.example"]);
    assert!(received[0].data.is_ascii() && received[0].data.contains("To: info@xn--mller-kva.example"));
    let error = with_message(&["jörg@müller.example"], |message| {
        send_to_all(&mail, message, &Terms::new(Patience::STANDARD))
    });
    assert!(matches!(error, Err(MailError::NoRecipient(text)) if text.contains("before the @")));
}

#[test]
fn an_address_that_cannot_be_found_keeps_no_alert_from_the_others() {
    let server = MailServer::start();
    let mail = settings(&server.url(), "");
    let reply = "450 4.1.2 Recipient address rejected: Domain not found".to_string();
    server.mood().replies = [("RCPT ada@client.example".to_string(), reply)].into();
    let terms = Terms::new(Patience::STANDARD);
    let refused = with_message(&TO, |message| send_to_any(&mail, message, &terms)).unwrap();
    assert!(refused.len() == 1 && refused[0].1.contains("Domain not found"), "{refused:?}");
    assert_eq!(server.received()[0].to, ["bob@client.example"]);
    let error = to_all(&mail).unwrap_err();
    assert!(matches!(&error, MailError::NotNowFor { to, .. } if to == "ada@client.example"), "{error}");
    assert_eq!(server.received().len(), 1, "a client's mail goes to all of them or to none");
}

#[test]
fn we_introduce_ourselves_by_a_full_name_or_an_address() {
    let server = MailServer::start();
    to_all(&settings(&server.url(), "")).unwrap();
    to_all(&settings(&server.url(), ", hello: print.larson.example")).unwrap();
    let names: Vec<String> =
        server.said().iter().filter_map(|line| line.strip_prefix("EHLO ").map(str::to_string)).collect();
    assert!(names[0] == "[127.0.0.1]" || names[0].contains('.'), "{names:?}");
    assert_eq!(names[1], "print.larson.example");
}

#[test]
fn a_look_at_the_server_says_what_it_has_against_us() {
    let server = MailServer::start();
    let mail = settings(&server.url(), "");
    for (at, reply, is_fine) in [
        ("EHLO", "550 who are you", false),
        ("MAIL", "553 5.7.1 not your address", false),
        ("RCPT studio@larson.example", "504 5.5.2 <studio-pc>: Helo command rejected", false),
        // Nobody has to have that address, and greylisting is no trouble.
        ("RCPT studio@larson.example", "550 5.1.1 no such user", true),
        ("RCPT studio@larson.example", "451 4.7.1 come again", true),
    ] {
        server.mood().replies = [(at.to_string(), reply.to_string())].into();
        let looked = probe_mail(&mail);
        assert_eq!(looked.is_ok(), is_fine, "{at} {reply}: {looked:?}");
        if let Err(error) = looked {
            assert!(error.to_string().contains(&reply[4..]), "{error}");
        }
    }
    server.mood().replies.clear();
    probe_mail(&mail).unwrap();
    assert!(server.received().is_empty() && !server.said().iter().any(|line| line == "DATA"));
}
