//! A client's link in a real browser, on a phone first.

use crate::browser::{Browser, DESKTOP, PHONE};
use crate::downloads::{Served, served_with};
use crate::links::{entries, paid};
use crate::studio::files;

fn clean(browser: &Browser) {
    assert_eq!(browser.console(), [""; 0], "{}", browser.url());
    browser.check_accessible();
}

fn both(browser: &mut Browser, name: &str) {
    for (size, of) in [(DESKTOP, "desktop"), (PHONE, "phone")] {
        browser.resize(size);
        browser.check_accessible();
        browser.keep_shot(&format!("{name}-{of}"));
    }
}

/// What the browser saved under this name, once it is whole.
fn saved(browser: &Browser, served: &Served, name: &str) -> Vec<u8> {
    let path = served.studio.path(&format!("saved/{name}"));
    browser.wait(name, || std::fs::read(&path).ok().filter(|bytes| !bytes.is_empty()))
}

#[test]
fn a_client_opens_a_link_on_a_phone_and_takes_the_pictures() {
    let manifest = paid("1042", &[1, 2, 3]).replacen('{', r#"{"client":{"first":"Ada","last":"Larson"},"#, 1);
    let served = served_with("expires: 30d", &manifest);
    let zip = served.zip();
    let mut browser = Browser::open(PHONE);
    browser.save_into(&served.studio.path("saved"));
    browser.go(&format!("http://{}{}", served.at, served.page));
    browser.wait_text("h1", "Your PIN");
    clean(&browser);
    both(&mut browser, "pin");
    // The field has the focus: four digits and Enter.
    let pin = served.pin.clone().unwrap();
    let wrong = format!("{:04}", (pin.parse::<u32>().unwrap() + 1) % 10_000);
    browser.press(&format!("{wrong}\u{e007}"));
    browser.wait_text("[role=alert]", "not the PIN");
    both(&mut browser, "pin-wrong");
    assert!(browser.console().iter().all(|line| line.contains("403")));
    browser.write("#pin", &pin);
    browser.click("main button");
    browser.wait_text("h1", "Pictures for Ada Larson");
    let loaded =
        "return [...document.images].every(i => { i.loading = 'eager'; return i.complete && i.naturalWidth > 0 })";
    browser.wait("the thumbnails", || browser.script(loaded).as_bool().filter(|all| *all));
    clean(&browser);
    both(&mut browser, "landing");

    browser.click("button.large");
    assert_eq!(saved(&browser, &served, "Larson Portraits 1042.zip"), zip);
    browser.click(".print .take");
    let (_, first) = entries(&zip).into_iter().find(|(name, _)| name == "Full size/S1001.jpg").unwrap();
    assert_eq!(saved(&browser, &served, "S1001.jpg"), first);

    browser.click(".print .mat");
    browser.wait_text(".place", "1 of 3");
    clean(&browser);
    both(&mut browser, "picture");
    browser.click("[rel=next]");
    browser.wait_text(".place", "2 of 3");
    // By keys as well, and back to where the picture stands.
    for (key, place) in [("\u{e014}", "3 of 3"), ("\u{e014}", "3 of 3"), ("\u{e012}", "2 of 3")] {
        browser.press(key);
        browser.wait_text(".place", place);
    }
    browser.press("\u{e00c}");
    browser.wait_text("h1", "Pictures for Ada Larson");
    assert!(browser.url().ends_with("#p2"), "{}", browser.url());
    let top = browser.script("return document.querySelector('#p2').getBoundingClientRect().top >= 0");
    assert_eq!(top, true);

    for (why, key) in [("expired", "expires"), ("revoked", "revoked")] {
        served.change_record(|record| record[key] = "2020-01-01T00:00:00Z".into());
        browser.go(&format!("http://{}{}", served.at, served.page));
        browser.wait_text("h1", "not valid, or not any more");
        assert!(!browser.text("body").contains("Ada"), "{why}");
    }
    assert!(browser.console().iter().all(|line| line.contains("404")));
    both(&mut browser, "closed");
    browser.click("main button");
    browser.wait_text("h1", "Thank you");
    clean(&browser);
    both(&mut browser, "asked");
    browser.go(&format!("http://{}/", served.at));
    clean(&browser);
    both(&mut browser, "nothing");
    assert_eq!(files(&served.studio.path("saved")).len(), 2);
}

#[test]
fn a_client_who_may_only_look_does_so_in_german() {
    let client = r#"{"client":{"first":"Ada","last":"Larson","language":"de-CH"},"#;
    let served = served_with("show: view", &paid("1042", &[1, 2, 3]).replacen('{', client, 1));
    let mut browser = Browser::open(PHONE);
    browser.go(&format!("http://{}{}", served.at, served.page));
    browser.wait_text("h1", "Ihre PIN, bitte");
    clean(&browser);
    both(&mut browser, "pin-german");
    browser.press(&format!("{}\u{e007}", served.pin.as_ref().unwrap()));
    browser.wait_text("h1", "Bilder für Ada Larson");
    assert_eq!(browser.script("return document.documentElement.lang"), "de");
    assert!(browser.text(".extent").starts_with("3 Bilder\nOnline bis "), "{}", browser.text(".extent"));
    let loaded =
        "return [...document.images].every(i => { i.loading = 'eager'; return i.complete && i.naturalWidth > 0 })";
    browser.wait("the thumbnails", || browser.script(loaded).as_bool().filter(|all| *all));
    clean(&browser);
    both(&mut browser, "view-german");
    let nothing_to_take = || {
        let text = browser.text("body").to_lowercase();
        assert!(!browser.has("form") && !browser.has("[download]") && !text.contains("herunterladen"), "{text}");
    };
    nothing_to_take();
    browser.click(".print .mat");
    browser.wait_text(".place", "1 von 3");
    browser.wait("the picture", || browser.script(loaded).as_bool().filter(|all| *all));
    nothing_to_take();
    clean(&browser);
    both(&mut browser, "picture-german");
    browser.click("[rel=next]");
    browser.wait_text(".place", "2 von 3");
    // What has ended speaks the browser's language: whose it was is told to nobody.
    served.change_record(|record| record["expires"] = "2020-01-01T00:00:00Z".into());
    browser.go(&format!("http://{}{}", served.at, served.page));
    browser.wait_text("h1", "not valid, or not any more");
    assert_eq!(browser.script("return document.documentElement.lang"), "en");
}
