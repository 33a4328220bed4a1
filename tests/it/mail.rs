//! Mails as a real server gets them, and what comes of a server that is in a mood.

use std::path::PathBuf;

use hotfolders::alert::{MailError, Message, MessageId, probe_mail, send_to_all, send_to_any};
use hotfolders::model::config::{Config, Mail, Security};
use jiff::Timestamp;

use super::smtp::{MailServer, Received, Tls, base64};

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
    with_message(&TO, |message| send_to_all(mail, message))
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
        ("DATA", "451 4.3.0 later", false, "later"),
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
    let refused = with_message(&TO, |message| send_to_any(&mail, message)).unwrap();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].0 == "ada@client.example" && refused[0].1.contains("gone"), "{refused:?}");
    assert_eq!(server.received()[0].to, ["bob@client.example"]);
    let none = with_message(&TO[..1], |message| send_to_any(&mail, message));
    assert!(matches!(none, Err(MailError::NoRecipient(_))));
}

/// What a client's address holds is said to no server.
#[test]
fn no_command_can_be_smuggled_in() {
    let server = MailServer::start();
    let mail = settings(&server.url(), "");
    let hostile = "ada@client.example>\r\nRCPT TO:<all@evil.example";
    let error = with_message(&[hostile], |message| send_to_all(&mail, message)).unwrap_err();
    assert!(matches!(&error, MailError::NoRecipient(text) if text.contains("is no mail address")), "{error}");
    assert_eq!((server.connections(), server.received().len()), (0, 0));
    // Letters outside of ASCII need a server that knows them; this one does not.
    let error = with_message(&["ädä@client.example"], |message| send_to_all(&mail, message)).unwrap_err();
    assert!(matches!(&error, MailError::NoRecipient(text) if text.contains("plain letters")), "{error}");
}
