//! `hotfolders demo`: a small studio with real photos, from nothing to finished pictures.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use clap::Args;

use super::config;
use super::submit::{drop_manifest, known_jobs, wait_for};
use super::terminal::{DIM, GREEN, paint, say, say_painted};
use crate::error::{Error, Exit};
use crate::logging;
use crate::server::Server;
use crate::spool::durable;
use crate::spool::queue::{Spool, State};
use crate::web::dashboard;
use crate::worker::receipt;

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Where the studio is made; must be empty or missing.
    #[arg(default_value = "demo-studio", value_name = "DIR")]
    dir: PathBuf,
    /// Leave when the three jobs are done.
    #[arg(long)]
    once: bool,
}

const CONFIG: &str = include_str!("../../fixtures/demo/hotfolders.yaml");
/// What is behind the config's last list: dashboard and download pages, at addresses that are free.
const PAGES: &str = include_str!("../../fixtures/demo/pages.yaml");

/// Who may log in to the demo's dashboard.
const USER: &str = "demo";

/// Where the pages are, and the word that opens the dashboard.
struct Pages {
    dashboard: SocketAddr,
    password: String,
    config: String,
}

/// What is dropped: the hot folder, the name, the text.
const JOBS: [(&str, &str, &str); 3] = [
    ("status", "session-S10001.json", include_str!("../../fixtures/demo/session-S10001.json")),
    ("status", "invoice-1042.json", include_str!("../../fixtures/demo/invoice-1042.json")),
    ("status", "order-77.json", include_str!("../../fixtures/demo/order-77.json")),
];

/// Photos of the demo's session: their place below the studio, and their bytes.
macro_rules! photos {
    ($($place:literal = $file:literal),* $(,)?) => {
        [$(($place, include_bytes!(concat!("../../fixtures/photos/", $file)).as_slice())),*]
    };
}
const PHOTOS: [(&str, &[u8]); 7] = photos![
    "sessions/S10001/Hi-Res/S10001001.jpg" = "Landscape_1.jpg",
    "sessions/S10001/Hi-Res/S10001002.jpg" = "Portrait_6.jpg",
    "sessions/S10001/Hi-Res/S10001003.jpg" = "Landscape_8.jpg",
    "sessions/S10001/Hi-Res/S10001004.jpg" = "Portrait_1.jpg",
    "sessions/S10001/Hi-Res/S10001005.jpg" = "Landscape_3.jpg",
    "sessions/S10001/Hi-Res/S10001006.jpg" = "Portrait_5.jpg",
    "sessions/S10001/Retouched/S10001004.jpg" = "Portrait_1.jpg",
];

pub(super) fn run(args: &DemoArgs) -> Result<(), Error> {
    let dir = config::absolute(&args.dir)?;
    let pages = pages()?;
    make_studio(&dir, &pages.config)?;
    let file = dir.join("hotfolders.yaml");
    let loaded = config::load(&file)?;
    let spool = loaded.config.spool.clone();
    say_painted(&format!("{} {}", paint("A studio stands in", GREEN), paint(&dir.display().to_string(), "0")))?;
    say("  hotfolders.yaml   its config: edit it and run `hotfolders serve` there")?;
    say("  sessions/S10001   the originals of one session; they are only read")?;
    say("  drop/status       the hot folder; the studio app drops manifests here\n")?;
    let _log = logging::start(Some(&loaded.config.server.log))?;
    let signal = super::serve::catch_signals()?;
    let interrupted = || signal.load(std::sync::atomic::Ordering::SeqCst) != 0;
    let before = known_jobs(&spool);
    let config = loaded.config.clone();
    let server = Server::start(loaded, None, false, config::read)?;
    let mut dropped = Vec::new();
    for (hot_folder, name, _) in JOBS {
        let Some(hot_folder) = config.hot_folders.iter().find(|h| h.name == hot_folder) else { continue };
        say(&format!("dropping {name} into {}", hot_folder.folder.display()))?;
        dropped.push(drop_manifest(&config, hot_folder, &dir.join("manifests").join(name))?);
    }
    let result = wait_for(&spool, &dropped, &before, &interrupted);
    if result.is_ok() {
        show(&dir, &spool)?;
    }
    if result.is_ok() && !args.once {
        show_pages(&pages, &spool)?;
        say("\nStill serving: drop a changed manifest from manifests/ into drop/status. Ctrl-C ends it.")?;
        super::serve::wait_for(&signal, &|| !server.has_its_spool());
    }
    server.stop();
    match result {
        Ok(()) if !args.once && interrupted() => Err(Error { exit: Exit::Interrupted, text: String::new() }),
        other => other,
    }
}

/// Two addresses that are free now, and a password of its own for each demo.
fn pages() -> Result<Pages, Error> {
    let failed = |e: &dyn std::fmt::Display| Error::failed(format!("cannot set up the demo's pages: {e}"));
    let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    // Both are held until both are known: they must not be the same.
    let (dashboard, downloads) = (free().map_err(|e| failed(&e))?, free().map_err(|e| failed(&e))?);
    let address = |listener: &TcpListener| listener.local_addr().map_err(|e| failed(&e));
    let (dashboard, downloads) = (address(&dashboard)?, address(&downloads)?);
    let mut bytes = [0; 6];
    getrandom::fill(&mut bytes).map_err(|e| failed(&e))?;
    let password = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let hash = dashboard::hash(password.as_bytes()).map_err(|e| failed(&e))?;
    let of_pages = PAGES
        .replace("@DASHBOARD@", &dashboard.to_string())
        .replace("@DOWNLOADS@", &downloads.to_string())
        .replace("@HASH@", &hash);
    Ok(Pages { dashboard, password, config: format!("{CONFIG}{of_pages}") })
}

/// Where to look now.
fn show_pages(pages: &Pages, spool: &Path) -> Result<(), Error> {
    let Some(spool) = Spool::look(spool) else { return Ok(()) };
    let done = spool.jobs(State::Done).map_err(|e| Error::failed(e.to_string()))?;
    let links = done.iter().filter_map(|job| receipt::read(&job.folder)).flat_map(|receipt| receipt.links);
    say_painted(&format!(
        "\n{}  {} (name {USER}, password {})",
        paint("Dashboard", GREEN),
        paint(&format!("http://{}/", pages.dashboard), "0"),
        pages.password
    ))?;
    for link in links {
        let pin = link.pin.map(|pin| format!(" (PIN {pin})")).unwrap_or_default();
        say_painted(&format!("{}   {}{pin}", paint("Download", GREEN), paint(&link.url, "0")))?;
    }
    Ok(())
}

fn make_studio(dir: &Path, config: &str) -> Result<(), Error> {
    let failed = |e: &dyn std::fmt::Display| Error::failed(e.to_string());
    let has_something = std::fs::read_dir(dir).is_ok_and(|mut list| list.next().is_some());
    if has_something {
        return Err(Error::usage(format!(
            "{} is not empty; name another folder, or remove it first (`hotfolders demo DIR`)",
            dir.display()
        )));
    }
    let standing = dir.ancestors().find(|p| p.is_dir()).unwrap_or(Path::new("/"));
    let mut files: Vec<(PathBuf, &[u8])> = vec![(dir.join("hotfolders.yaml"), config.as_bytes())];
    files.extend(PHOTOS.iter().map(|(place, bytes)| (dir.join(place), *bytes)));
    files.extend(JOBS.iter().map(|(_, name, text)| (dir.join("manifests").join(name), text.as_bytes())));
    for folder in ["drop/status", "drop/exports", "receipts"] {
        durable::make_folders(standing, &dir.join(folder)).map_err(|e| failed(&e))?;
    }
    for (path, bytes) in files {
        durable::make_folders(standing, path.parent().unwrap_or(dir)).map_err(|e| failed(&e))?;
        durable::write_new(&path, bytes).map_err(|e| failed(&e))?;
    }
    Ok(())
}

/// What came out, job by job.
fn show(dir: &Path, spool: &Path) -> Result<(), Error> {
    let Some(spool) = Spool::look(spool) else { return Ok(()) };
    say("\nWhat came out:")?;
    for job in spool.jobs(State::Done).map_err(|e| Error::failed(e.to_string()))? {
        let Some(receipt) = receipt::read(&job.folder) else { continue };
        let mut text =
            format!("\n{}", paint(&format!("{} {}", receipt.kind.as_deref().unwrap_or("job"), receipt.record), GREEN));
        let mut shown = std::collections::BTreeSet::new();
        for output in &receipt.outputs {
            let Some(path) = &output.path else { continue };
            if shown.insert(path.clone()) {
                let size = paint(&format!("{}x{} px, {} dpi", output.width, output.height, output.dpi), DIM);
                let _ = write!(text, "\n  {} {size}", paint(path, "0"));
            }
        }
        for delivery in receipt.deliveries.iter().filter(|d| d.to != "folder") {
            let _ = write!(text, "\n  {} {}", delivery.to, paint(&delivery.paths.join(", "), "0"));
        }
        say_painted(&text)?;
    }
    say_painted(&format!("\n{} {}", paint("Everything lies below", DIM), paint(&dir.display().to_string(), "0")))
}
