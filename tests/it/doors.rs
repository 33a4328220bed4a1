//! Who is let in, through what, and what it may cost: strangers, guesses, greedy readers, web servers in front.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::downloads::{served, served_with};
use crate::http::{Answer, free_address, get, send};
use crate::links::paid;
use crate::studio::{CONFIG, Studio};
use crate::web::wait_open;

pub const PASSWORD: &str = "an even longer secret";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A config with two users and these keys of `server` besides.
pub fn with_users(keys: &str) -> String {
    let hash = hotfolders::web::dashboard::hash(PASSWORD.as_bytes()).unwrap();
    format!(
        "{CONFIG}\nserver:\n  users:\n    anna: {{ password: \"{hash}\", role: operator }}\n    vera: {{ password: \"{hash}\" }}\n{keys}"
    )
}

fn studio(keys: &str) -> (Studio, SocketAddr) {
    let address = free_address();
    let mut studio = Studio::bare(&with_users(&format!("  listen: \"{address}\"\n{keys}")));
    studio.serve();
    wait_open(&studio, address);
    (studio, address)
}

/// A login by the form, from somewhere behind a web server on this machine.
fn log_in(address: SocketAddr, user: &str, password: &str, from: &str, cookies: &str) -> Answer {
    let body = format!("user={user}&password={}", password.replace(' ', "+"));
    let headers = [FORM, ("sec-fetch-site", "same-origin"), ("x-forwarded-for", from), ("cookie", cookies)];
    send(address, "POST", "/login", &headers, body.as_bytes())
}

fn cookies(answer: &Answer) -> Vec<&str> {
    answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str()).collect()
}

#[test]
fn other_names_and_web_servers_need_users() {
    for key in ["hosts: [studio.example]", "trusted_proxies: [10.0.0.2]"] {
        let config = format!("{CONFIG}\nserver: {{ listen: \"127.0.0.1:8642\", {key} }}\n");
        let ran = Studio::bare(&config).run(&["check"]).expect(2);
        let said = ran.out + &ran.err;
        assert!(said.contains("without `users` the dashboard is for this computer alone"), "{said}");
    }
    let wrong = Studio::bare(&with_users("  trusted_proxies: [proxy.example]\n")).run(&["check"]).expect(2);
    assert!((wrong.out + &wrong.err).contains("`proxy.example` is not an address or a network such as"));
}

#[test]
fn without_users_nothing_is_done_that_came_through_a_web_server() {
    let address = free_address();
    let mut studio = Studio::bare(&format!("{CONFIG}\nserver: {{ listen: \"{address}\" }}\n"));
    studio.serve();
    wait_open(&studio, address);
    let handed_on: [&[(&str, &str)]; 6] = [
        &[("x-forwarded-for", "203.0.113.9")],
        &[("forwarded", "for=203.0.113.9")],
        &[("x-real-ip", "127.0.0.1")],
        &[("via", "1.1 caddy")],
        &[("x-forwarded-proto", "https"), ("host", "localhost")],
        &[("origin", "https://studio.example"), ("sec-fetch-site", "same-origin")],
    ];
    for headers in handed_on {
        for (method, path) in [("GET", "/"), ("POST", "/pause"), ("GET", "/api/status"), ("GET", "/healthz")] {
            let mut headers = headers.to_vec();
            headers.extend([FORM, ("accept", "text/html")]);
            let answer = send(address, method, path, &headers, b"");
            assert_eq!(answer.status, 403, "{method} {path} {headers:?}");
            let said = answer.text();
            assert!(said.contains("hotfolders hash-password") && said.contains("server.users"), "{said}");
        }
    }
    let named = send(address, "GET", "/", &[("host", "studio.example")], b"");
    let style = named.text().split('"').find(|part| part.ends_with("/style.css")).unwrap().to_string();
    assert_eq!(send(address, "GET", &style, &[("host", "studio.example")], b"").status, 200, "the page has its style");
    assert!(named.status == 421 && named.text().contains("server.users"), "{}", named.text());
    // A web server that says nothing of itself speaks HTTP/1.0.
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("GET / HTTP/1.0\r\nhost: {address}\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(" 403 "), "{answer}");
    assert!(!studio.run(&["status"]).expect(0).out.contains("paused"));
    // The browser of whoever sits there is served.
    let origin = format!("http://{address}");
    assert_eq!(get(address, "/").status, 200);
    assert_eq!(send(address, "POST", "/pause", &[FORM, ("origin", &origin)], b"").status, 303);
    assert!(studio.run(&["status"]).expect(0).out.contains("paused"));
}

#[test]
fn a_stranger_keeps_nobody_else_out_of_the_dashboard() {
    let (studio, address) = studio("");
    let first = log_in(address, "anna", PASSWORD, "198.51.100.1", "");
    let set = cookies(&first);
    assert_eq!(set.len(), 2, "{set:?}");
    let browser = set.iter().find(|cookie| cookie.starts_with("hotfolders-browser-")).unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/login", "Max-Age=15552000"] {
        assert!(browser.contains(part), "{browser}");
    }
    let browser = browser.split(';').next().unwrap();
    for _ in 0..5 {
        assert_eq!(log_in(address, "anna", "wrong", "203.0.113.9", "").status, 401);
    }
    let sixth = log_in(address, "anna", PASSWORD, "203.0.113.9", "");
    assert_eq!(sixth.status, 429, "the sixth is not compared");
    assert_eq!(log_in(address, "anna", PASSWORD, "198.51.100.77", "").status, 303, "a clean address");
    assert_eq!(log_in(address, "anna", PASSWORD, "203.0.113.9", browser).status, 303, "a browser that was in before");
    assert_eq!(log_in(address, "vera", PASSWORD, "203.0.113.9", browser).status, 303, "another name");
    // From ever more places, until all newcomers are slowed down.
    let mut refused = 0;
    for number in 0..120 {
        refused += u32::from(log_in(address, "anna", "wrong", &format!("192.0.2.{number}"), "").status == 429);
    }
    assert!(refused >= 20, "{refused}");
    assert_eq!(log_in(address, "anna", PASSWORD, "198.51.100.99", "").status, 429);
    assert_eq!(log_in(address, "anna", PASSWORD, "198.51.100.99", browser).status, 303);
    // The cookie alone opens nothing, and the server knows it after a restart.
    assert_eq!(send(address, "GET", "/", &[("cookie", browser)], b"").status, 303);
    assert!(studio.path("spool/web/key").exists());
}

#[test]
fn a_stranger_with_the_address_does_not_keep_its_client_out() {
    let served = served("pin: auto");
    let give = |pin: &str, from: &str| {
        let headers = [FORM, ("x-forwarded-for", from)];
        send(served.at, "POST", &format!("{}/pin", served.page), &headers, format!("pin={pin}").as_bytes()).status
    };
    let pin = served.pin.as_deref().unwrap();
    let tried: Vec<u16> = (0..5).map(|_| give("no", "203.0.113.9")).collect();
    assert_eq!(tried, [403; 5]);
    assert_eq!(give(pin, "203.0.113.9"), 429, "the sixth is not compared");
    assert_eq!(give(pin, "198.51.100.1"), 303);
}

#[test]
fn sixty_logins_take_the_memory_of_one() {
    let (studio, address) = studio("");
    assert_eq!(log_in(address, "anna", PASSWORD, "198.51.100.1", "").status, 303);
    let one = studio.memory_bytes();
    for number in 0..40 {
        let from = format!("198.51.100.{number}");
        assert_eq!(log_in(address, "anna", PASSWORD, &from, "").status, 303);
    }
    std::thread::scope(|scope| {
        for number in 0..20 {
            scope.spawn(move || {
                let answer = log_in(address, "anna", PASSWORD, &format!("192.0.2.{number}"), "");
                assert!([303, 503].contains(&answer.status), "{}", answer.status);
                assert!(answer.status == 303 || answer.header("retry-after").is_some());
            });
        }
    });
    let all = studio.memory_bytes();
    assert!(all < one + 24 * 1024 * 1024, "from {one} to {all} bytes");
}

/// A picture that no codec makes small.
pub fn noise(width: u32, height: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let pixels: Vec<u8> = (0..width * height * 3)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let image = turbojpeg::Image {
        pixels: pixels.as_slice(),
        width: width as usize,
        pitch: width as usize * 3,
        height: height as usize,
        format: turbojpeg::PixelFormat::RGB,
    };
    turbojpeg::compress(image, 95, turbojpeg::Subsamp::None).unwrap().to_vec()
}

#[test]
fn readers_who_take_nothing_leave_the_others_their_seats() {
    let at = free_address();
    let mut studio = crate::links::studio_at("pin: none", &at.to_string());
    for number in 1..=3 {
        studio.write(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), &noise(1500, 1000));
    }
    studio.serve();
    studio.drop_file("status", "i.json", &paid("1042", &[1, 2, 3]));
    let job = studio.wait_jobs("done", 1).remove(0);
    studio.wait("the download pages", || crate::http::try_send(at, "GET", "/", &[], b"").ok());
    let url = crate::links::link(&studio, &job)["url"].as_str().unwrap().to_string();
    let page = url.strip_prefix("https://photos.larson.example").unwrap();
    let click = || {
        let answer = send(at, "POST", &format!("{page}/all"), &[], b"");
        answer.header("location").unwrap().to_string()
    };
    let before = studio.memory_bytes();
    let ask = |signed: &str, from: &str| {
        let mut stream = TcpStream::connect(at).unwrap();
        let head = format!("GET {signed} HTTP/1.1\r\nhost: {at}\r\nx-forwarded-for: {from}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let signed = click();
    let mut greedy: Vec<TcpStream> = (0..600).map(|_| ask(&signed, "203.0.113.9")).collect();
    std::thread::sleep(Duration::from_millis(500));
    let answered = |stream: &mut TcpStream| {
        let mut head = [0; 400];
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let bytes = stream.read(&mut head).unwrap_or(0);
        String::from_utf8_lossy(&head[..bytes]).to_ascii_lowercase()
    };
    let heads: Vec<String> = greedy.iter_mut().map(answered).collect();
    let taken = heads.iter().filter(|head| head.starts_with("http/1.1 200")).count();
    assert_eq!(taken, 16, "of one click");
    let refused = heads.iter().find(|head| head.starts_with("http/1.1 503")).unwrap();
    assert!(refused.contains("retry-after: 10"), "{refused}");
    // Another click from the same place has the rest of that place's share, and no more.
    let signed = click();
    let mut more: Vec<TcpStream> = (0..40).map(|_| ask(&signed, "203.0.113.9")).collect();
    std::thread::sleep(Duration::from_millis(500));
    let taken = more.iter_mut().map(answered).filter(|head| head.starts_with("http/1.1 200")).count();
    assert_eq!(taken, 16, "of one network");
    // Everybody else is served at once, as often as they like.
    for number in 0..20 {
        let start = Instant::now();
        let from = format!("198.51.100.{number}");
        assert_eq!(send(at, "GET", page, &[("x-forwarded-for", &from)], b"").status, 200);
        let whole = send(at, "GET", &click(), &[("x-forwarded-for", &from)], b"");
        assert!(whole.status == 200 && whole.body.len() > 2_000_000, "{}", whole.status);
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    }
    let after = studio.memory_bytes();
    assert!(after < before + 48 * 1024 * 1024, "from {before} to {after} bytes");
    drop((greedy, more));
    studio.wait("the seats to be free again", || {
        (send(at, "GET", &signed, &[("x-forwarded-for", "203.0.113.9")], b"").status == 200).then_some(())
    });
}

/// This machine as another one in its network sees it.
pub fn outside() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent.
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().unwrap().ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

#[test]
fn a_web_server_elsewhere_is_believed_where_the_config_names_it() {
    let Some(own) = outside() else { panic!("this machine has no address but loopback: the test needs one") };
    let trials = [(String::new(), false), (format!("  trusted_proxies: [{own}]\n"), true)];
    for (keys, is_trusted) in trials {
        let port = free_address().port();
        let mut studio = Studio::bare(&with_users(&format!("  listen: \"0.0.0.0:{port}\"\n{keys}")));
        studio.serve();
        let address = SocketAddr::new(own, port);
        wait_open(&studio, address);
        for _ in 0..5 {
            assert_eq!(log_in(address, "anna", "wrong", "[2001:db8::1]:99", "").status, 401);
        }
        let other = log_in(address, "anna", PASSWORD, "198.51.100.1:4444", "").status;
        assert_eq!(other, if is_trusted { 303 } else { 429 }, "trusted: {is_trusted}");
        assert_eq!(log_in(address, "anna", PASSWORD, "2001:db8::2", "").status, 429, "the same /64");
    }
}

#[test]
fn a_manifest_that_no_scan_would_see_is_refused() {
    let address = free_address();
    let mut studio = Studio::bare(&format!("{CONFIG}\nserver: {{ listen: \"{address}\" }}\n"));
    studio.picture("sessions/S1/Hi-Res/S1001.jpg", 90, 60);
    studio.serve();
    wait_open(&studio, address);
    let origin = format!("http://{address}");
    let kind = ("content-type", "multipart/form-data; boundary=b");
    let part = |name: &str, file: Option<&str>, text: &str| {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{text}\r\n")
    };
    let drop_manifest = |file: &str| {
        let manifest = crate::studio::session("R1", &[1]);
        let body = part("hot_folder", None, "status") + &part("manifest", Some(file), &manifest) + "--b--\r\n";
        send(address, "POST", "/drop", &[kind, ("origin", &origin)], body.as_bytes())
    };
    for file in [".hidden.json", "..json", "~a.json", "...json", "folder/.hidden.json"] {
        let answer = drop_manifest(file);
        assert_eq!(answer.status, 400, "{file}: {}", answer.text());
        assert!(answer.text().contains("Give it another name"), "{}", answer.text());
    }
    // What is typed as the name of a session may begin so: it is made visible.
    let picture = String::from_utf8_lossy(b"x").into_owned();
    let body = part("hot_folder", None, "exports")
        + &part("profile", None, "web")
        + &part("record", None, ".hidden")
        + &part("pictures", Some("a.jpg"), &picture)
        + "--b--\r\n";
    let answer = send(address, "POST", "/drop", &[kind, ("origin", &origin)], body.as_bytes());
    assert_eq!(answer.status, 303, "{}", answer.text());
    let lying = || crate::studio::files(&studio.path("drop/exports"));
    studio.wait("the pictures to be taken", || lying().is_empty().then_some(()));
    assert_eq!(drop_manifest("seen.json").status, 303);
    studio.wait_jobs("done", 1);
}

#[test]
fn no_answer_of_the_download_door_is_kept_by_a_search_engine() {
    let served = served_with("pin: none", &paid("1042", &[1]));
    let at = served.at;
    for (method, path) in [
        ("GET", "/"),
        ("GET", served.page.as_str()),
        ("GET", "/robots.txt"),
        ("GET", "/no/such/page"),
        ("GET", "/d"),
        ("DELETE", "/"),
        ("GET", "/assets/x/nothing.css"),
    ] {
        let answer = send(at, method, path, &[], b"");
        assert_eq!(answer.header("x-robots-tag"), Some("noindex, nofollow, noarchive"), "{method} {path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{method} {path}");
    }
}

#[test]
fn programs_are_told_how_to_log_in_and_browsers_are_not_asked_in_a_window() {
    let (studio, address) = studio("");
    let told = |path: &str| get(address, path).header("www-authenticate").map(String::from);
    assert_eq!(told("/api/status").unwrap(), "Basic realm=\"dashboard\", charset=\"UTF-8\"");
    assert!(told("/metrics").unwrap().starts_with("Basic "));
    assert!(told("/events").unwrap().starts_with("Cookie "), "the page itself asks for these");
    let wrong = log_in(address, "anna", "wrong", "198.51.100.1", "");
    assert!(wrong.status == 401 && wrong.header("www-authenticate").unwrap().starts_with("Cookie "), "{wrong:?}");
    let file = studio.path("status.json");
    let wget = std::process::Command::new("wget")
        .args(["--quiet", "--user=anna", "--password"])
        .arg(PASSWORD)
        .arg("-O")
        .arg(&file)
        .arg(format!("http://{address}/api/status"))
        .output()
        .expect("wget is missing: run the tests with scripts/test, which installs it");
    assert!(wget.status.success(), "{wget:?}");
    assert!(studio.json(&file).is_object());
}

#[test]
fn pages_are_compressed_and_what_a_browser_has_is_not_sent_again() {
    let served = served_with("pin: none", &paid("1042", &[1]));
    let at = served.at;
    let gzip = ("accept-encoding", "gzip");
    let page = send(at, "GET", &served.page, &[gzip], b"");
    assert_eq!((page.status, page.header("content-encoding")), (200, Some("gzip")));
    assert!(page.header("vary").unwrap().contains("accept-encoding"));
    assert!(page.body.starts_with(&[0x1f, 0x8b]) && page.body.len() < get(at, &served.page).body.len());
    let small = send(at, "GET", &format!("{}/thumb/1", served.page), &[gzip], b"");
    assert_eq!((small.status, small.header("content-encoding")), (200, None), "a picture");
    let text = get(at, &served.page).text();
    let style = text.split('"').find(|part| part.ends_with(".css")).unwrap();
    let etag = get(at, style).header("etag").unwrap().to_string();
    let again = send(at, "GET", style, &[("if-none-match", &etag)], b"");
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(etag.as_str())));
    assert_eq!(send(at, "GET", style, &[("if-none-match", "\"other\"")], b"").status, 200);
    // A download that is there already is not counted, and not sent.
    let click = send(at, "POST", &format!("{}/all", served.page), &[], b"");
    let signed = click.header("location").unwrap();
    let etag = send(at, "HEAD", signed, &[], b"").header("etag").unwrap().to_string();
    let again = send(at, "GET", signed, &[gzip, ("if-none-match", &format!("\"x\", {etag}"))], b"");
    assert_eq!((again.status, again.body.len()), (304, 0));
    let whole = send(at, "GET", signed, &[gzip], b"");
    assert_eq!((whole.status, whole.header("content-encoding")), (200, None));
    assert_eq!(whole.body, served.zip());
}

#[test]
fn an_error_page_has_a_head_and_a_way_back_and_the_log_says_what_was_asked_for() {
    let address = free_address();
    let mut studio = Studio::bare(&format!("{CONFIG}\nserver: {{ listen: \"{address}\" }}\n"));
    studio.serve();
    wait_open(&studio, address);
    let missing = get(address, "/no/such/page").text();
    for part in ["class=\"brand\" href=\"/\"", "Larson Portraits", "<a href=\"/\">Go to the queue</a>", "Not found"] {
        assert!(missing.contains(part), "{part}: {missing}");
    }
    let origin = format!("http://{address}");
    let id = "20260101-000000-invoice-1-0000";
    for path in ["/pause".to_string(), format!("/jobs/{id}/retry"), format!("/jobs/{id}/reprint")] {
        assert_eq!(send(address, "POST", &path, &[FORM, ("origin", &origin)], b"").status, 303);
    }
    studio.stop();
    let log: String = crate::studio::files(&studio.path("logs"))
        .iter()
        .map(|name| std::fs::read_to_string(studio.path("logs").join(name)).unwrap())
        .collect();
    for said in [
        "asked for pause: done",
        &format!("asked for retry {id}: refused"),
        &format!("asked for reprint {id}: refused"),
    ] {
        assert!(log.contains(said), "{said}: {log}");
    }
}
