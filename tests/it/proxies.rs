//! The web servers of the documentation in front of the real server: their examples are run as they are printed, with
//! other addresses.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::browser::{Browser, DESKTOP};
use crate::doors::{PASSWORD, noise, with_users};
use crate::http::free_address;
use crate::links::{link, paid, studio_at};
use crate::studio::Studio;
use crate::web::wait_open;

const DASHBOARD: &str = "dashboard.larson.example";
const PHOTOS: &str = "photos.larson.example";

/// The only block of a document in this language.
fn example(document: &str, language: &str) -> String {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(document)).unwrap();
    let fence = format!("```{language}\n");
    let mut blocks = text.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap());
    let block = blocks.next().unwrap_or_else(|| panic!("docs/{document} has no example in {language}"));
    assert!(blocks.next().is_none(), "docs/{document} has several examples in {language}");
    block.to_string()
}

/// A web server in front, in a folder of its own.
struct Front {
    child: Child,
    dir: tempfile::TempDir,
    at: SocketAddr,
}

impl Drop for Front {
    fn drop(&mut self) {
        // nginx ends its workers when it is asked to, not when it is killed.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

fn program(name: &str) -> PathBuf {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&paths).chain([PathBuf::from("/usr/sbin")]);
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing: run the tests with scripts/test, which installs it"))
}

/// A certificate for both names, and its key.
fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec![DASHBOARD.to_string(), PHOTOS.to_string()]).unwrap();
    let (certificate, place) = (folder.join("fullchain.pem"), folder.join("privkey.pem"));
    std::fs::write(&certificate, params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(&place, key.serialize_pem()).unwrap();
    (certificate, place)
}

impl Front {
    fn start(dir: tempfile::TempDir, at: SocketAddr, command: &mut Command) -> Front {
        let log = std::fs::File::create(dir.path().join("said")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.spawn().unwrap();
        let start = Instant::now();
        while TcpStream::connect(at).is_err() {
            let said = || std::fs::read_to_string(dir.path().join("said")).unwrap();
            assert!(child.try_wait().unwrap().is_none() && start.elapsed() < Duration::from_mins(1), "{}", said());
            std::thread::sleep(Duration::from_millis(50));
        }
        Front { child, dir, at }
    }

    /// With an example that hands on to `behind`, whatever address it names.
    fn nginx(example: &str, documented: &str, behind: SocketAddr) -> Front {
        let (dir, at) = (tempfile::tempdir().unwrap(), free_address());
        let (certificate, key) = certificate(dir.path());
        let block = example
            .replace("listen 443 ", &format!("listen {at} "))
            .replace("/etc/ssl/studio/fullchain.pem", certificate.to_str().unwrap())
            .replace("/etc/ssl/studio/privkey.pem", key.to_str().unwrap())
            .replace(documented, &behind.to_string());
        assert!(block.contains(&behind.to_string()) && block.contains(&at.to_string()), "{block}");
        let below = dir.path().display();
        let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary = kinds.map(|kind| format!("{kind}_temp_path {below}/{kind};\n")).concat();
        let text = format!(
            "daemon off;\nuser root;\npid {below}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{block}\n}}\n"
        );
        std::fs::write(dir.path().join("nginx.conf"), text).unwrap();
        let mut command = Command::new(program("nginx"));
        command.arg("-e").arg("stderr").arg("-p").arg(dir.path()).arg("-c").arg(dir.path().join("nginx.conf"));
        Front::start(dir, at, &mut command)
    }

    fn caddy(example: &str, name: &str, documented: &str, behind: SocketAddr) -> Front {
        let (dir, at) = (tempfile::tempdir().unwrap(), free_address());
        let (certificate, key) = certificate(dir.path());
        let tls = format!("  tls {} {}\n  bind {}", certificate.display(), key.display(), at.ip());
        let block = example
            .replace(&format!("{name} {{"), &format!("https://{name}:{} {{\n{tls}", at.port()))
            .replace(documented, &behind.to_string());
        assert!(block.contains(&behind.to_string()) && block.contains(&tls), "{block}");
        let global = format!(
            "{{\n  admin off\n  auto_https disable_redirects\n  storage file_system {}\n}}\n",
            dir.path().display()
        );
        std::fs::write(dir.path().join("Caddyfile"), global + &block + "\n").unwrap();
        let mut command = Command::new(program("caddy"));
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(dir.path().join("Caddyfile"));
        command.env("HOME", dir.path()).env("XDG_CONFIG_HOME", dir.path()).env("XDG_DATA_HOME", dir.path());
        Front::start(dir, at, &mut command)
    }

    /// What curl gets: the heads, and the body.
    fn curl(&self, name: &str, path: &str, args: &[&str]) -> (String, Vec<u8>) {
        let (heads, body) = (self.dir.path().join("heads"), self.dir.path().join("body"));
        let _ = std::fs::remove_file(&body);
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--show-error", "--max-time", "60"])
            .arg("--cacert")
            .arg(self.dir.path().join("fullchain.pem"));
        command.arg("--resolve").arg(format!("{name}:{}:{}", self.at.port(), self.at.ip()));
        command.arg("--dump-header").arg(&heads).arg("--output").arg(&body).args(args);
        let output = command.arg(format!("https://{name}:{}{path}", self.at.port())).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // 28: it was let run for so long.
        assert!(output.status.success() || output.status.code() == Some(28), "{path}: {said}");
        (std::fs::read_to_string(heads).unwrap().to_ascii_lowercase(), std::fs::read(body).unwrap_or_default())
    }
}

fn status(head: &str) -> u16 {
    head.split(' ').nth(1).unwrap_or_else(|| panic!("{head}")).trim().parse().unwrap()
}

fn dashboard() -> (Studio, SocketAddr) {
    let address = free_address();
    let mut studio = Studio::bare(&with_users(&format!("  listen: \"{address}\"\n  hosts: [{DASHBOARD}]\n")));
    studio.serve();
    wait_open(&studio, address);
    (studio, address)
}

/// What a studio does with its dashboard from another computer.
fn dashboard_works(front: &Front, studio: &Studio) {
    let jar = front.dir.path().join("jar");
    let jar = jar.to_str().unwrap();
    let origin = format!("Origin: https://{DASHBOARD}:{}", front.at.port());
    let (head, _) = front.curl(DASHBOARD, "/login", &["--compressed"]);
    assert!(head.starts_with("http/2 200") && head.contains("content-encoding: gzip"), "{head}");
    let log_in = |password: &str, from: &str, spoofed: &str| {
        let body = format!("user=anna&password={}", password.replace(' ', "+"));
        let args = ["--data", &body, "-H", &origin, "--interface", from, "-H", spoofed, "--cookie-jar", jar];
        front.curl(DASHBOARD, "/login", &args).0
    };
    for number in 0..5 {
        let head = log_in("wrong", "127.0.0.2", &format!("X-Forwarded-For: 198.51.100.{number}"));
        assert_eq!(status(&head), 401, "{head}");
    }
    let head = log_in(PASSWORD, "127.0.0.2", "X-Forwarded-For: 198.51.100.99");
    assert_eq!(status(&head), 429, "whatever the client says of itself: {head}");
    let head = log_in(PASSWORD, "127.0.0.3", "X-Unused: 1");
    assert_eq!(status(&head), 303, "the others do not wait: {head}");
    assert!(
        head.lines().filter(|line| line.starts_with("set-cookie:")).all(|line| line.ends_with("; secure")),
        "{head}"
    );
    // A picture larger than what nginx lets through unless it is told to.
    let (file, picture) = (front.dir.path().join("large.jpg"), noise(1500, 1000));
    assert!(picture.len() > 2_000_000);
    std::fs::write(&file, picture).unwrap();
    let picture = format!("pictures=@{}", file.display());
    let form = ["-F", "hot_folder=exports", "-F", "profile=web", "-F", "record=R9", "-F", &picture];
    let (head, body) = front.curl(DASHBOARD, "/drop", &[&form[..], &["-H", &origin, "--cookie", jar]].concat());
    assert_eq!(status(&head), 303, "{head}{}", String::from_utf8_lossy(&body));
    studio.wait_jobs("done", 1);
    // Events come at once, not when a buffer is full.
    let (_, events) = front.curl(DASHBOARD, "/events", &["--cookie", jar, "--no-buffer", "--max-time", "4"]);
    assert!(String::from_utf8_lossy(&events).contains("data: changed"), "{}", String::from_utf8_lossy(&events));
}

#[test]
fn the_dashboard_works_behind_the_nginx_of_the_documentation() {
    let (studio, address) = dashboard();
    dashboard_works(&Front::nginx(&example("dashboard.md", "nginx"), "127.0.0.1:8642", address), &studio);
}

#[test]
fn the_dashboard_works_behind_the_caddy_of_the_documentation() {
    let (studio, address) = dashboard();
    dashboard_works(
        &Front::caddy(&example("dashboard.md", "caddyfile"), DASHBOARD, "127.0.0.1:8642", address),
        &studio,
    );
}

#[test]
fn links_work_behind_both_web_servers_of_the_documentation() {
    let at = free_address();
    let mut studio = studio_at("pin: auto", &at.to_string());
    studio.serve();
    studio.drop_file("status", "i.json", &paid("1042", &[1, 2]));
    let job = studio.wait_jobs("done", 1).remove(0);
    let made = link(&studio, &job);
    let (url, pin) = (made["url"].as_str().unwrap(), made["pin"].as_str().unwrap());
    let page = url.strip_prefix("https://photos.larson.example").unwrap();
    wait_open_plain(&studio, at);
    let fronts = [
        Front::nginx(&example("links.md", "nginx"), "127.0.0.1:8643", at),
        Front::caddy(&example("links.md", "caddyfile"), PHOTOS, "127.0.0.1:8643", at),
    ];
    for (front, strangers) in fronts.iter().zip(["127.0.0.4", "127.0.0.5"]) {
        let jar = front.dir.path().join("jar");
        let jar = jar.to_str().unwrap();
        let give = |pin: &str, from: &str| {
            let body = format!("pin={pin}");
            let args = ["--data", &body, "--interface", from, "--cookie-jar", jar];
            status(&front.curl(PHOTOS, &format!("{page}/pin"), &args).0)
        };
        let wrong: Vec<u16> = (0..6).map(|_| give("no", strangers)).collect();
        assert_eq!(wrong, [403, 403, 403, 403, 403, 429]);
        assert_eq!(give(pin, "127.0.0.3"), 303);
        let (head, _) = front.curl(PHOTOS, &format!("{page}/all"), &["--data", "", "--cookie", jar]);
        let signed = head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap_or_else(|| panic!("{head}"));
        // Heads were made small; a token is not.
        assert!(signed.starts_with("/d/"), "{head}");
        let heads = std::fs::read_to_string(front.dir.path().join("heads")).unwrap();
        let signed = heads.lines().find_map(|line| line.split_once("ocation: ")).unwrap().1.trim();
        let (head, zip) = front.curl(PHOTOS, signed, &[]);
        assert_eq!(status(&head), 200, "{head}");
        let (head, rest) = front.curl(PHOTOS, signed, &["--range", "100-"]);
        assert_eq!((status(&head), rest.as_slice()), (206, &zip[100..]), "{head}");
    }
}

fn wait_open_plain(studio: &Studio, at: SocketAddr) {
    studio.wait("the download pages", || crate::http::try_send(at, "GET", "/", &[], b"").ok().map(drop));
}

#[test]
fn an_upload_that_the_web_server_in_front_refuses_says_so() {
    let (_studio, address) = dashboard();
    // Without its line about large bodies, and without a certificate that the browser does not know.
    let example = example("dashboard.md", "nginx");
    let lines =
        example.lines().filter(|line| !line.contains("client_max_body_size") && !line.contains("ssl_certificate"));
    let example = lines.collect::<Vec<_>>().join("\n").replace("listen 443 ssl http2;", "listen 443 ;");
    let front = Front::nginx(&example, "127.0.0.1:8642", address);
    let file = front.dir.path().join("large.jpg");
    std::fs::write(&file, vec![0; 3_300_000]).unwrap();
    let browser = Browser::open(DESKTOP);
    browser.go(&format!("http://{}/drop", front.at));
    browser.write("#user", "anna");
    browser.write("#password", PASSWORD);
    browser.click("main button");
    browser.wait_text("h1", "Drop");
    browser.write("form[data-drop=pictures] [name=pictures]", file.to_str().unwrap());
    browser.click("form[data-drop=pictures] button");
    browser.wait_text("form[data-drop=pictures] .upload-state", "The web server in front took only");
}
