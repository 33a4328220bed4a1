//! A headless Chromium, driven over the `WebDriver` protocol.
//!
//! Chromium and its driver come with `scripts/test`, which installs them where they are missing.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http;

/// Longer than anything on a page should take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// How `WebDriver` names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Looks for what keeps people with disabilities out; see its licence beside it.
const AXE: &str = include_str!("../axe/axe.min.js");

pub const DESKTOP: (u32, u32) = (1280, 900);
pub const PHONE: (u32, u32) = (390, 844);

/// One at a time: two cores are not enough for more.
static ONE: Mutex<()> = Mutex::new(());

pub struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    _one: MutexGuard<'static, ()>,
}

impl Browser {
    pub fn open(size: (u32, u32)) -> Browser {
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is missing: run the tests with scripts/test, which installs it");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.by_ref().map(Result::unwrap).find_map(|line| {
            let (_, port) = line.split_once("successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let address = SocketAddr::from(([127, 0, 0, 1], port.expect("chromedriver does not tell its port")));
        // It goes on talking, and must find somebody who listens.
        std::thread::spawn(move || lines.for_each(drop));
        let args = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--hide-scrollbars",
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": args },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let mut browser = Browser { driver, address, session: String::new(), _one: one };
        let answer = browser.call("POST", "/session", &wanted).expect("no session");
        browser.session = answer["sessionId"].as_str().unwrap().to_string();
        browser.resize(size);
        browser
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let headers = [("content-type", "application/json")];
        let body = if method == "POST" { serde_json::to_vec(body).unwrap() } else { Vec::new() };
        let answer = http::send(self.address, method, path, &headers, &body).json();
        let value = answer["value"].clone();
        match value["error"].as_str() {
            Some(error) => Err(format!("{error}: {}", value["message"])),
            None => Ok(value),
        }
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.call("POST", &format!("/session/{}/{path}", self.session), body)
    }

    fn get(&self, path: &str) -> Value {
        self.call("GET", &format!("/session/{}/{path}", self.session), &Value::Null).unwrap()
    }

    /// The size of the page itself.
    pub fn resize(&self, (width, height): (u32, u32)) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": metrics });
        self.post("goog/cdp/execute", &command).unwrap();
    }

    /// Downloads go into this folder without a question.
    pub fn save_into(&self, folder: &std::path::Path) {
        std::fs::create_dir_all(folder).unwrap();
        let params = json!({ "behavior": "allow", "downloadPath": folder });
        let command = json!({ "cmd": "Page.setDownloadBehavior", "params": params });
        self.post("goog/cdp/execute", &command).unwrap();
    }

    pub fn go(&self, url: &str) {
        self.post("url", &json!({ "url": url })).unwrap();
    }

    /// Another tab of the same window, in front.
    pub fn open_tab(&self) {
        let made = self.post("window/new", &json!({ "type": "tab" })).unwrap();
        self.post("window", &json!({ "handle": made["handle"] })).unwrap();
    }

    /// The tabs, in the order in which they were opened.
    pub fn tabs(&self) -> Vec<String> {
        self.get("window/handles").as_array().unwrap().iter().map(|tab| tab.as_str().unwrap().to_string()).collect()
    }

    pub fn show_tab(&self, tab: &str) {
        self.post("window", &json!({ "handle": tab })).unwrap();
    }

    pub fn close_tab(&self) {
        self.call("DELETE", &format!("/session/{}/window", self.session), &Value::Null).unwrap();
    }

    pub fn url(&self) -> String {
        self.get("url").as_str().unwrap().to_string()
    }

    /// What a script returns.
    pub fn script(&self, text: &str) -> Value {
        self.post("execute/sync", &json!({ "script": text, "args": [] })).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    fn find(&self, css: &str) -> Option<String> {
        let found = self.post("element", &json!({ "using": "css selector", "value": css }));
        found.ok().map(|element| element[ELEMENT].as_str().unwrap().to_string())
    }

    /// What is seen of the page, or of a part.
    pub fn text(&self, css: &str) -> String {
        let text = format!("return [...document.querySelectorAll({})].map(e => e.innerText).join('\\n')", json!(css));
        self.script(&text).as_str().unwrap().to_string()
    }

    pub fn has(&self, css: &str) -> bool {
        self.find(css).is_some()
    }

    /// An element may be replaced by a live page just when it is clicked: then the new one is.
    #[track_caller]
    pub fn click(&self, css: &str) {
        let refused = std::cell::RefCell::new(String::new());
        self.wait_else(&format!("a click on {css}"), &refused, || {
            let clicked = self.post(&format!("element/{}/click", self.find(css)?), &json!({}));
            clicked.map_err(|e| refused.replace(e)).ok()
        });
    }

    #[track_caller]
    pub fn write(&self, css: &str, text: &str) {
        self.wait(&format!("{css} to write in"), || {
            let element = self.find(css)?;
            self.post(&format!("element/{element}/clear"), &json!({})).ok()?;
            self.post(&format!("element/{element}/value"), &json!({ "text": text })).ok()
        });
    }

    /// A file that stands on this computer.
    #[track_caller]
    pub fn choose_file(&self, css: &str, path: &str) {
        self.wait(&format!("{css} to choose {path}"), || {
            self.post(&format!("element/{}/value", self.find(css)?), &json!({ "text": path })).ok()
        });
    }

    /// Drags files and folders of this computer onto an element, and lets go of them there.
    pub fn drag(&self, css: &str, paths: &[&std::path::Path]) {
        let text = format!(
            "const element = document.querySelector({}); element.scrollIntoView({{ block: 'center' }}); \
             const box = element.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]",
            json!(css)
        );
        let at = self.script(&text);
        // A copy.
        let data = json!({ "items": [], "files": paths, "dragOperationsMask": 1 });
        for step in ["dragEnter", "dragOver", "drop"] {
            let params = json!({ "type": step, "x": at[0], "y": at[1], "data": data });
            let command = json!({ "cmd": "Input.dispatchDragEvent", "params": params });
            self.post("goog/cdp/execute", &command).unwrap();
        }
    }

    /// Keys go where the focus is: `\u{e004}` is Tab, `\u{e007}` Enter.
    pub fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })])
            .collect();
        self.post("actions", &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] })).unwrap();
    }

    #[track_caller]
    pub fn wait<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        self.wait_else(what, &std::cell::RefCell::default(), look)
    }

    #[track_caller]
    fn wait_else<T>(&self, what: &str, why: &std::cell::RefCell<String>, look: impl Fn() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "waited in vain for {what} at {} {}; the page says:\n{}\nconsole: {:?}",
                self.url(),
                why.borrow(),
                self.text("body"),
                self.console()
            );
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    #[track_caller]
    pub fn wait_text(&self, css: &str, text: &str) {
        self.wait(&format!("`{text}` in {css}"), || self.text(css).contains(text).then_some(()));
    }

    /// What the page complained of since the last time: errors of scripts, refusals of the content policy.
    pub fn console(&self) -> Vec<String> {
        let log = self.post("se/log", &json!({ "type": "browser" })).unwrap();
        let lines = log.as_array().unwrap().iter().filter(|line| line["level"] != "INFO" && line["level"] != "DEBUG");
        lines.map(|line| line["message"].as_str().unwrap().to_string()).collect()
    }

    /// The whole page as a PNG file, for people to look at.
    pub fn screenshot(&self) -> Vec<u8> {
        let shot = json!({ "cmd": "Page.captureScreenshot", "params": { "captureBeyondViewport": true } });
        let shot = self.post("goog/cdp/execute", &shot).unwrap();
        unbase64(shot["data"].as_str().unwrap())
    }

    /// No violation that is serious; the page is not wider than its window.
    #[track_caller]
    pub fn check_accessible(&self) {
        self.script(AXE);
        let body = json!({ "script": "const done = arguments[0]; axe.run(document, { resultTypes: ['violations'] }).then(r => done(r.violations.filter(v => ['serious', 'critical'].includes(v.impact)).map(v => v.id + ': ' + v.help + ' ' + v.nodes.map(n => n.html).join(' | '))), e => done(['axe: ' + e]))", "args": [] });
        let wrong = self.post("execute/async", &body).unwrap();
        assert_eq!(wrong, json!([]), "{}", self.url());
        self.check_width();
    }

    /// The page is not wider than its window.
    #[track_caller]
    pub fn check_width(&self) {
        let wide = self.script("return document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert!(wide.as_i64().unwrap() <= 0, "{} is {wide} px wider than its window", self.url());
    }

    /// For looking at the pages: `HOTFOLDERS_SHOTS=DIR` keeps a picture of each.
    pub fn keep_shot(&self, name: &str) {
        if let Some(dir) = std::env::var_os("HOTFOLDERS_SHOTS") {
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(std::path::Path::new(&dir).join(format!("{name}.png")), self.screenshot()).unwrap();
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = http::try_send(self.address, "DELETE", &format!("/session/{}", self.session), &[], b"");
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn unbase64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let values = text.bytes().filter_map(|c| DIGITS.iter().position(|digit| *digit == c));
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_usize, 0);
    for value in values {
        bits = (bits << 6) | value;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    bytes
}
