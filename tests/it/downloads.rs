//! The pages that download links open, as a browser, a mail scanner and a burglar meet them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::http::{Answer, free_address, get, send, try_send};
use super::links::{entries, link, paid, records, studio_at};
use super::studio::{Studio, files};

/// A served link.
pub struct Served {
    pub studio: Studio,
    pub at: SocketAddr,
    /// `/d/TOKEN`
    pub page: String,
    pub pin: Option<String>,
    job: PathBuf,
}

/// One job with a link is done, and its pages are there.
pub fn served(options: &str) -> Served {
    served_with(options, &paid("1042", &[1, 2]))
}

pub fn served_with(options: &str, manifest: &str) -> Served {
    let at = free_address();
    served_at(studio_at(options, &at.to_string()), at, manifest)
}

fn served_at(mut studio: Studio, at: SocketAddr, manifest: &str) -> Served {
    studio.serve();
    studio.drop_file("status", "i.json", manifest);
    let job = studio.wait_jobs("done", 1).remove(0);
    studio.wait("the download pages", || try_send(at, "GET", "/", &[], b"").ok());
    Served::of(studio, at, job)
}

impl Served {
    /// The link of a job that is done.
    pub fn of(studio: Studio, at: SocketAddr, job: PathBuf) -> Served {
        let made = link(&studio, &job);
        let page = made["url"].as_str().unwrap().strip_prefix("https://photos.larson.example").unwrap().to_string();
        let pin = made["pin"].as_str().map(String::from);
        Served { studio, at, page, pin, job }
    }

    pub fn job(&self) -> &Path {
        &self.job
    }

    fn get(&self, below: &str) -> Answer {
        get(self.at, &format!("{}{below}", self.page))
    }

    fn post(&self, below: &str) -> Answer {
        send(self.at, "POST", &format!("{}{below}", self.page), &[], b"")
    }

    /// Clicks; the signed address.
    pub fn click(&self, what: &str) -> String {
        let answer = self.post(what);
        assert_eq!(answer.status, 303, "{}", answer.text());
        answer.header("location").unwrap().to_string()
    }

    pub fn zip(&self) -> Vec<u8> {
        let name = files(&self.studio.path("downloads")).into_iter().find(|name| name.ends_with(".zip")).unwrap();
        std::fs::read(self.studio.path(&format!("downloads/{name}"))).unwrap()
    }

    fn hash(&self) -> String {
        hotfolders::model::token::Token::of_url(&self.page).unwrap().hash()
    }

    /// Lines of the link's log.
    fn log(&self) -> Vec<Value> {
        let path = self.studio.path(&format!("spool/links/{}.log", self.hash()));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn counted(&self) -> usize {
        self.log().iter().filter(|line| line["entry"] == "counted").count()
    }

    pub fn change_record(&self, change: impl Fn(&mut Value)) {
        let path = self.studio.path(&format!("spool/links/{}.json", self.hash()));
        let mut record = self.studio.json(&path);
        change(&mut record);
        std::fs::write(path, record.to_string()).unwrap();
    }
}

pub fn form(at: SocketAddr, path: &str, body: &str) -> Answer {
    send(at, "POST", path, &[("content-type", "application/x-www-form-urlencoded")], body.as_bytes())
}

#[test]
fn what_is_downloaded_is_what_was_made() {
    let served = served("pin: none");
    let landing = served.get("");
    assert_eq!(landing.status, 200);
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("cache-control", "private, no-store"),
        ("x-robots-tag", "noindex, nofollow, noarchive"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(landing.header(name), Some(value));
    }
    assert!(landing.header("content-security-policy").unwrap().starts_with("default-src 'self'"));
    let text = landing.text();
    for shown in ["Larson Portraits", "Full size", "Web 1042", "release.txt", "2 pictures"] {
        assert!(text.contains(shown), "{shown} is not on the page:\n{text}");
    }
    assert!(!text.contains("og:") && !text.contains("<script") && !text.contains("style="), "{text}");

    let zip = served.zip();
    let whole = get(served.at, &served.click("/all"));
    assert_eq!((whole.status, whole.header("content-type")), (200, Some("application/zip")));
    assert_eq!(
        whole.header("content-disposition").unwrap(),
        "attachment; filename=\"Larson Portraits 1042.zip\"; filename*=UTF-8''Larson%20Portraits%201042.zip"
    );
    assert_eq!(whole.body, zip);
    let expected = entries(&zip);
    let folder = PathBuf::from(records(&served.studio)[0].1["folder"].as_str().unwrap());
    let contents = served.studio.json(&folder.join("contents.json"));
    for (index, file) in contents["files"].as_array().unwrap().iter().enumerate() {
        let single = get(served.at, &served.click(&format!("/file/{index}")));
        let (_, bytes) = expected.iter().find(|(name, _)| *name == file["path"]).unwrap();
        assert_eq!(&single.body, bytes);
        assert_eq!(single.header("etag").unwrap().len(), 34);
        if !file["thumb"].is_null() {
            for what in ["thumb", "screen"] {
                let small = served.get(&format!("/{what}/{}", index + 1));
                assert_eq!(small.header("content-type"), Some("image/jpeg"));
                assert_eq!(small.body, std::fs::read(folder.join(format!("{what}-{}.jpg", index + 1))).unwrap());
            }
            // Each size leads to its picture, which is shown by the largest.
            let page = served.get(&format!("/picture/{}", index + 1));
            let shown = file["same_as"].as_u64().map_or(index + 1, |first| first as usize + 1);
            assert!(page.status == 200 && page.text().contains(&format!("/screen/{shown}?")), "{}", page.text());
        }
    }
    for nothing in ["/file/99", "/picture/99", "/thumb/0", "/thumb/99", "/screen/5", "/picture/0"] {
        let answer = if nothing.starts_with("/file") { served.post(nothing) } else { served.get(nothing) };
        assert_eq!(answer.status, 404, "{nothing}");
    }
    // Nothing of the dashboard.
    for elsewhere in ["/healthz", "/login", "/api/status", "/metrics", "/jobs"] {
        assert_eq!(get(served.at, elsewhere).status, 404, "{elsewhere}");
    }
    let log = served.log();
    assert_eq!(log.iter().filter(|line| line["entry"] == "counted").count(), 6);
    assert!(log.iter().all(|line| line["from"] == "127.0.0.1"));
}

#[test]
fn only_a_click_counts_and_its_repeats_do_not() {
    let served = served("pin: none\n        max_downloads: 2");
    // What scanners and previews do.
    for _ in 0..5 {
        assert_eq!(served.get("").status, 200);
    }
    for below in ["/all", "/file/0"] {
        assert_eq!(served.get(below).status, 405, "a link is never followed into a download");
        served.click(below);
    }
    let first = served.click("/all");
    assert_eq!(send(served.at, "HEAD", &first, &[], b"").status, 200);
    for ahead in [("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch"), ("x-moz", "prefetch")] {
        assert_eq!(send(served.at, "GET", &first, &[ahead], b"").status, 204);
    }
    assert_eq!(served.counted(), 0);
    for _ in 0..3 {
        assert_eq!(get(served.at, &first).status, 200);
        assert_eq!(send(served.at, "GET", &first, &[("range", "bytes=5-9")], b"").status, 206);
    }
    assert_eq!(served.counted(), 1);
    let (second, third) = (served.click("/all"), served.click("/all"));
    assert_eq!(get(served.at, &second).status, 200);
    // The third was clicked before the cap was reached, and used after.
    assert_eq!(get(served.at, &third).status, 403);
    assert_eq!(served.post("/all").status, 403);
    assert_eq!(served.counted(), 2);
    // Begun ones can be taken up again; single files have counts of their own.
    assert_eq!(get(served.at, &first).body, served.zip());
    let text = served.get("").text();
    assert!(text.contains("as often as this link allows") && !text.contains("Download everything"), "{text}");
    for _ in 0..2 {
        assert_eq!(get(served.at, &served.click("/file/0")).status, 200);
    }
    assert_eq!(served.post("/file/0").status, 403);
    served.click("/file/1");
    // Signed for one file is not signed for another, nor for another link.
    assert_eq!(get(served.at, &first.replace("/all/", "/file/1/")).status, 404);
}

#[test]
fn what_was_broken_off_before_the_files_were_replaced_leads_to_the_page() {
    let served = served("pin: none\n        max_downloads: 1\n        key: \"{record}\"");
    let (all, single) = (served.click("/all"), served.click("/file/0"));
    assert_eq!(send(served.at, "GET", &all, &[("range", "bytes=0-99")], b"").status, 206);
    // The others look all alike.
    served.studio.picture("sessions/S1/Hi-Res/S1003.jpg", 120, 80);
    served.studio.drop_file("status", "b.json", &paid("1042", &[3]));
    let held = served.studio.wait_jobs("held", 1).remove(0);
    served.studio.run(&["jobs", "release", held.file_name().unwrap().to_str().unwrap()]).expect(0);
    served.studio.wait_jobs("done", 2);
    let counted = served.counted();
    // More often than guesses are answered.
    for stale in [&all, &single].into_iter().cycle().take(50) {
        let answer = send(served.at, "GET", stale, &[("range", "bytes=100-")], b"");
        assert_eq!((answer.status, answer.body.len()), (303, 0));
        assert!(answer.header("location").unwrap().ends_with(&served.page));
    }
    assert_eq!(served.counted(), counted, "nothing of them is counted");
    assert_eq!(get(served.at, &served.click("/all")).body, served.zip());
}

#[test]
fn a_download_is_taken_up_where_it_broke_off() {
    let served = served("pin: none");
    let (address, zip) = (served.click("/all"), served.zip());
    let etag = get(served.at, &address).header("etag").unwrap().to_string();
    let ask = |headers: &[(&str, &str)]| send(served.at, "GET", &address, headers, b"");
    let half = zip.len() / 2;
    let rest = ask(&[("range", &format!("bytes={half}-")), ("if-range", &etag)]);
    assert_eq!((rest.status, rest.body.as_slice()), (206, &zip[half..]));
    assert_eq!(rest.header("content-range").unwrap(), format!("bytes {half}-{}/{}", zip.len() - 1, zip.len()));
    assert_eq!(ask(&[("range", "bytes=-10")]).body, zip[zip.len() - 10..]);
    assert_eq!(ask(&[("range", "bytes=7-7")]).body, zip[7..=7]);
    let other = ask(&[("range", &format!("bytes={half}-")), ("if-range", "\"other\"")]);
    assert_eq!((other.status, other.body == zip), (200, true));
    let beyond = ask(&[("range", &format!("bytes={}-", zip.len()))]);
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some(format!("bytes */{}", zip.len()).as_str())));
    let head = send(served.at, "HEAD", &address, &[], b"");
    assert_eq!(head.header("content-length"), Some(zip.len().to_string().as_str()));
    assert_eq!((head.header("accept-ranges"), head.header("etag")), (Some("bytes"), Some(etag.as_str())));

    let url = format!("http://{}{address}", served.at);
    let part = served.studio.path("part.zip");
    for program in [
        vec!["curl", "--silent", "--show-error", "--fail", "--continue-at", "-", "--output", "part.zip", &url],
        vec!["wget", "--quiet", "--continue", "--output-document=part.zip", &url],
    ] {
        std::fs::write(&part, &zip[..half]).unwrap();
        let mut command = std::process::Command::new(program[0]);
        // That the two are there is `scripts/test`'s to see to.
        let status = command.args(&program[1..]).current_dir(part.parent().unwrap()).status();
        assert!(status.as_ref().is_ok_and(std::process::ExitStatus::success), "{program:?}: {status:?}");
        assert_eq!(std::fs::read(&part).unwrap(), zip, "{program:?}");
    }
}

#[test]
fn a_file_that_is_taken_byte_by_byte_is_one_download_and_a_few_lines() {
    let mut served = served("pin: none\n        max_downloads: 1");
    let address = served.click("/all");
    for byte in 0..300 {
        let answer = send(served.at, "GET", &address, &[("range", &format!("bytes={byte}-{byte}"))], b"");
        assert_eq!((answer.status, answer.body.len()), (206, 1));
    }
    assert_eq!(served.counted(), 1);
    // What a server that stops writes in the end is the rest of the sum.
    served.studio.stop();
    let lines = served.log().len();
    assert!((2..10).contains(&lines), "{lines} lines for one download");
    let listed = served.studio.run(&["links", "list", "--json"]).expect(0).json();
    assert_eq!((&listed[0]["downloads"], &listed[0]["bytes"]), (&1.into(), &300.into()));
}

/// Begins to read an answer, and goes on when it is told to.
fn begin(at: SocketAddr, address: &str) -> std::net::TcpStream {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(at).unwrap();
    write!(stream, "GET {address} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n\r\n").unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    stream
}

#[test]
fn a_transfer_ends_with_its_link_unless_that_has_only_expired() {
    /// More than the buffers between the two take.
    const BYTES: usize = 64 * 1024 * 1024;
    let at = free_address();
    let studio = studio_at("pin: none", &at.to_string());
    studio.write("release.txt", &vec![b'x'; BYTES]);
    let served = served_at(studio, at, &paid("1042", &[1]));
    let open = std::fs::read(served.studio.path(&format!("spool/links/{}.json", served.hash()))).unwrap();
    let rest = |mut stream: std::net::TcpStream| {
        let mut bytes = Vec::new();
        // A connection that is cut ends in one way or another.
        let _ = std::io::Read::read_to_end(&mut stream, &mut bytes);
        bytes.len()
    };
    for (how, ends) in [("expired", false), ("revoked", true), ("renewed", true), ("erased", true)] {
        std::fs::write(served.studio.path(&format!("spool/links/{}.json", served.hash())), &open).unwrap();
        let stream = begin(at, &served.click("/all"));
        match how {
            "expired" => served.change_record(|record| record["expires"] = "2020-01-01T00:00:00Z".into()),
            "revoked" => drop(served.studio.run(&["links", "revoke", "1042"]).expect(0)),
            "renewed" => drop(served.studio.run(&["links", "renew", &served.page]).expect(0)),
            _ => drop(served.studio.run(&["erase", "--record", "1042"]).expect(0)),
        }
        std::thread::sleep(std::time::Duration::from_secs(3));
        let came = rest(stream);
        assert_eq!(came < BYTES, ends, "{how}: {came} of {BYTES} bytes");
    }
    // What ran when it was erased leaves no line behind.
    assert_eq!(files(&served.studio.path("spool/links")).iter().filter(|name| name.ends_with(".log")).count(), 0);
}

#[test]
fn small_pictures_are_kept_by_the_browser_that_asked_and_by_nobody_else() {
    let served = served("pin: none\n        key: \"{record}\"");
    let landing = served.get("").text();
    let address = landing.split('"').find(|part| part.contains("/thumb/1?")).unwrap().to_string();
    let small = get(served.at, &address);
    assert_eq!((small.status, small.header("cache-control")), (200, Some("private, max-age=600")));
    let etag = small.header("etag").unwrap().to_string();
    let again = |etag: &str| send(served.at, "GET", &address, &[("if-none-match", etag)], b"");
    for known in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}")] {
        let same = again(&known);
        assert_eq!((same.status, same.body.len(), same.header("etag")), (304, 0, Some(etag.as_str())));
    }
    assert_eq!(again("\"other\"").status, 200);
    // Other pictures have another address, and other tags.
    served.studio.picture("sessions/S1/Hi-Res/S1003.jpg", 120, 80);
    served.studio.drop_file("status", "b.json", &paid("1042", &[3]));
    let held = served.studio.wait_jobs("held", 1).remove(0);
    served.studio.run(&["jobs", "release", held.file_name().unwrap().to_str().unwrap()]).expect(0);
    served.studio.wait_jobs("done", 2);
    let landing = served.get("").text();
    assert!(landing.contains("/thumb/1?") && !landing.contains(&address), "{landing}");
    assert_eq!(again(&etag).status, 200);
    served.studio.run(&["links", "revoke", "1042"]).expect(0);
    let closed = again(&etag);
    assert_eq!((closed.status, closed.header("cache-control")), (404, Some("private, no-store")));
}

#[test]
fn a_picture_is_shown_by_itself_for_a_phone_to_keep_and_counts_once() {
    let served = served("pin: none\n        max_downloads: 1");
    let page = served.get("/picture/1").text();
    assert!(page.contains(&format!("action=\"{}/file/0?view\"", served.page)), "{page}");
    let address = served.click("/file/0?view");
    for _ in 0..2 {
        let shown = get(served.at, &address);
        assert_eq!((shown.status, shown.header("content-type")), (200, Some("image/jpeg")));
        assert!(shown.header("content-disposition").unwrap().starts_with("inline; filename=\"S1001.jpg\""));
    }
    assert_eq!(served.counted(), 1);
    assert_eq!(served.post("/file/0").status, 403, "it was taken");
    // What a browser cannot show, or should not, is saved.
    let text = get(served.at, &served.click("/file/4?view"));
    assert!(text.header("content-disposition").unwrap().starts_with("attachment;"));
}

#[test]
fn a_picture_is_there_once_with_its_sizes() {
    let mut served = served("pin: none");
    let page = served.get("").text();
    assert_eq!(page.matches("class=\"print\"").count(), 2);
    for (number, size) in [(0, "Full size"), (1, "Full size"), (2, "Web 1042"), (3, "Web 1042")] {
        let button = page.split("<form").find(|form| form.contains(&format!("/file/{number}\""))).unwrap();
        assert!(button.contains(size), "{number}: {button}");
    }
    assert!(served.get("/picture/4").text().contains("2 of 2"));
    // One size of a picture is that picture.
    get(served.at, &served.click("/file/3"));
    served.studio.stop();
    let listed = served.studio.run(&["links", "list", "--json"]).expect(0).json();
    assert_eq!((&listed[0]["pictures"], &listed[0]["pictures_taken"]), (&2.into(), &1.into()));
}

#[test]
fn the_studio_can_be_written_to_wherever_a_client_is_stuck() {
    let at = free_address();
    let studio = studio_at("max_downloads: 1", &at.to_string());
    let text = std::fs::read_to_string(studio.path("hotfolders.yaml")).unwrap();
    studio.write("hotfolders.yaml", text.replacen("time_zone:", "email: ask@larson.example, time_zone:", 1).as_bytes());
    let served = served_at(studio, at, &paid("1042", &[1]));
    let entered = form(at, &format!("{}/pin", served.page), &format!("pin={}", served.pin.as_ref().unwrap()));
    let cookie = entered.cookie().unwrap();
    let with_pin = |method: &str, below: &str| {
        send(at, method, &format!("{}{below}", served.page), &[("cookie", cookie.as_str())], b"")
    };
    let page = with_pin("GET", "").text();
    assert!(page.contains("Whoever has its link and the PIN can open it"), "{page}");
    let clicked = with_pin("POST", "/file/0");
    assert_eq!(get(at, clicked.header("location").unwrap()).status, 200);
    let used_up = with_pin("POST", "/file/0");
    let closed = get(at, &format!("/d/{}", "A".repeat(43)));
    let pin = served.get("");
    for (page, status, asks) in [(&pin, 200, false), (&used_up, 403, true), (&closed, 404, true)] {
        let text = page.text();
        assert_eq!((page.status, text.contains("action=\"/ask\"")), (status, asks), "{text}");
        assert!(text.contains("<a href=\"mailto:ask@larson.example\">ask@larson.example</a>"), "{text}");
    }
}

#[test]
fn nothing_is_shown_before_the_pin() {
    let served = served_with(
        "expires: 5d",
        &paid("1042", &[1]).replacen('{', r#"{"client":{"first":"Ada","last":"Larson"},"#, 1),
    );
    let pin = served.pin.clone().unwrap();
    let landing = served.get("");
    assert_eq!(landing.status, 200);
    for secret in ["Ada", "S1001", "Full size", "thumb", "1042", &pin] {
        assert!(!landing.text().contains(secret), "{secret} is told before the PIN");
    }
    assert_eq!(served.get("/thumb/1").status, 403);
    assert_eq!(served.get("/screen/1").status, 403);
    assert!(served.get("/picture/1").text().contains("PIN") && !served.get("/picture/1").text().contains("S1001"));
    // A click without the PIN asks for it.
    assert!(served.post("/all").text().contains("name=\"pin\""));
    let wrong = format!("pin={:04}", (pin.parse::<u32>().unwrap() + 1) % 10_000);
    let give = |body: &str| form(served.at, &format!("{}/pin", served.page), body);
    assert_eq!(give(&wrong).status, 403);
    let right = give(&format!("pin=+{}+{}", &pin[..2], &pin[2..]));
    assert_eq!((right.status, right.header("location")), (303, Some(served.page.as_str())));
    let cookie = right.header("set-cookie").unwrap().to_string();
    for flag in ["HttpOnly", "SameSite=Lax", "Secure", &format!("Path={}", served.page)] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap().to_string();
    let with = |path: &str, cookie: &str| {
        send(served.at, "GET", &format!("{}{path}", served.page), &[("cookie", cookie)], b"")
    };
    assert!(with("", &cookie).text().contains("Pictures for Ada Larson"));
    assert_eq!(with("/thumb/1", &format!("a=b; {cookie}")).status, 200);
    assert!(!with("", &format!("{cookie}x")).text().contains("Ada"));

    // Five wrong ones in a row; then not even the right one is looked at.
    for _ in 0..6 {
        give(&wrong);
    }
    let refused = give(&format!("pin={pin}"));
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() > 30);
    // Who is in stays in.
    assert!(with("", &cookie).text().contains("Ada"));
    assert_no_secret_in_logs(&served);
}

/// Neither token nor PIN nor a signed address.
fn assert_no_secret_in_logs(served: &Served) {
    let token = served.page.strip_prefix("/d/").unwrap();
    let mut looked_at = 0;
    for name in files(&served.studio.path("logs")) {
        let text = std::fs::read_to_string(served.studio.path(&format!("logs/{name}"))).unwrap();
        assert!(!text.contains(token), "{name} has the token");
        let pin = served.pin.as_ref().map(|pin| format!(" {pin}"));
        assert!(!pin.is_some_and(|pin| text.contains(&pin)), "{name} has the PIN");
        looked_at += text.len();
    }
    assert!(looked_at > 100, "there is no log to look at");
}

#[test]
fn a_link_that_does_not_open_never_tells_why() {
    // The client reads German, and whoever holds the link now Spanish.
    let manifest = paid("1042", &[1, 2]).replacen('{', r#"{"client":{"language":"de"},"#, 1);
    let served = served_with("pin: none\n        single_files: false\n        max_downloads: 1", &manifest);
    let (unknown, spanish) = ("A".repeat(43), ("accept-language", "es-MX,es;q=0.9,en;q=0.8"));
    let closed = |page: &str| {
        let answer = send(served.at, "GET", page, &[spanish], b"");
        assert_eq!(answer.status, 404);
        let headers: Vec<_> = answer.headers.iter().filter(|(name, _)| name != "date").cloned().collect();
        (headers, answer.text().replace(page.strip_prefix("/d/").unwrap(), "TOKEN"))
    };
    let expected = closed(&format!("/d/{unknown}"));
    assert!(expected.1.contains("lang=\"es\"") && expected.1.contains("no es válido o ya no lo es"), "{}", expected.1);
    let open = send(served.at, "GET", &served.page, &[spanish], b"");
    assert!(open.status == 200 && open.text().contains("lang=\"de\""), "{}", open.text());
    assert!(open.text().contains("Ihre Bilder") && open.text().contains("Alles herunterladen"), "{}", open.text());
    let open = std::fs::read(served.studio.path(&format!("spool/links/{}.json", served.hash()))).unwrap();
    let begun = served.click("/all");
    for (why, change) in [
        ("expired", (|record: &mut Value| record["expires"] = "2020-01-01T00:00:00Z".into()) as fn(&mut Value)),
        ("revoked", |record| record["revoked"] = "2020-01-01T00:00:00Z".into()),
    ] {
        served.change_record(change);
        assert_eq!(closed(&served.page), expected, "{why}");
        assert_eq!(served.post("/all").status, 404, "{why}");
        // A download that has begun may come to its end, unless the link was revoked.
        assert_eq!(send(served.at, "HEAD", &begun, &[], b"").status, if why == "revoked" { 404 } else { 200 });
        std::fs::write(served.studio.path(&format!("spool/links/{}.json", served.hash())), &open).unwrap();
    }
    assert_eq!(get(served.at, &begun).status, 200);
    assert!(!expected.1.contains("mailto:"), "the studio has no address");
    assert_eq!(closed(&served.page), expected, "used up");
    assert_eq!(get(served.at, &begun).status, 200);

    // All of them after the same time, and the studio hears of its own link alone.
    let asked = |token: &str| {
        let start = std::time::Instant::now();
        let headers = [spanish, ("content-type", "application/x-www-form-urlencoded")];
        let answer = send(served.at, "POST", "/ask", &headers, format!("token={token}").as_bytes());
        assert!(answer.status == 200 && start.elapsed().as_millis() >= 250);
        assert!(answer.text().contains("lang=\"es\""), "{}", answer.text());
        answer.text()
    };
    let path = served.studio.path(&format!("spool/links/{}.asked", served.hash()));
    let text = asked(&unknown);
    assert!(!path.exists());
    assert_eq!(asked(served.page.strip_prefix("/d/").unwrap()), text);
    assert!(path.exists());
    assert_no_secret_in_logs(&served);
}

#[test]
fn ten_thousand_guesses_hit_nothing_and_are_told_to_wait() {
    let served = served("pin: none");
    let (waits, others) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..8_usize {
            let (at, waits, others) = (served.at, &waits, &others);
            scope.spawn(move || {
                for number in (thread..10_000).step_by(8) {
                    let token = format!("{number:043}");
                    match get(at, &format!("/d/{token}")).status {
                        404 => others.fetch_add(1, Ordering::Relaxed),
                        429 => waits.fetch_add(1, Ordering::Relaxed),
                        status => panic!("{token} is answered with {status}"),
                    };
                }
            });
        }
    });
    let (waits, others) = (waits.into_inner(), others.into_inner());
    assert!(others <= 25 && waits >= 9_975, "{others} were answered, {waits} told to wait");
    // A client behind the same address gets in all the same.
    assert_eq!(served.get("").status, 200);
    for odd in ["/d/", "/d/../../etc/passwd", "/d/%2e%2e%2f", "/d/a/b/c/d/e/f", &format!("/d/{}", "x".repeat(4000))] {
        let status = get(served.at, odd).status;
        assert!(matches!(status, 400 | 404 | 429), "{odd}: {status}");
    }
}

#[test]
fn pictures_to_look_at_cannot_be_taken() {
    let served = served("pin: none\n        show: view");
    let text = served.get("").text();
    assert!(text.contains("here to look at") && !text.contains("Download"), "{text}");
    assert_eq!(served.get("/screen/1").status, 200);
    for below in ["/all", "/file/0"] {
        assert_eq!(served.post(below).status, 404);
    }
    assert!(Path::new(&served.job).exists());
}
