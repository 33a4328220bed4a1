//! What the dashboard says of prints, links, orders at labs and alerts.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use crate::fake_printer::{Behaviour, FakePrinter, Fault, Operation};
use crate::http::{free_address, get, send};
use crate::studio::{CONFIG, Studio, invoice, session};
use crate::web::wait_open;

const FOLDER: &str = "{ to: folder, path: \"print/{record}\", trigger: \"{record}.done\" }";
const WEB: &str = "{ to: folder, path: \"delivery/web/{session}\" }";
const OUTSIDE: &str = r#"  outside:
    size: ordered
    dpi: 20
    name: "{record}_{line:02}"
    checks: { low_ppi: [] }
    deliver: [ { to: lab, format: noritsu, path: lab, accepted_within: 1s, channels: [ { size: 8x10in, channel: 12 } ] } ]
render_jobs:
  - { name: outside, when: { kind: invoice, status: lab }, run: [outside] }
"#;

/// A studio that prints, lends pictures to clients, sends to a lab that sleeps, and tells a webhook that is not there.
pub struct Busy {
    pub studio: Studio,
    pub address: SocketAddr,
    downloads: SocketAddr,
    printer: Arc<FakePrinter>,
}

pub fn busy() -> Busy {
    let (address, downloads) = (free_address(), free_address());
    let printer = Arc::new(FakePrinter::start_as(Behaviour::default(), None));
    let config = CONFIG
        .replace(FOLDER, "{ to: print, printer: lustre }")
        .replace(WEB, "{ to: link, pin: none, expires: 3d }")
        .replace("render_jobs:\n", OUTSIDE);
    let mut studio = Studio::bare(&format!(
        "{config}\ndownloads: {{ listen: \"{downloads}\", public_url: \"http://{downloads}\" }}\n\
         server: {{ listen: \"{address}\" }}\nalerts: {{ webhook: \"http://127.0.0.1:9/\" }}\n\
         printers: {{ lustre: {{ uri: \"{}\", media: [8x10in] }} }}\n",
        printer.uri()
    ));
    for number in 1..=3 {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 90 + number, 60);
    }
    studio.watch_printer(&printer);
    studio.serve_with(&[("HOTFOLDERS_ALERT_MS", "50"), ("HOTFOLDERS_LINKS_MS", "100")]);
    wait_open(&studio, address);
    Busy { studio, address, downloads, printer }
}

pub fn page_of(job: &Path) -> String {
    format!("/jobs/{}", job.file_name().unwrap().to_str().unwrap())
}

impl Busy {
    fn see(&self, path: &str) -> String {
        let answer = get(self.address, path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text()
    }

    /// The page of a held order, one sheet of which nobody can be sure of.
    pub fn print_doubtfully(&self) -> String {
        self.printer.fail_next(Operation::SendDocument, Fault::CutAt(100));
        self.studio.drop_file("status", "p.json", &invoice("9", &[1, 2]));
        page_of(&self.studio.wait_jobs("held", 1)[0])
    }

    /// The page of a job whose client has taken everything.
    pub fn lend(&self) -> String {
        self.studio.drop_file("status", "l.json", &session("R1", &[1, 2]));
        let job = self.studio.wait_jobs("done", 1).remove(0);
        let url = self.studio.receipt(&job)["links"][0]["url"].as_str().unwrap().to_string();
        let page = url.strip_prefix(&format!("http://{}", self.downloads)).unwrap();
        let click = send(self.downloads, "POST", &format!("{page}/all"), &[], b"");
        assert_eq!(get(self.downloads, click.header("location").unwrap()).status, 200);
        page_of(&job)
    }

    /// Comes back when the order is late, and told in vain.
    pub fn order_outside(&self) {
        self.studio.drop_file("status", "o.json", &invoice("77", &[3]).replace("printing", "lab"));
        self.studio.wait("an alert that cannot be told", || {
            let page = self.see("/places");
            (page.contains("could not be posted") && page.contains("Not taken in")).then_some(())
        });
    }
}

/// What stands in a page's section, up to its end.
fn section<'p>(page: &'p str, title: &str) -> &'p str {
    let (_, rest) = page.split_once(&format!("id=\"{title}\"")).unwrap_or_else(|| panic!("no {title}:\n{page}"));
    rest.split("</section>").next().unwrap()
}

#[test]
fn prints_are_told_from_the_journal_while_they_are_open() {
    let busy = busy();
    let page = busy.print_doubtfully();
    let prints = busy.see(&page);
    let prints = section(&prints, "prints-title");
    assert!(prints.contains("1 of 2"), "{prints}");
    let rows: Vec<&str> = prints.split("<li>").skip(1).collect();
    assert_eq!(rows.len(), 2, "{prints}");
    // In doubt, with why, before what is well.
    for (row, says) in rows.iter().zip([["9_01_8x10in", "Uncertain"], ["9_02_8x10in", "Printed"]]) {
        for text in says.into_iter().chain(["lustre", "1 copy", "printer&#39;s job "]) {
            assert!(row.contains(text), "{text} is not in {row}");
        }
    }
    busy.studio.run(&["jobs", "answer", "9", "--print-again", "--printer", "lustre"]).expect(0);
    busy.studio.wait_jobs("done", 1);
    let prints = busy.see(&page);
    let prints = section(&prints, "prints-title");
    assert!(prints.contains("2 of 2") && !prints.contains("Uncertain"), "{prints}");
}

#[test]
fn a_finished_print_is_shown_and_one_that_is_not_kept_says_so() {
    let busy = busy();
    busy.studio.drop_file("status", "p.json", &invoice("9", &[1, 2]));
    let job = busy.studio.wait_jobs("done", 1).remove(0);
    let page = page_of(&job);
    let shown = busy.see(&page);
    let pictures: Vec<&str> = shown
        .split("src=\"")
        .filter_map(|rest| rest.split('"').next().filter(|url| url.contains("/pictures/")))
        .collect();
    // The sheets lie nowhere any more, and the originals may have gone too.
    std::fs::remove_dir_all(busy.studio.path("sessions")).unwrap();
    assert_eq!(pictures.len(), 4, "{shown}");
    for url in &pictures {
        let small = get(busy.address, url);
        assert_eq!((small.status, small.header("content-type")), (200, Some("image/jpeg")), "{url}");
        assert!(small.body.len() < 64 * 1024, "{url} has {} bytes", small.body.len());
    }
    // A job of an earlier version has kept none.
    std::fs::remove_dir_all(job.join("thumbnails")).unwrap();
    let bare = busy.see(&page);
    assert!(bare.contains("The finished picture is not kept.") && bare.contains("original: not kept"), "{bare}");
    assert!(!bare.contains("/pictures/"), "{bare}");
    let late = get(busy.address, pictures[0]);
    assert_eq!((late.status, late.header("content-type")), (200, Some("image/svg+xml")), "a page that is open still");
    assert_eq!(get(busy.address, &format!("{page}/pictures/r99/result")).status, 404);
}

#[test]
fn a_job_that_stands_still_says_what_it_waits_for() {
    let busy = busy();
    busy.studio.run(&["printers", "pause", "lustre"]).expect(0);
    busy.studio.drop_file("status", "p.json", &invoice("9", &[1]));
    let queue = busy.studio.wait("a job that waits for its printer", || {
        let queue = busy.see("/");
        section(&queue, "running-title").contains("lustre: paused").then_some(queue)
    });
    let running = section(&queue, "running-title");
    assert!(running.contains("badge warn\">Waits") && !running.contains("badge busy"), "{running}");
    assert!(!running.contains("pictures a second"), "{running}");
    let job = page_of(&busy.studio.jobs("processing")[0]);
    let page = busy.see(&job);
    assert!(page.contains("large warn\">Waits") && page.contains("lustre: paused"), "{page}");
    let list = busy.studio.run(&["jobs", "list"]).expect(0).out;
    assert!(list.contains("lustre: paused"), "{list}");
    busy.studio.run(&["printers", "resume", "lustre"]).expect(0);
    busy.studio.wait_jobs("done", 1);
}

#[test]
fn a_hot_folder_that_is_not_mounted_is_on_no_disk_and_away_since_it_was_seen_so_first() {
    let address = free_address();
    let gone = "  gone: { folder: drop/gone, images: library, scan: 200ms }\n  exports:";
    let config = CONFIG.replacen("  exports:", gone, 1);
    let mut studio = Studio::bare(&format!("{config}\nserver: {{ listen: \"{address}\" }}\n"));
    let mut since = Vec::new();
    for _ in 0..2 {
        studio.serve();
        wait_open(&studio, address);
        since.push(studio.wait("the folder to be missed", || {
            let status = get(address, "/api/status").json();
            let folders = status["hot_folders"].as_array()?;
            let mode = &folders.iter().find(|folder| folder["name"] == "gone")?["mode"];
            mode["since"].as_str().map(String::from)
        }));
        let places = studio.wait("the disks", || {
            let page = get(address, "/places").text();
            section(&page, "disks-title").contains("<progress").then_some(page)
        });
        let disks = section(&places, "disks-title");
        assert!(disks.contains("Hot folder gone is not there, and on none of these disks"), "{disks}");
        let (_, bars) = disks.split_once("<ul").unwrap();
        assert!(bars.contains("hot folder exports") && !bars.contains("hot folder gone"), "{bars}");
        assert_eq!(studio.stop(), Some(0));
    }
    assert_eq!(since[0], since[1], "another server has not seen it go");
}

#[test]
fn what_was_taken_through_a_link_is_told_on_its_jobs_page_and_in_the_status() {
    let busy = busy();
    let path = busy.lend();
    let page = busy.see(&path);
    let links = section(&page, "links-title");
    assert!(links.contains("2 of 2 pictures, today"), "{links}");
    // What is made for the download page is no picture of the order.
    let id = path.trim_start_matches("/jobs/");
    assert_eq!(get(busy.address, &format!("/api{path}")).json()["rendered"], 2);
    assert!(busy.studio.run(&["jobs", "show", id]).expect(0).out.contains("rendered  2 of 2"));
    let result = page.split("src=\"").find_map(|rest| rest.split('"').next().filter(|url| url.ends_with("/result")));
    let small = get(busy.address, result.unwrap());
    assert_eq!((small.status, small.header("content-type")), (200, Some("image/jpeg")));

    let known = busy.studio.run(&["status", "--json"]).expect(0).json()["links"].clone();
    assert_eq!((known["open"].as_u64(), known["ending_more"].as_u64()), (Some(1), Some(0)));
    let ending = &known["ending"][0];
    assert_eq!((ending["record"].as_str(), ending["taken"].as_str()), (Some("R1"), Some("2 of 2 pictures")));
    assert!(ending["expires"].is_string() && ending["last"].is_string(), "{known}");
    let shown = busy.studio.run(&["status"]).expect(0).out;
    let line = shown.lines().find(|line| line.starts_with("links: ")).unwrap();
    assert!(
        line.starts_with("links: 1 open; 1 ends within 7 days: R1 (") && line.ends_with("2 of 2 pictures)"),
        "{line}"
    );
    busy.studio
        .wait("the server's own count", || (get(busy.address, "/api/status").json()["links"] == known).then_some(()));
}

#[test]
fn places_show_late_orders_at_labs_and_alerts_that_nobody_was_told() {
    let busy = busy();
    busy.order_outside();
    let page = busy.see("/places");
    let alerts = section(&page, "alerts-title");
    assert!(alerts.contains("1 alert could not be posted") && alerts.contains("has not accepted"), "{alerts}");
    assert!(alerts.contains("since <time") && alerts.contains("href=\"/jobs/"), "{alerts}");
    let labs = section(&page, "labs-title");
    for text in ["record 77", "outside", "1 print", "The lab", "has not accepted", "Not taken in"] {
        assert!(labs.contains(text), "{text} is not in {labs}");
    }
}
