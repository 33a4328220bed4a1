//! The dashboard as an operator sees it, in a real browser.

use std::net::SocketAddr;

use crate::browser::{Browser, DESKTOP, PHONE};
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
