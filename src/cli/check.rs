//! `hotfolders check`: the config, then the world it names. Creates nothing.

mod printers;

use std::path::Path;

use super::config;
use super::terminal::{GREEN, RED, YELLOW, paint, say, say_painted};
use crate::alert;
use crate::clock;
use crate::error::Error;
use crate::matcher::read_asset;
use crate::model::config::{Config, Images, Tls};
use crate::model::counted::counted;
use crate::model::delivery::{Delivery, Destination};
use crate::model::profile::{ColorProfile, OverlayContent};
use crate::render::{check_artwork, check_font, check_icc};
use crate::spool::queue::network_file_system;
use crate::web::tls::Terms;

pub(super) fn run(file: &Path) -> Result<(), Error> {
    let loaded = config::load(file)?;
    for line in loaded.config.show_warnings(&loaded.text).lines() {
        say_painted(&paint(line, YELLOW))?;
    }
    let findings = look(&loaded.config);
    let mut unreachable = 0;
    for finding in &findings {
        match &finding.trouble {
            None => say_painted(&format!("{} {}", paint("ok  ", GREEN), paint(&finding.what, "0")))?,
            Some(why) => {
                unreachable += 1;
                say_painted(&format!("{} {}: {}", paint("FAIL", RED), paint(&finding.what, "0"), paint(why, "0")))?;
            }
        }
    }
    if unreachable > 0 {
        return Err(Error::failed(format!(
            "{unreachable} of {} things that the config names cannot be reached",
            findings.len()
        )));
    }
    let warnings = counted(loaded.config.warnings.len(), "warning");
    say(&format!("{}: no errors, {warnings}", loaded.config.file.display()))
}

struct Finding {
    what: String,
    trouble: Option<String>,
}

fn look(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |what: String, trouble: Option<String>| {
        // A destination that ten profiles share is tried once.
        if !findings.iter().any(|f: &Finding| f.what == what) {
            findings.push(Finding { what, trouble });
        }
    };
    let network = network_file_system(&config.spool)
        .map(|kind| format!("it lies on a network file system ({kind}); `serve` needs --allow-network-spool"));
    add(format!("spool {}", config.spool.display()), network.or_else(|| can_be_made(&config.spool)));
    for hot_folder in &config.hot_folders {
        let what = format!("hot folder {} ({})", hot_folder.name, hot_folder.folder.display());
        add(what, stands(&hot_folder.folder, true));
        if let Some(receipts) = &hot_folder.receipts {
            add(format!("receipts ({})", receipts.display()), stands(receipts, true));
        }
    }
    for root in config.library.iter().flat_map(|l| &l.roots) {
        add(format!("library root {}", root.display()), stands(root, false));
    }
    if config.library.is_none() && config.hot_folders.iter().any(|h| h.images == Images::Library) {
        add("library".into(), Some("a hot folder says `images: library`, but there is no `library`".into()));
    }
    let deliveries =
        config.profiles.iter().flat_map(|p| &p.deliver).chain(config.rules.iter().flat_map(|r| &r.deliver));
    for delivery in deliveries {
        match delivery {
            Delivery::Folder { path, .. } | Delivery::Zip { path, .. } => destination(path, &mut add),
            Delivery::Lab { path, .. } => lab_folder(path, &mut add),
            Delivery::Disc { path, extras, .. } => {
                destination(path, &mut add);
                for extra in extras {
                    add(format!("file {}", extra.display()), is_file(extra));
                }
            }
            Delivery::Command { run, .. } => {
                let program = run.first().map_or("", String::as_str);
                add(format!("program {program}"), is_program(program));
            }
            _ => {}
        }
    }
    for profile in &config.profiles {
        for space in [&profile.color.profile, &profile.color.untagged] {
            if let ColorProfile::File(path) = space {
                add(format!("colour profile {}", path.display()), is_icc(path));
            }
        }
        for overlay in &profile.overlays {
            match &overlay.content {
                OverlayContent::Image(path) => add(format!("artwork {}", path.display()), is_artwork(path)),
                OverlayContent::Text { font, .. } => {
                    if let Some(path) = font {
                        add(format!("font {}", path.display()), is_font(path));
                    }
                }
            }
        }
    }
    for layout in &config.layouts {
        for art in &layout.artwork {
            add(format!("artwork {}", art.image.display()), is_artwork(&art.image));
        }
        for path in layout.texts.iter().filter_map(|text| text.font.as_ref()) {
            add(format!("font {}", path.display()), is_font(path));
        }
    }
    certificates(config, &mut add);
    telling(config, &mut add);
    findings.extend(printers::look(config));
    findings
}

/// Of the dashboard and of the download pages, where they speak HTTPS themselves.
fn certificates(config: &Config, add: &mut impl FnMut(String, Option<String>)) {
    let doors = [("dashboard", Terms::of_dashboard(config)), ("download pages", Terms::of_downloads(config))];
    for (door, terms) in doors.into_iter().filter_map(|(door, terms)| Some((door, terms?))) {
        let is_own = terms.tls == Tls::SelfSigned;
        match terms.look() {
            Ok(None) => add(format!("certificate of the {door}: self-signed, made when the server starts"), None),
            Ok(Some(described)) => {
                let kind = if is_own { "self-signed, " } else { "" };
                let text = format!(
                    "certificate of the {door}: {kind}until {}, SHA-256 fingerprint {}",
                    described.until, described.fingerprint
                );
                // One of ours that does not fit any more is made anew by the server.
                add(text, described.trouble(&terms.hosts, clock::now()).filter(|_| !is_own));
            }
            Err(why) => add(format!("certificate of the {door}"), Some(why)),
        }
    }
}

/// The mail server is asked whether it lets us in, the webhook's whether somebody answers; neither gets anything.
fn telling(config: &Config, add: &mut impl FnMut(String, Option<String>)) {
    if let Some(mail) = &config.mail {
        let trouble = alert::probe_mail(mail).err().map(|e| e.to_string());
        add(format!("mail server {}", mail.smtp.written), trouble);
        if let Some(template) = &mail.template {
            let trouble = alert::read_template(template).err();
            add(format!("mail template {}", template.display()), trouble);
        }
    }
    if let Some(webhook) = config.alerts.as_ref().and_then(|alerts| alerts.webhook.as_ref()) {
        add("webhook of the alerts".into(), alert::probe_webhook(webhook).err());
    }
}

fn destination(destination: &Destination, add: &mut impl FnMut(String, Option<String>)) {
    let what = format!("destination {}", destination.written);
    let is_whole = destination.rest.source().is_empty();
    let trouble = if destination.made {
        can_be_made(&destination.fixed)
    } else if is_whole {
        stands(destination.fixed.parent().unwrap_or(&destination.fixed), true)
    } else {
        stands(&destination.fixed, true)
    };
    add(what, trouble);
}

/// Unlike a zip it is a folder to its last part: its lab's software watches it, so it stands before the first order.
fn lab_folder(destination: &Destination, add: &mut impl FnMut(String, Option<String>)) {
    let folder = &destination.fixed;
    let trouble = if destination.made { can_be_made(folder) } else { stands(folder, true) };
    add(format!("lab's folder {}", destination.written), trouble);
}

fn stands(folder: &Path, written: bool) -> Option<String> {
    match std::fs::metadata(folder) {
        Ok(m) if !m.is_dir() => Some("it is not a folder".into()),
        Ok(_) => {
            if let Err(e) = std::fs::read_dir(folder) {
                return Some(format!("it cannot be read: {e}"));
            }
            (written && !is_writable(folder)).then(|| "it cannot be written to; check its rights".into())
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            Some("it does not exist, and is never made; make it, or mount its disk".into())
        }
        Err(e) => Some(format!("{e}")),
    }
}

fn can_be_made(folder: &Path) -> Option<String> {
    let standing = folder.ancestors().find(|p| p.exists())?;
    stands(standing, true).map(|why| format!("{}: {why}", standing.display()))
}

/// Whether the renderer could use it, not only read it.
fn is_artwork(path: &Path) -> Option<String> {
    let name = path.to_string_lossy();
    read_asset(path).and_then(|bytes| check_artwork(&name, &bytes)).err()
}

fn is_font(path: &Path) -> Option<String> {
    read_asset(path).and_then(|bytes| check_font(&bytes)).err()
}

fn is_icc(path: &Path) -> Option<String> {
    read_asset(path).and_then(|bytes| check_icc(&bytes)).err()
}

/// Whether it could be started: where it is said to be, or where the system looks for programs.
fn is_program(program: &str) -> Option<String> {
    if program.contains(['/', '\\']) {
        return is_file(Path::new(program)).or_else(|| {
            (!is_executable(Path::new(program)))
                .then(|| "it may not be executed; give it the right to (chmod +x)".into())
        });
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let names = [program.to_string(), format!("{program}.exe")];
    let found = std::env::split_paths(&paths).any(|folder| names.iter().any(|name| is_executable(&folder.join(name))));
    (!found).then(|| "it is in no folder of PATH; write its path".into())
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

fn is_file(path: &Path) -> Option<String> {
    match std::fs::metadata(path) {
        Ok(m) if m.is_file() => std::fs::File::open(path).err().map(|e| e.to_string()),
        Ok(_) => Some("it is not a file".into()),
        Err(e) => Some(e.to_string()),
    }
}

#[cfg(unix)]
fn is_writable(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn is_writable(folder: &Path) -> bool {
    folder.metadata().is_ok_and(|m| !m.permissions().readonly())
}
