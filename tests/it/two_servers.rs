//! Two servers on one hot folder: each order is made once, by one of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::studio::{CONFIG, Studio, files, session};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Two studios; the second one watches the hot folders of the first.
fn studios() -> (Studio, Studio) {
    let config = CONFIG.replace("delivery/web/{session}", "delivery/web/{record}");
    let (first, second) = (Studio::new(), Studio::new());
    first.write("hotfolders.yaml", config.as_bytes());
    let drop = first.path("drop");
    let shared = config.replace("folder: drop/", &format!("folder: {}/", drop.display()));
    assert_ne!(shared, config);
    second.write("hotfolders.yaml", shared.as_bytes());
    (first, second)
}

/// How often each record is made, by both.
fn made(studios: [&Studio; 2]) -> BTreeMap<String, usize> {
    let mut made = BTreeMap::new();
    for studio in studios {
        for name in files(&studio.path("delivery/web")) {
            let record = Path::new(&name).parent().unwrap().to_string_lossy().into_owned();
            *made.entry(record).or_default() += 1;
        }
    }
    made
}

/// `HOTFOLDERS_ORDERS` says how many orders, `HOTFOLDERS_KILLS` how many kills, `HOTFOLDERS_SEED` when:
/// `scripts/torture two-servers`.
#[test]
fn two_servers_on_one_hot_folder_make_each_order_once_whoever_is_killed() {
    let (orders, kills) = (number("HOTFOLDERS_ORDERS", 40), number("HOTFOLDERS_KILLS", 3));
    let mut state = number("HOTFOLDERS_SEED", 1);
    // Knuth's 64-bit generator: the same moments for the same seed.
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let (mut first, mut second) = studios();
    first.serve();
    second.serve();
    let mut dropped = 0;
    for kill in 1..=kills {
        // So many for each kill, and some of them just before it.
        while dropped < orders * kill / kills {
            first.drop_file("status", &format!("t{dropped}.json"), &session(&format!("T{dropped}"), &[1]));
            dropped += 1;
        }
        std::thread::sleep(Duration::from_millis(20 + random(600)));
        let victim = if random(2) == 0 { &mut first } else { &mut second };
        victim.kill();
        std::thread::sleep(Duration::from_millis(random(300)));
        victim.serve();
    }
    let started = Instant::now();
    let resting = |studio: &Studio| studio.jobs("done").len() + studio.jobs("failed").len();
    while resting(&first) + resting(&second) < orders as usize || !files(&first.path("drop")).is_empty() {
        assert!(
            started.elapsed() < Duration::from_mins(20),
            "waited in vain: {} and {} jobs, in the drop {:?}",
            resting(&first),
            resting(&second),
            files(&first.path("drop"))
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    let shares = (first.jobs("done").len(), second.jobs("done").len());
    println!("two servers: {orders} orders, {kills} kills, {shares:?} made by each");
    assert_eq!((shares.0 + shares.1) as u64, orders);
    // With a few of them one server may be quicker every time.
    assert!(orders < 1_000 || (shares.0 > 0 && shares.1 > 0), "{shares:?}");
    for studio in [&mut first, &mut second] {
        assert_eq!(studio.jobs("failed").len(), 0);
        studio.wait("it serves again after the last kill", || studio.is_served().then_some(()));
        assert_eq!(studio.stop(), Some(0));
        studio.audit();
    }
    let made = made([&first, &second]);
    let twice: Vec<_> = made.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert_eq!(made.len() as u64, orders);
}

/// As `server.locations` promises: what names no location is made by one of them, the rest by its own.
#[test]
fn servers_of_two_locations_share_a_hot_folder() {
    let (mut first, mut second) = studios();
    for (studio, location) in [(&first, "Main"), (&second, "Mall")] {
        let config = std::fs::read_to_string(studio.path("hotfolders.yaml")).unwrap();
        studio.write("hotfolders.yaml", format!("{config}server: {{ locations: [{location}] }}\n").as_bytes());
    }
    let with = |record: &str, location: Option<&str>| {
        let text = session(record, &[1]);
        match location {
            Some(location) => text.replacen('{', &format!("{{\"location\":\"{location}\","), 1),
            None => text,
        }
    };
    first.serve();
    second.serve();
    for n in 0..12 {
        let location = [Some("Main"), Some("Mall"), None][n % 3];
        first.drop_file("status", &format!("l{n}.json"), &with(&format!("L{n}"), location));
    }
    first.wait("all of them", || {
        (first.jobs("done").len() + second.jobs("done").len() == 12 && files(&first.path("drop")).is_empty())
            .then_some(())
    });
    let made_by = |studio: &Studio| made([studio, studio]).into_keys().collect::<Vec<String>>();
    for n in 0..12 {
        let record = format!("L{n}");
        let by = (made_by(&first).contains(&record), made_by(&second).contains(&record));
        match n % 3 {
            0 => assert_eq!(by, (true, false), "{record}"),
            1 => assert_eq!(by, (false, true), "{record}"),
            _ => assert!(by.0 != by.1, "{record}"),
        }
    }
    for studio in [&mut first, &mut second] {
        studio.stop();
        studio.audit();
    }
}
