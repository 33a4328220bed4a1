//! A client asks for another link, and somebody in the studio answers on the dashboard.

use std::net::SocketAddr;

use serde_json::Value;

use super::downloads::{Served, form};
use super::http::{Answer, free_address, get, send, try_send};
use super::links::{config, link, paid};
use super::smtp::MailServer;
use super::studio::Studio;

/// A studio with a dashboard, download pages, and a mail server.
struct Desk {
    served: Served,
    dashboard: SocketAddr,
    mails: MailServer,
}

fn desk(options: &str) -> Desk {
    let (at, dashboard, mails) = (free_address(), free_address(), MailServer::start());
    let text = config(options).replace("127.0.0.1:0", &at.to_string());
    let mut studio = Studio::bare(&format!(
        "{text}mail: {{ smtp: \"{}\", from: studio@larson.example }}\nserver: {{ listen: \"{dashboard}\" }}\n",
        mails.url()
    ));
    studio.write("release.txt", b"You may print these.\n");
    for number in 1..=3 {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 90, 60);
    }
    studio.serve();
    let client = r#"{"client":{"first":"Ada","last":"Larson","email":"ada@client.example"},"#;
    studio.drop_file("status", "i.json", &paid("1042", &[1, 2]).replacen('{', client, 1));
    let job = studio.wait_jobs("done", 1).remove(0);
    for door in [at, dashboard] {
        studio.wait("the pages", || try_send(door, "GET", "/", &[], b"").ok());
    }
    Desk { served: Served::of(studio, at, job), dashboard, mails }
}

impl Desk {
    fn link(&self) -> Value {
        link(&self.served.studio, self.served.job())
    }

    /// The client presses the button of the closed page.
    fn ask(&self) {
        let token = self.served.page.strip_prefix("/d/").unwrap();
        assert_eq!(form(self.served.at, "/ask", &format!("token={token}")).status, 200);
    }

    /// What the queue says of clients who ask.
    fn asked(&self) -> String {
        let page = get(self.dashboard, "/").text();
        let from = page.find("id=\"asked\"").unwrap();
        page[from..from + page[from..].find("id=\"running\"").unwrap()].to_string()
    }

    fn job_page(&self) -> String {
        get(self.dashboard, &format!("/jobs/{}", self.job())).text()
    }

    fn job(&self) -> String {
        self.served.job().file_name().unwrap().to_str().unwrap().to_string()
    }

    fn hash(&self) -> String {
        hotfolders::model::token::Token::of_url(self.link()["url"].as_str().unwrap()).unwrap().hash()
    }

    /// A button of a link, and the page that comes after it.
    fn press(&self, action: &str, fields: &str) -> String {
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
        let path = format!("/links/{}/{action}", self.hash());
        let answer: Answer = send(self.dashboard, "POST", &path, &headers, fields.as_bytes());
        assert_eq!(answer.status, 303, "{}", answer.text());
        get(self.dashboard, answer.header("location").unwrap()).text()
    }
}

#[test]
fn a_client_whose_link_has_expired_gets_another_one_from_the_queue() {
    let desk = desk("mail: none");
    assert!(!desk.asked().contains("Ada Larson"));
    desk.served.change_record(|record| record["expires"] = "2020-01-02T15:04:05Z".into());
    desk.ask();
    let asked = desk.asked();
    for part in [
        "Invoice 1042",
        "Ada Larson",
        "has expired on 2 January 2020, 09:04",
        "ada@client.example",
        "Renew and mail",
        &desk.job(),
    ] {
        assert!(asked.contains(part), "{part} is not in {asked}");
    }
    let page = desk.job_page();
    assert!(page.contains("Somebody has asked for a new link") && page.contains("Renew and mail"), "{page}");
    let before = desk.link();
    let page = desk.press("renew_and_mail", "to=ada%40client.example&from=queue");
    let after = desk.link();
    let (url, pin) = (after["url"].as_str().unwrap(), after["pin"].as_str().unwrap());
    assert!(
        before["url"] != after["url"] && page.contains(url) && page.contains("mailed to ada@client.example"),
        "{page}"
    );
    assert!(!page.contains("T15:04") && page.contains(&format!("{url}, PIN {pin}, until ")), "{page}");
    let mails = desk.mails.received();
    assert_eq!((mails.len(), mails[0].to.as_slice()), (1, &["ada@client.example".to_string()][..]));
    assert!(mails[0].text().contains(url) && !mails[0].text().contains(pin) && mails[0].text().contains("(2)"));
    assert!(!desk.asked().contains("Ada Larson"), "it is answered");
    assert!(!desk.job_page().contains("Somebody has asked"));
    // Once more to somebody else, on the job's page.
    let page = desk.press("mail", &format!("to=bob%40client.example&from={}", desk.job()));
    assert!(page.contains("mailed to bob@client.example") && page.contains("Download links"), "{page}");
    assert_eq!(desk.mails.received().len(), 2);
}

#[test]
fn a_client_whose_link_opens_is_not_said_to_have_none() {
    let desk = desk("mail: none");
    desk.ask();
    let asked = desk.asked();
    assert!(asked.contains("Their link opens until") && asked.contains(">Mail it<"), "{asked}");
    assert!(!asked.contains("does not open"), "{asked}");
    // The address before: what opens now is mailed, and both questions are answered by it.
    desk.served.studio.run(&["links", "renew", "1042"]).expect(0);
    desk.ask();
    assert!(desk.asked().contains("The address that they have was renewed"), "{}", desk.asked());
    let confirm =
        get(desk.dashboard, &format!("/links/{}/renew?to=ada%40client.example&from=queue", desk.hash())).text();
    assert!(confirm.contains("closes at once") && confirm.contains("ada@client.example"), "{confirm}");
    let url = desk.link()["url"].clone();
    desk.press("mail", "to=ada%40client.example&from=queue");
    assert_eq!(desk.link()["url"], url);
    assert!(desk.mails.received()[0].text().contains(url.as_str().unwrap()));
    assert!(!desk.asked().contains("Ada Larson"));
    // A mail to nobody is not sent, and says so; nobody waits for what was set aside.
    desk.ask();
    let page = desk.press("mail", "to=nobody&from=queue");
    assert!(page.contains("it is not mailed"), "{page}");
    assert!(desk.asked().contains("Ada Larson"));
    desk.press("set_aside", "from=queue");
    assert!(!desk.asked().contains("Ada Larson"));
    assert_eq!(desk.mails.received().len(), 1);
}

#[test]
fn what_is_used_up_is_renewed_and_not_mailed() {
    let desk = desk("max_downloads: 1\n        single_files: false\n        pin: none\n        mail: none");
    assert_eq!(get(desk.served.at, &desk.served.click("/all")).status, 200);
    let refused = desk.served.studio.run(&["links", "mail", "1042"]).expect(1);
    assert!(refused.err.contains("it is used up"), "{}", refused.err);
    desk.ask();
    assert!(desk.asked().contains("all of it was downloaded") && desk.asked().contains("Renew and mail"));
    let page = desk.press("mail", "to=ada%40client.example&from=queue");
    assert!(page.contains("it is used up"), "{page}");
    assert!(desk.mails.received().is_empty());
    // Without a mail; its address stands on the page.
    let page = desk.press("renew", "from=queue");
    assert!(page.contains(desk.link()["url"].as_str().unwrap()), "{page}");
    assert!(!desk.asked().contains("Ada Larson"));
}

/// Killed at every step of a renewal and of a revocation: asked for again, one address opens, or none.
#[test]
fn cut_off_anywhere_a_renewal_ends_with_one_address_and_a_revocation_with_none() {
    let mut studio = super::links::studio("mail: none");
    studio.serve();
    studio.drop_file("status", "i.json", &paid("1042", &[1]));
    let job = studio.wait_jobs("done", 1).remove(0);
    studio.stop();
    let open = || -> Vec<Value> {
        studio.run(&["links", "list", "--open", "--json"]).expect(0).json().as_array().unwrap().clone()
    };
    let act = |act: &str| studio.run(&["links", act, "1042"]).expect(0);
    let cut_off = |act: &str, step: u32| {
        let mut command = studio.command(&["links", act, "1042"]);
        command.env("HOTFOLDERS_CRASH_AT", step.to_string()).output().unwrap().status.success()
    };
    for (steps, what) in [(8, "renew"), (2, "revoke")] {
        let mut step = 1;
        while !cut_off(what, step) {
            if step % 2 == 0 {
                act("renew");
                let open = open();
                assert_eq!(open.len(), 1, "{what} {step}: {open:?}");
                assert_eq!(open[0]["url"], link(&studio, &job)["url"], "{what} {step}: the receipt names it");
            } else {
                // Somebody changed their mind.
                act("revoke");
                assert_eq!(open(), [Value::Null; 0], "{what} {step}");
                act("renew");
                assert_eq!(open().len(), 1, "{what} {step}");
            }
            step += 1;
        }
        assert!(step > steps, "{what} has only {step} steps");
        act("renew");
    }
    studio.audit();
}
