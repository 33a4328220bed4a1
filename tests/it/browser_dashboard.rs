//! The dashboard as an operator sees it, in a real browser.

use std::net::SocketAddr;

use crate::browser::{Browser, DESKTOP, PHONE};
use crate::dashboard_pages::busy;
use crate::http::free_address;
use crate::studio::{CONFIG, Studio, invoice, session};
use crate::web::wait_open;

const PASSWORD: &str = "a long enough secret";

/// A studio with an operator and a viewer, served.
fn studio() -> (Studio, SocketAddr) {
    let address = free_address();
    let hash = hotfolders::web::dashboard::hash(PASSWORD.as_bytes()).unwrap();
    let config =
        CONFIG.replace("checks: { low_ppi: [] }", "checks: { low_ppi: [], copies_over: { over: 50, then: hold } }");
    let mut studio = Studio::bare(&format!(
        "{config}\nserver:\n  listen: \"{address}\"\n  users:\n    anna: {{ password: \"{hash}\", role: operator }}\n    vera: {{ password: \"{hash}\" }}\n"
    ));
    for number in 1..=3 {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 900, 600);
    }
    studio.serve();
    wait_open(&studio, address);
    (studio, address)
}

fn log_in(browser: &Browser, user: &str, password: &str) {
    browser.write("#user", user);
    browser.write("#password", password);
    browser.click("main button");
}

fn clean(browser: &Browser) {
    assert_eq!(browser.console(), [""; 0], "{}", browser.url());
    browser.check_accessible();
}

#[test]
fn an_operator_logs_in_watches_mends_and_answers() {
    let (studio, address) = studio();
    let browser = Browser::open(DESKTOP);
    let home = format!("http://{address}/");

    // Whoever comes is asked who they are; the keyboard is enough.
    browser.go(&home);
    assert!(browser.url().ends_with("/login"), "{}", browser.url());
    clean(&browser);
    browser.keep_shot("login");
    browser.press(&format!("anna\u{e004}{}\u{e007}", "not the secret"));
    browser.wait_text("#problem", "do not belong together");
    browser.check_accessible();
    // The refusal itself is told there, and nothing else.
    let told = browser.console();
    assert!(told.iter().all(|line| line.contains("401")), "{told:?}");
    log_in(&browser, "anna", PASSWORD);
    browser.wait_text("h1", "Queue");
    assert_eq!(browser.url(), home);
    browser.wait_text("#running", "Nothing to do");
    clean(&browser);
    browser.keep_shot("queue-empty");

    // What is dropped appears, runs and ends without a reload.
    browser.script("window.samePage = true");
    studio.drop_file("status", "a.json", &session("R1", &[1, 2, 3]));
    browser.wait_text("#done", "Session R1");
    assert_eq!(browser.script("return window.samePage"), true);

    // A picture is missing: the job fails with its reason, and is tried again when the picture is there.
    studio.drop_file("status", "b.json", &invoice("R2", &[1, 9]));
    browser.wait_text("#failed", "Invoice R2");
    assert!(browser.text("#failed .reason").contains('9'), "{}", browser.text("#failed"));
    browser.keep_shot("queue-failed");
    clean(&browser);
    studio.picture("sessions/S1/Hi-Res/S1009.jpg", 900, 600);
    browser.click("#failed form button");
    browser.wait_text("[role=status]", "tried again");
    browser.wait_text("#done", "Invoice R2");
    browser.wait("no failed job", || browser.text("#failed").is_empty().then_some(()));

    // Sixty copies are asked about.
    studio.drop_file("status", "c.json", &invoice("R3", &[2]).replace("\"quantity\":1", "\"quantity\":60"));
    browser.wait_text("#held", "Invoice R3");
    browser.wait_text("#held .question", "60");
    browser.keep_shot("queue-held");
    clean(&browser);
    browser.click("#held form[action$='/release'] button");
    browser.wait_text("#done", "Invoice R3");
    browser.resize(PHONE);
    browser.keep_shot("queue-phone");
    clean(&browser);

    // Pause and resume.
    browser.click("#state button");
    browser.wait_text("#state", "Paused");
    browser.click("#state button");
    browser.wait_text("#state", "Pause");
    clean(&browser);

    browser.click(".account button");
    browser.wait_text("h1", "Log in");
    browser.go(&home);
    browser.wait_text("h1", "Log in");
    drop(browser);
    studio.audit();
}

#[test]
fn wrong_passwords_are_slowed_down_and_viewers_only_see() {
    let (studio, address) = studio();
    studio.drop_file("status", "b.json", &invoice("R2", &[1, 9]));
    let browser = Browser::open(PHONE);
    browser.go(&format!("http://{address}/"));
    log_in(&browser, "vera", PASSWORD);
    browser.wait_text("#failed", "Invoice R2");
    assert!(!browser.has("#failed form") && !browser.has("#state form"), "{}", browser.text("body"));
    clean(&browser);
    browser.click(".account button");
    browser.wait_text("h1", "Log in");
    for _ in 0..5 {
        browser.script("document.querySelector('main').id = 'old'");
        log_in(&browser, "anna", "wrong");
        browser.wait_text("main:not(#old) #problem", "do not belong together");
    }
    log_in(&browser, "anna", PASSWORD);
    browser.wait_text("#problem", "Too many tries");
    browser.keep_shot("login-throttled-phone");
}

/// A studio with real photos and a job in every state of rest.
fn lively() -> (Studio, SocketAddr) {
    let address = free_address();
    let hash = hotfolders::web::dashboard::hash(PASSWORD.as_bytes()).unwrap();
    let config = CONFIG.replace("dpi: 20", "dpi: 50");
    let mut studio = Studio::bare(&format!(
        "{config}\nserver:\n  listen: \"{address}\"\n  users: {{ anna: {{ password: \"{hash}\", role: operator }} }}\n"
    ));
    for (number, photo) in (1..).zip(["Landscape_1", "Portrait_6", "Landscape_8"]) {
        let photo = std::fs::read(format!("{}/fixtures/photos/{photo}.jpg", env!("CARGO_MANIFEST_DIR"))).unwrap();
        studio.write(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), &photo);
    }
    studio.serve();
    wait_open(&studio, address);
    let order = |kind: &str, record: &str, status: &str, lines: &[(u32, u32)], client: &str| {
        let line = |(image, quantity): &(u32, u32)| serde_json::json!({ "item": "8X10", "quantity": quantity, "image": image });
        serde_json::json!({
            "manifest": 1, "kind": kind, "record": record, "status": status, "session": "S1",
            "client": { "first": "Maximiliane", "last": client }, "lines": lines.iter().map(line).collect::<Vec<_>>(),
        })
        .to_string()
    };
    studio.drop_file("status", "a.json", &session("S1", &[1, 2, 3]));
    studio.drop_file("status", "b.json", &order("invoice", "1042", "printing", &[(1, 1), (2, 2), (3, 1)], "Okonkwo"));
    studio.drop_file("status", "c.json", &order("production_order", "77", "zip", &[(2, 1)], "Okonkwo"));
    let long = "Featherstonehaugh-Vandenberghe zu Hohenlohe";
    studio.drop_file("status", "d.json", &order("invoice", "1043", "printing", &[(1, 80)], long));
    studio.drop_file("status", "e.json", &order("invoice", "1044", "printing", &[(9, 1)], "Lindqvist"));
    studio.wait_jobs("done", 3);
    studio.wait_jobs("held", 1);
    studio.wait_jobs("failed", 1);
    (studio, address)
}

#[test]
fn every_page_is_fit_for_a_desk_a_phone_and_a_screen_reader() {
    let (studio, address) = lively();
    let browser = Browser::open(DESKTOP);
    browser.go(&format!("http://{address}/login"));
    log_in(&browser, "anna", PASSWORD);
    browser.wait_text("#held", "1043");
    let id = |job: &std::path::Path| job.file_name().unwrap().to_str().unwrap().to_string();
    let invoice = studio.jobs("done").iter().map(|job| id(job)).find(|job| job.contains("invoice-1042")).unwrap();
    let (held, failed) = (id(&studio.jobs("held")[0]), id(&studio.jobs("failed")[0]));
    let pages = [
        ("queue", "/".to_string(), "Lately done"),
        ("history", "/history".to_string(), "Invoice 1042"),
        ("history-found", "/history?q=okonk&state=".to_string(), "Invoice 1042"),
        ("history-nothing", "/history?q=zzz".to_string(), "Nothing fits"),
        ("places", "/places".to_string(), "Hot folders"),
        ("profiles", "/profiles".to_string(), "Render jobs"),
        ("drop", "/drop".to_string(), "Pictures"),
        ("job-done", format!("/jobs/{invoice}"), "Make it again"),
        ("job-held", format!("/jobs/{held}"), "It waits for an answer"),
        ("job-failed", format!("/jobs/{failed}"), "missing"),
        ("missing", "/jobs/no-such-job".to_string(), "There is no such job"),
    ];
    for (size, of) in [(DESKTOP, "desk"), (PHONE, "phone")] {
        browser.resize(size);
        for (name, path, says) in &pages {
            browser.go(&format!("http://{address}{path}"));
            browser.wait_text("body", says);
            // Pictures below the fold are fetched when somebody comes to them.
            browser.script("for (const image of document.images) image.loading = 'eager'");
            browser.wait("the pictures", || {
                let all = "return [...document.images].every(image => image.complete)";
                (browser.script(all) == true).then_some(())
            });
            let broken = browser.script("return [...document.images].filter(i => !i.naturalWidth).map(i => i.src)");
            assert_eq!(broken, serde_json::json!([]), "{path}");
            browser.keep_shot(&format!("{name}-{of}"));
            if size == DESKTOP {
                browser.check_accessible();
            }
            browser.check_width();
            let told = browser.console();
            let expected = if *name == "missing" { "404" } else { "nothing" };
            assert!(told.iter().all(|line| line.contains(expected)), "{path}: {told:?}");
        }
    }

    // Pictures and a profile, sent from the page.
    browser.go(&format!("http://{address}/drop"));
    let photo = format!("{}/fixtures/photos/Landscape_1.jpg", env!("CARGO_MANIFEST_DIR"));
    browser.choose_file("#pictures", &photo);
    browser.write("#record", "From the desk");
    browser.click("form[data-drop=pictures] button");
    browser.wait_text("[role=status]", "1 picture with From the desk.json");
    browser.wait_text("#done", "Session From the desk");

    // A folder dragged onto the box brings what is in it, also further below, and its name.
    let photo = std::fs::read(photo).unwrap();
    studio.write("from-camera/Beach day/one.jpg", &photo);
    studio.write("from-camera/Beach day/later/two.jpg", &photo);
    browser.go(&format!("http://{address}/drop"));
    browser.drag("form[data-drop=pictures]", &[&studio.path("from-camera/Beach day")]);
    browser.wait_text("form[data-drop=pictures] .upload-state", "2 files chosen");
    browser.keep_shot("drop-dragged");
    browser.click("form[data-drop=pictures] button");
    browser.wait_text("[role=status]", "2 pictures with Beach day.json");
    browser.wait_text("#done", "Session Beach day");

    // A manifest is told from the pictures that are dragged with it.
    studio.write("from-app/78.json", session("Dragged", &[2]).as_bytes());
    browser.go(&format!("http://{address}/drop"));
    browser.drag("form[data-drop=manifest]", &[&studio.path("from-app/78.json")]);
    browser.wait_text("form[data-drop=manifest] .upload-state", "1 file chosen");
    browser.click("form[data-drop=manifest] button");
    browser.wait_text("#done", "Session Dragged");
    clean(&browser);

    // One line is made again.
    browser.go(&format!("http://{address}/jobs/{invoice}"));
    browser.script("document.querySelector('#lines').value = '1'");
    browser.write("#copies", "2");
    browser.click(".again button");
    browser.wait_text("[role=status]", "made again");
    studio.wait_jobs("done", 7);
    drop(browser);
    studio.audit();
}

#[test]
fn any_number_of_tabs_stays_live() {
    let (studio, address) = studio();
    let home = format!("http://{address}/");
    let browser = Browser::open(DESKTOP);
    browser.go(&home);
    log_in(&browser, "anna", PASSWORD);
    browser.wait_text("#running", "Nothing to do");
    for _ in 1..9 {
        browser.open_tab();
        browser.go(&home);
        browser.wait_text("#running", "Nothing to do");
    }
    let tabs = browser.tabs();
    assert_eq!(tabs.len(), 9);
    // The last one hears of it, and the first one too; also when the one that listened has gone.
    studio.drop_file("status", "a.json", &session("R1", &[1]));
    browser.wait_text("#done", "Session R1");
    browser.show_tab(&tabs[0]);
    browser.wait_text("#done", "Session R1");
    browser.close_tab();
    browser.show_tab(&tabs[4]);
    browser.wait_text("#done", "Session R1");
    studio.drop_file("status", "b.json", &session("R2", &[2]));
    browser.wait_text("#done", "Session R2");
    browser.go(&format!("http://{address}/history"));
    browser.wait_text("main", "Session R2");
}

#[test]
fn many_equal_questions_leave_the_running_jobs_near_the_top() {
    let address = free_address();
    let config = CONFIG.replace("images: library,", "images: library, unmatched: hold,");
    let mut studio = Studio::bare(&format!("{config}\nserver: {{ listen: \"{address}\" }}\n"));
    studio.picture("sessions/S1/Hi-Res/S1001.jpg", 90, 60);
    studio.serve();
    wait_open(&studio, address);
    for number in 0..12 {
        let odd = invoice(&format!("U{number}"), &[1]).replace("printing", "Unknown Status");
        studio.drop_file("status", &format!("u{number}.json"), &odd);
    }
    for number in 0..6 {
        studio.drop_file("status", &format!("f{number}.json"), &invoice(&format!("F{number}"), &[900 + number]));
    }
    studio.wait_jobs("held", 12);
    studio.wait_jobs("failed", 6);
    let browser = Browser::open(DESKTOP);
    for (size, most, of) in [(DESKTOP, 1_400, "desk"), (PHONE, 2_000, "phone")] {
        browser.resize(size);
        browser.go(&format!("http://{address}/"));
        browser.wait_text("#held", "12 jobs ask the same");
        let top = browser.script("return document.getElementById('running').getBoundingClientRect().top");
        assert!(top.as_f64().unwrap() < f64::from(most), "the running jobs begin at {top} px");
        browser.keep_shot(&format!("queue-crowded-{of}"));
        clean(&browser);
    }
    // What is folded away is there for whoever opens it, and stays open.
    browser.click("#failed-rest summary");
    browser.click("#summary a[href='#running']");
    assert!(browser.url().ends_with("#running"));
}

#[test]
fn prints_links_labs_and_alerts_are_fit_for_a_desk_and_a_phone() {
    let busy = busy();
    let pages = [
        ("job-link", busy.lend(), "2 of 2 pictures, today"),
        ("job-prints", busy.print_doubtfully(), "Uncertain"),
        ("places-troubled", "/places".to_string(), "could not be posted"),
    ];
    busy.order_outside();
    let browser = Browser::open(DESKTOP);
    for (size, of) in [(DESKTOP, "desk"), (PHONE, "phone")] {
        browser.resize(size);
        for (name, path, says) in &pages {
            browser.go(&format!("http://{}{path}", busy.address));
            browser.wait_text("main", says);
            browser.script("for (const image of document.images) image.loading = 'eager'");
            browser.wait("the pictures", || {
                let all = "return [...document.images].every(image => image.complete && image.naturalWidth)";
                (browser.script(all) == true).then_some(())
            });
            browser.keep_shot(&format!("{name}-{of}"));
            browser.check_accessible();
            browser.check_width();
            clean(&browser);
        }
    }
}
