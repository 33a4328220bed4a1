//! HTTPS without a web server in front: from another computer of the studio, and for clients.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::doors::{PASSWORD, outside, with_users};
use crate::http::free_address;
use crate::links::{link, paid, studio_at};
use crate::studio::{CONFIG, Studio, files};

const HOST: &str = "studio-pc.local";

fn own_address() -> IpAddr {
    outside().expect("this machine has no address but loopback: the test needs one")
}

/// Waits until TLS is spoken there.
fn wait_open(studio: &Studio, at: SocketAddr, trusted: &Path) {
    studio.wait("an answer over TLS", || {
        curl(at, HOST, "/healthz", trusted, &[]).filter(|(head, _)| status(head) == 200)
    });
}

/// What curl gets from there under this name, with a certificate that it trusts; `None` when it does not.
fn curl(at: SocketAddr, name: &str, path: &str, trusted: &Path, args: &[&str]) -> Option<(String, String)> {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "60", "--include"]).arg("--cacert").arg(trusted);
    command.arg("--resolve").arg(format!("{name}:{}:{}", at.port(), at.ip()));
    let output = command.args(args).arg(format!("https://{name}:{}{path}", at.port())).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").filter(|_| output.status.success())?;
    Some((head.to_ascii_lowercase(), body.to_string()))
}

fn status(head: &str) -> u16 {
    head.split(' ').nth(1).unwrap_or_else(|| panic!("{head}")).trim().parse().unwrap()
}

/// SHA-256 of the first certificate in a file, as browsers show it.
fn fingerprint(pem: &Path) -> String {
    let output = Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
        .arg(pem)
        .output()
        .expect("openssl is missing: run the tests with scripts/test, which installs it");
    String::from_utf8_lossy(&output.stdout).trim().split('=').nth(1).unwrap().to_string()
}

fn log(studio: &Studio) -> String {
    let names = files(&studio.path("logs"));
    names.iter().map(|name| std::fs::read_to_string(studio.path("logs").join(name)).unwrap()).collect()
}

#[test]
fn from_the_front_desk_one_logs_in_without_any_other_program() {
    let at = SocketAddr::new(own_address(), free_address().port());
    let keys = format!("  listen: \"0.0.0.0:{}\"\n  hosts: [{HOST}]\n  tls: self-signed\n", at.port());
    let mut studio = Studio::bare(&with_users(&keys));
    let before = studio.run(&["check"]);
    assert!(before.out.contains("self-signed, made when the server starts"), "{before:?}");
    assert!(before.out.contains(" 0 warnings"), "{before:?}");
    assert!(!studio.path("spool/web").exists(), "check makes nothing");
    studio.serve();
    let own = studio.path("spool/web/dashboard.pem");
    wait_open(&studio, at, &own);
    let shown = fingerprint(&own);
    let url = format!("https://{HOST}:{}/", at.port());
    for said in [studio.run(&["check"]).out, studio.run(&["status"]).expect(0).out, log(&studio)] {
        assert!(said.contains(&shown), "{shown}: {said}");
    }
    for said in [studio.run(&["status"]).expect(0).out, log(&studio)] {
        assert!(said.contains(&url) && !said.contains("0.0.0.0"), "{said}");
    }
    assert_eq!(std::fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o600);
    // In and out as a browser does it, from this machine's address in its network.
    let jar = studio.path("jar");
    let jar = jar.to_str().unwrap();
    let login = format!("user=anna&password={}", PASSWORD.replace(' ', "+"));
    let form = ["--data", &login, "-H", "Sec-Fetch-Site: same-origin", "--cookie-jar", jar, "--cookie", jar];
    let (head, _) = curl(at, HOST, "/login", &own, &form).unwrap();
    assert_eq!(status(&head), 303, "{head}");
    assert!(
        head.lines().filter(|line| line.starts_with("set-cookie")).all(|line| line.ends_with("; secure")),
        "{head}"
    );
    let (head, page) = curl(at, HOST, "/", &own, &["--cookie", jar]).unwrap();
    assert!(status(&head) == 200 && page.contains("<h1>Queue"), "{head}{page}");
    // Secure also where plain HTTP would do.
    let local = SocketAddr::new(IpAddr::from([127, 0, 0, 1]), at.port());
    let (head, _) = curl(local, "localhost", "/login", &own, &form).unwrap();
    assert!(
        head.lines().filter(|line| line.starts_with("set-cookie")).all(|line| line.ends_with("; secure")),
        "{head}"
    );
    // A restart shows the same certificate.
    assert_eq!(studio.stop(), Some(0));
    studio.serve();
    wait_open(&studio, at, &own);
    assert_eq!(fingerprint(&own), shown);
}

fn plain(at: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn http_is_led_to_https_and_nobody_who_says_nothing_keeps_others_out() {
    let at = free_address();
    let mut studio = Studio::bare(&with_users(&format!("  listen: \"{at}\"\n  hosts: [{HOST}]\n  tls: self-signed\n")));
    studio.serve();
    let own = studio.path("spool/web/dashboard.pem");
    wait_open(&studio, at, &own);
    let led =
        plain(at, &format!("GET /jobs/1?x=2 HTTP/1.1\r\nhost: {HOST}:{}\r\nconnection: close\r\n\r\n", at.port()));
    assert!(
        led.contains(" 307 ") && led.contains(&format!("location: https://{HOST}:{}/jobs/1?x=2\r\n", at.port())),
        "{led}"
    );
    let form = "POST /login HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\nconnection: close\r\n\r\na=b";
    for odd in [form, "GET / HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n"] {
        let said = plain(at, odd);
        assert!(said.contains(" 400 ") && said.contains("speaks HTTPS") && !said.contains("location:"), "{said}");
    }
    // Half of them say nothing, half break off within the handshake.
    let silent: Vec<TcpStream> = (0..400)
        .map(|number| {
            let mut stream = TcpStream::connect(at).unwrap();
            if number % 2 == 0 {
                stream.write_all(&[0x16, 3, 1, 2, 0, 1]).unwrap();
            }
            stream
        })
        .collect();
    for _ in 0..5 {
        let start = Instant::now();
        let (head, _) = curl(at, HOST, "/healthz", &own, &[]).unwrap();
        assert!(status(&head) == 200 && start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    }
    drop(silent);
    for garbage in [&[0x16, 3, 1, 0xff, 0xff][..], &[0x80; 300], b"\0"] {
        plain(at, &String::from_utf8_lossy(garbage));
    }
    assert!(curl(at, HOST, "/healthz", &own, &[]).is_some());
}

/// A certificate for a name, good for so many days from `since`, in files of the studio's.
fn make(studio: &Studio, stem: &str, name: &str, years: (i32, i32)) -> (PathBuf, PathBuf) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![name.to_string()]).unwrap();
    params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
    studio.write(&format!("{stem}.pem"), params.self_signed(&key).unwrap().pem().as_bytes());
    studio.write(&format!("{stem}.key"), key.serialize_pem().as_bytes());
    (studio.path(&format!("{stem}.pem")), studio.path(&format!("{stem}.key")))
}

#[test]
fn a_certificate_of_ones_own_is_looked_over_served_and_followed() {
    let at = free_address();
    let keys = format!("  listen: \"{at}\"\n  hosts: [{HOST}]\n  tls: {{ certificate: a.pem, key: a.key }}\n");
    let mut studio = Studio::bare(&with_users(&keys));
    let good = (2020, 2120);
    let said = |studio: &Studio| {
        let ran = studio.run(&["check"]);
        (ran.code == Some(0), ran.out + &ran.err)
    };
    assert!(said(&studio).1.contains("a.pem"), "{}", said(&studio).1);
    let (a, _) = make(&studio, "a", HOST, good);
    let (fine, text) = said(&studio);
    assert!(fine && text.contains(&fingerprint(&a)) && text.contains("until 2120-01-01"), "{text}");
    make(&studio, "a", "other.local", good);
    assert!(said(&studio).1.contains("it is not for `studio-pc.local`"), "{}", said(&studio).1);
    make(&studio, "a", HOST, (2000, 2001));
    assert!(said(&studio).1.contains("it has ended at 2001-01-01"), "{}", said(&studio).1);
    make(&studio, "a", HOST, good);
    let (b, b_key) = make(&studio, "b", HOST, good);
    std::fs::copy(&b_key, studio.path("a.key")).unwrap();
    assert!(said(&studio).1.contains("is not that of the certificate"), "{}", said(&studio).1);
    // It is waited for, and the dashboard is not opened without it.
    studio.serve();
    studio
        .wait("the error in the log", || log(&studio).contains("it is not opened without a certificate").then_some(()));
    assert!(TcpStream::connect(at).is_err());
    std::fs::copy(&b, studio.path("a.pem")).unwrap();
    wait_open(&studio, at, &b);
    // Another pair is followed, one that does not fit together is not.
    let (c, c_key) = make(&studio, "c", HOST, good);
    std::fs::copy(&c, studio.path("a.pem")).unwrap();
    studio.wait("the warning", || log(&studio).contains("the one before stays").then_some(()));
    assert!(curl(at, HOST, "/healthz", &b, &[]).is_some() && curl(at, HOST, "/healthz", &c, &[]).is_none());
    std::fs::copy(&c_key, studio.path("a.key")).unwrap();
    wait_open(&studio, at, &c);
    assert!(curl(at, HOST, "/healthz", &b, &[]).is_none());
}

#[test]
fn a_link_is_opened_over_tls() {
    let at = free_address();
    let mut studio =
        studio_at("pin: none", &format!("{at}\", tls: self-signed, trusted_proxies: [], folder: \"downloads"));
    studio.serve();
    studio.drop_file("status", "i.json", &paid("1042", &[1]));
    let job = studio.wait_jobs("done", 1).remove(0);
    let url = link(&studio, &job)["url"].as_str().unwrap().to_string();
    let page = url.strip_prefix("https://photos.larson.example").unwrap();
    let own = studio.path("spool/web/downloads.pem");
    let get = |path: &str| curl(at, "photos.larson.example", path, &own, &[]);
    let (head, body) = studio.wait("the page", || get(page));
    assert!(status(&head) == 200 && body.contains("Download"), "{head}");
}

#[test]
fn a_dashboard_that_nobody_can_log_in_to_is_warned_of() {
    let warned = |server: &str| {
        let ran = Studio::bare(&with_users(server)).run(&["check"]).expect(0);
        (ran.out + &ran.err).contains("nobody can log in from another computer")
    };
    assert!(warned("  listen: \"0.0.0.0:8642\"\n"));
    assert!(!warned("  listen: \"127.0.0.1:8642\"\n"));
    assert!(!warned("  listen: \"0.0.0.0:8642\"\n  tls: self-signed\n"));
    assert!(!warned("  listen: \"0.0.0.0:8642\"\n  trusted_proxies: [10.0.0.2]\n"));
    let wrong = Studio::bare(&with_users("  tls: letsencrypt\n")).run(&["check"]).expect(2);
    assert!((wrong.out + &wrong.err).contains("`self-signed`, or `{ certificate:"));
    let plain = format!("{CONFIG}\ndownloads: {{ public_url: \"http://photos.example\", tls: self-signed }}\n");
    let wrong = Studio::bare(&plain).run(&["check"]).expect(2);
    assert!((wrong.out + &wrong.err).contains("what links start with does so too"));
}
