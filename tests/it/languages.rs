//! The pages of a link in each of their languages.

use hotfolders::model::words::{ALL, Words};

use super::downloads::{Served, served_with};
use super::http::{Answer, send};
use super::links::paid;

/// What people read or hear of a page, piece by piece.
fn pieces(page: &str) -> Vec<String> {
    let seen = regex::Regex::new(r#">([^<>]+)<|(?:alt|aria-label|title|placeholder)="([^"]*)""#).unwrap();
    let found = seen.captures_iter(page).filter_map(|hit| hit.get(1).or(hit.get(2)));
    found.map(|piece| piece.as_str().trim().to_string()).filter(|piece| !piece.is_empty()).collect()
}

/// What is not ours to translate.
fn is_given(piece: &str) -> bool {
    let given = ["PIN", "Larson Portraits", "S1001", "S1002", "Full size", "Web 1042", "release.txt"];
    let all_given = piece.split(" – ").all(|part| given.contains(&part));
    // Two that write a number alike.
    let is_size = piece.split_once('\u{a0}').is_some_and(|(number, unit)| {
        number.chars().all(|c| c.is_ascii_digit() || c == ',') && ["B", "kB"].contains(&unit)
    });
    all_given || is_size || !piece.chars().any(char::is_alphabetic)
}

fn assert_speaks(answer: &Answer, words: &Words) -> String {
    let page = answer.text();
    assert!(page.contains(&format!("<html lang=\"{}\">", words.language)), "not in {}:\n{page}", words.language);
    assert!(!page.contains("{}"), "a value is missing in {}:\n{page}", words.language);
    page
}

/// A browser that likes one language best.
struct Browser<'a> {
    served: &'a Served,
    words: &'static Words,
    cookie: &'a str,
}

impl Browser<'_> {
    fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let languages = format!("{}-XX,{};q=0.9,tlh;q=0.8", self.words.language, self.words.language);
        let headers = [
            ("accept-language", languages.as_str()),
            ("cookie", self.cookie),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        send(self.served.at, method, path, &headers, body.as_bytes())
    }

    fn page(&self, status: u16, method: &str, path: &str, body: &str) -> String {
        let answer = self.ask(method, path, body);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert_speaks(&answer, self.words)
    }

    /// Every page that can be met before a set is used up, in the order of a visit.
    fn visit(&self) -> Vec<String> {
        let at = |below: &str| format!("{}{below}", self.served.page);
        let stranger = Browser { cookie: "", ..*self };
        let unknown = "A".repeat(43);
        let wrong = (self.served.pin.as_ref().unwrap().parse::<u32>().unwrap() + 1) % 10_000;
        vec![
            stranger.page(200, "GET", &at(""), ""),
            stranger.page(403, "POST", &at("/pin"), &format!("pin={wrong:04}")),
            self.page(200, "GET", &at(""), ""),
            self.page(200, "GET", &at("/picture/1"), ""),
            self.page(200, "GET", &at("/picture/2"), ""),
            self.page(404, "GET", &at("/picture/99"), ""),
            self.page(404, "POST", &at("/file/99"), ""),
            self.page(405, "GET", &at("/all"), ""),
            self.page(404, "GET", &format!("/d/{unknown}"), ""),
            self.page(200, "POST", "/ask", &format!("token={unknown}")),
            self.page(200, "GET", "/", ""),
            self.page(404, "GET", "/no/such/page", ""),
        ]
    }

    /// What a visit meets when everything was taken.
    fn visit_again(&self) -> Vec<String> {
        vec![
            self.page(200, "GET", &self.served.page, ""),
            self.page(403, "POST", &format!("{}/all", self.served.page), ""),
        ]
    }

    /// Too many wrong PINs; the link waits from then on.
    fn guess(&self) -> String {
        self.page(429, "POST", &format!("{}/pin", self.served.page), "pin=0")
    }
}

#[test]
fn no_page_has_words_of_another_language() {
    let client = r#"{"client":{"first":"Ada","language":"tlh"},"#;
    let served = served_with("max_downloads: 1", &paid("1042", &[1, 2]).replacen('{', client, 1));
    let pin = served.pin.clone().unwrap();
    let browser = |words, cookie| Browser { served: &served, words, cookie };
    let entered = browser(ALL[0], "").ask("POST", &format!("{}/pin", served.page), &format!("pin={pin}"));
    let cookie = entered.cookie().unwrap();
    let mut visits: Vec<Vec<String>> = ALL.iter().map(|words| browser(words, &cookie).visit()).collect();
    let clicked = browser(ALL[0], &cookie).ask("POST", &format!("{}/all", served.page), "");
    assert_eq!(send(served.at, "GET", clicked.header("location").unwrap(), &[], b"").status, 200);
    for (words, visit) in ALL.iter().zip(&mut visits) {
        visit.extend(browser(words, &cookie).visit_again());
    }
    for number in 0..3 {
        let refused = browser(ALL[0], "").ask("POST", &format!("{}/pin", served.page), "pin=x");
        assert!(matches!(refused.status, 403 | 429), "{number}: {}", refused.status);
    }
    for (words, visit) in ALL.iter().zip(&mut visits) {
        visit.push(browser(words, "").guess());
    }
    let mut compared = 0;
    for (index, (words, visit)) in ALL.iter().zip(&visits).enumerate() {
        for (other, theirs) in ALL.iter().zip(&visits).take(index) {
            for (page, their_page) in visit.iter().zip(theirs) {
                let (pieces, their_pieces) = (pieces(page), pieces(their_page));
                assert_eq!(pieces.len(), their_pieces.len(), "{page}\n{their_page}");
                for (piece, theirs) in pieces.iter().zip(&their_pieces) {
                    let fine = piece != theirs || is_given(piece);
                    assert!(fine, "`{piece}` in {} and {}:\n{page}", words.language, other.language);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 500, "{compared}");
}
