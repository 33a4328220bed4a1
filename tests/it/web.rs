//! What every page has in common: its headers, its limits, and that nobody on the network can keep others out.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::http::{self, free_address, get, send};
use crate::studio::{CONFIG, Studio, session};

/// A studio with a dashboard for everybody on this machine, and where it is.
fn studio() -> (Studio, SocketAddr) {
    let address = free_address();
    let studio = Studio::bare(&format!("{CONFIG}\nserver: {{ listen: \"{address}\" }}\n"));
    for number in 1..=3 {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 90, 60);
    }
    (studio, address)
}

/// Waits until somebody answers.
pub fn wait_open(studio: &Studio, address: SocketAddr) {
    studio.wait("an answer", || http::try_send(address, "GET", "/healthz", &[], b"").ok().map(drop));
}

#[test]
fn every_answer_has_the_headers_and_errors_are_pages() {
    let (mut studio, address) = studio();
    studio.serve();
    wait_open(&studio, address);
    let health = get(address, "/healthz");
    assert_eq!((health.status, health.text().as_str()), (200, "ok\n"));
    let missing = get(address, "/no/such/page");
    let denied = send(address, "DELETE", "/healthz", &[], b"");
    for (answer, status) in [(&health, 200), (&missing, 404), (&denied, 405)] {
        assert_eq!(answer.status, status);
        let header = |name| answer.header(name).unwrap_or_else(|| panic!("{name} is missing: {answer:?}"));
        assert!(header("content-security-policy").starts_with("default-src 'self';"));
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
        assert!(!header("content-security-policy").contains("unsafe"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("cache-control"), "private, no-store");
    }
    let page = missing.text();
    assert!(page.contains("<h1>Not found</h1>") && page.contains("/style.css"), "{page}");
    let style = page.split('"').find(|part| part.ends_with("/style.css")).unwrap();
    let style = get(address, style);
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
    assert!(style.header("cache-control").unwrap().contains("immutable"));
    let program = send(address, "GET", "/no", &[("accept", "application/json")], b"");
    assert!(program.json()["error"].as_str().unwrap().contains("nothing at this address"));
}

#[test]
fn a_busy_address_is_waited_for_while_jobs_run() {
    let (mut studio, address) = studio();
    let other = TcpListener::bind(address).unwrap();
    studio.serve();
    studio.drop_file("status", "a.json", &session("R1", &[1, 2]));
    studio.wait_jobs("done", 1);
    drop(other);
    wait_open(&studio, address);
    // A config with another address is followed.
    let moved = free_address();
    let edited = std::fs::read_to_string(studio.path("hotfolders.yaml")).unwrap();
    studio.write("hotfolders.yaml", edited.replace(&address.to_string(), &moved.to_string()).as_bytes());
    wait_open(&studio, moved);
    studio.wait("the old address to be left", || TcpStream::connect(address).is_err().then_some(()));
    assert_eq!(studio.stop(), Some(0));
}

#[test]
fn five_hundred_who_send_slowly_keep_nobody_out() {
    let (mut studio, address) = studio();
    studio.serve();
    wait_open(&studio, address);
    // Half of them stop within the head, half within the body.
    let open = |number: usize| {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(10)).unwrap();
        let head = if number.is_multiple_of(2) {
            "GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ".to_string()
        } else {
            format!(
                "POST /login HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 1000\r\n\r\nuser="
            )
        };
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let mut slow: Vec<TcpStream> = (0..500).map(open).collect();
    studio.drop_file("status", "a.json", &session("R1", &[1, 2, 3]));
    for _ in 0..20 {
        let start = Instant::now();
        assert_eq!(get(address, "/healthz").status, 200);
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
    studio.wait_jobs("done", 1);
    // Some of them were sent away for it.
    let is_gone = |stream: &mut TcpStream| {
        stream.set_nonblocking(true).unwrap();
        !matches!(stream.read(&mut [0]), Err(e) if e.kind() == std::io::ErrorKind::WouldBlock)
    };
    assert!(slow.iter_mut().map(is_gone).filter(|gone| *gone).count() > 200);
    let start = Instant::now();
    assert_eq!(studio.stop(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(8), "a stop takes {:?}", start.elapsed());
}
