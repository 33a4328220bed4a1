//! A form with files, piece by piece onto the disk.

use std::collections::HashSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::extract::Multipart;
use axum::extract::multipart::Field;
use axum::http::StatusCode;
use serde_json::json;
use tokio::task::block_in_place;

use crate::clock;
use crate::model::config::{Config, HotFolder, Images};
use crate::model::limits::{MANIFEST_MAX_BYTES, SOURCE_MAX_BYTES};
use crate::model::manifest;
use crate::model::name::{RelPath, is_ignored, safe_part};
use crate::spool::durable::{self, DurableError, Staged};
use crate::spool::queue::free_space;
use crate::web::page::Trouble;

/// Pictures of one upload.
const PICTURES_MAX: usize = 2_000;
/// Longest text of a field that is no file, in bytes.
const TEXT_MAX_BYTES: usize = 1_000;
/// Whoever sends nothing for so long has gone.
const PIECE_WITHIN: Duration = Duration::from_secs(30);
/// What an upload leaves free on the volume of the hot folder.
const LEFT_FREE_BYTES: u64 = 512 * 1024 * 1024;
/// The free space is looked at after so many bytes.
const LOOK_EVERY_BYTES: u64 = 64 * 1024 * 1024;
const TYPES: [&str; 6] = ["jpg", "jpeg", "png", "tif", "tiff", "webp"];
/// In front of the name of a folder that is not whole yet: no scan looks into it.
const UNFINISHED: &str = ".hf-upload-";

/// Everything that came, not yet where it is scanned.
pub(super) struct Received {
    hot_folder: HotFolder,
    profile: Option<String>,
    record: String,
    manifest: Option<(RelPath, Vec<u8>)>,
    staging: Staging,
    pictures: Vec<String>,
    left_out: Vec<String>,
}

/// A hidden folder in the hot folder, or in the spool; it goes with what is in it unless it is published.
pub(super) struct Staging {
    above: PathBuf,
    folder: Option<PathBuf>,
}

impl Staging {
    pub(super) fn below(above: &Path) -> Staging {
        Staging { above: above.to_path_buf(), folder: None }
    }

    /// Made when the first picture comes.
    fn folder(&mut self) -> Result<&Path, DurableError> {
        if self.folder.is_none() {
            let folder = self.above.join(format!("{UNFINISHED}{}", salt()));
            block_in_place(|| durable::make_new_folder(&folder))?;
            self.folder = Some(folder);
        }
        Ok(self.folder.as_deref().unwrap_or(&self.above))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder
            && let Err(e) = durable::remove_tree(folder)
        {
            tracing::warn!("{e}");
        }
    }
}

/// What uploads that a crash cut off have left in the hot folders.
pub(in crate::web::dashboard) fn clear(config: &Config) {
    for hot_folder in &config.hot_folders {
        for entry in std::fs::read_dir(&hot_folder.folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED)
                && let Err(e) = durable::remove_tree(&entry.path())
            {
                tracing::warn!("{e}");
            }
        }
    }
}

fn salt() -> String {
    let mut bytes = [0; 4];
    // Without the system's randomness a name that is taken is refused, nothing more.
    let _ = getrandom::fill(&mut bytes);
    format!("{:08x}", u32::from_le_bytes(bytes))
}

fn bad(text: impl Into<String>) -> Trouble {
    Trouble::new(StatusCode::BAD_REQUEST, text)
}

/// Reads the form. Its texts stand in front of its files.
pub(super) async fn receive(mut form: Multipart, config: &Config) -> Result<Received, Trouble> {
    let (mut hot_folder, mut profile, mut record) = (None, None, String::new());
    let mut received: Option<Received> = None;
    while let Some(field) = next(&mut form).await? {
        match field.name().unwrap_or_default() {
            "hot_folder" => hot_folder = Some(text(field).await?),
            "profile" => profile = Some(text(field).await?).filter(|text| !text.is_empty()),
            "record" => record = text(field).await?,
            kind @ ("manifest" | "pictures") => {
                let is_manifest = kind == "manifest";
                let file = field.file_name().unwrap_or_default().to_string();
                // A field for files that nobody has filled in.
                if file.is_empty() {
                    continue;
                }
                if received.is_none() {
                    received = Some(Received::new(config, hot_folder.as_deref(), profile.take(), &record)?);
                }
                let Some(received) = &mut received else { continue };
                // Browsers send the path of what was dragged in a folder.
                let file = file.rsplit(['/', '\\']).next().unwrap_or_default().to_string();
                if is_manifest {
                    received.take_manifest(&file, field).await?;
                } else {
                    received.take_picture(&file, field).await?;
                }
            }
            _ => {}
        }
    }
    received.ok_or_else(|| bad("Nothing was sent. Choose files first."))
}

async fn next(form: &mut Multipart) -> Result<Option<Field<'_>>, Trouble> {
    let field = tokio::time::timeout(piece_within(), form.next_field()).await.map_err(|_| gone())?;
    field.map_err(|e| bad(format!("The upload broke off: {e}")))
}

/// In a debug build the tests need not wait for minutes.
fn piece_within() -> Duration {
    clock::wait(PIECE_WITHIN, "HOTFOLDERS_PIECE_MS")
}

fn gone() -> Trouble {
    Trouble::new(StatusCode::REQUEST_TIMEOUT, "The upload broke off: nothing came any more.")
}

/// The next piece of a file.
async fn piece(field: &mut Field<'_>) -> Result<Option<axum::body::Bytes>, Trouble> {
    let piece = tokio::time::timeout(piece_within(), field.chunk()).await.map_err(|_| gone())?;
    piece.map_err(|e| bad(format!("The upload broke off: {e}")))
}

/// To the end of a file that nobody wants. A raw picture comes for minutes over a slow network, so each piece of it has its
/// own time, as with a file that is kept.
async fn pass_over(mut field: Field<'_>) -> Result<(), Trouble> {
    while piece(&mut field).await?.is_some() {}
    Ok(())
}

async fn bytes(mut field: Field<'_>, most: usize) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    while let Some(piece) = piece(&mut field).await? {
        if bytes.len() + piece.len() > most {
            return Err(Trouble::new(StatusCode::PAYLOAD_TOO_LARGE, format!("It is larger than {most} bytes.")));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

async fn text(field: Field<'_>) -> Result<String, Trouble> {
    let bytes = bytes(field, TEXT_MAX_BYTES).await?;
    String::from_utf8(bytes).map(|text| text.trim().to_string()).map_err(|_| bad("A text is not UTF-8."))
}

impl Received {
    fn new(
        config: &Config,
        hot_folder: Option<&str>,
        profile: Option<String>,
        record: &str,
    ) -> Result<Received, Trouble> {
        let hot_folder = config
            .hot_folders
            .iter()
            .find(|known| Some(known.name.as_str()) == hot_folder && known.images != Images::Alone)
            .ok_or_else(|| bad("The form names no hot folder of the config."))?;
        if profile.is_some() && hot_folder.images != Images::Beside {
            return Err(bad("Pictures with a profile need a hot folder whose manifests bring their pictures."));
        }
        if !hot_folder.folder.is_dir() {
            let text = format!("Hot folder {} is not there: its disk may not be mounted.", hot_folder.name);
            return Err(Trouble::new(StatusCode::SERVICE_UNAVAILABLE, text));
        }
        Ok(Received {
            staging: Staging::below(&hot_folder.folder),
            hot_folder: hot_folder.clone(),
            profile,
            record: record.to_string(),
            manifest: None,
            pictures: Vec::new(),
            left_out: Vec::new(),
        })
    }

    async fn take_manifest(&mut self, file: &str, field: Field<'_>) -> Result<(), Trouble> {
        if self.manifest.is_some() {
            return Err(bad("One manifest at a time."));
        }
        let name = RelPath::from_part(file).ok_or_else(|| bad("The manifest has no name."))?;
        if is_ignored(file) || is_ignored(name.as_str()) {
            return Err(bad(format!(
                "A manifest called {file} would lie in the hot folder for ever: names that begin with a dot or `~`, and \
                 those of unfinished files, are passed over. Give it another name and send it again."
            )));
        }
        if !self.hot_folder.match_.matches(name.as_str()) {
            return Err(bad(format!("Hot folder {} takes no manifest with the name {name}.", self.hot_folder.name)));
        }
        let text = bytes(field, MANIFEST_MAX_BYTES as usize).await?;
        manifest::read_job(&text, name.as_str(), None)
            .map_err(|e| Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, e.to_string()))?;
        self.manifest = Some((name, text));
        Ok(())
    }

    async fn take_picture(&mut self, file: &str, field: Field<'_>) -> Result<(), Trouble> {
        if picture_name(file).is_none() {
            self.left_out.push(format!("{file} is no picture; it was left out"));
            pass_over(field).await
        } else if self.hot_folder.images != Images::Beside {
            self.left_out.push(format!("{file} was left out: pictures of this hot folder come from the library"));
            pass_over(field).await
        } else {
            store(file, field, &mut self.staging, &mut self.pictures).await
        }
    }

    /// Puts it where it is scanned; says what it was, and what was left out. `usable` are the profiles that may be chosen.
    pub(super) fn publish(mut self, usable: &[&str]) -> Result<(String, Vec<String>), Trouble> {
        let hot_folder = self.hot_folder.name.clone();
        let (name, text) = match (self.manifest.take(), &self.profile) {
            (Some(manifest), None) => manifest,
            (None, Some(profile)) if usable.contains(&profile.as_str()) => self.own_manifest(profile)?,
            (None, Some(profile)) => return Err(bad(format!("Profile {profile} cannot be used for pictures alone."))),
            (Some(_), Some(_)) => return Err(bad("A manifest names its profiles itself.")),
            (None, None) => return Err(bad("A manifest is missing: choose one, or a profile for the pictures.")),
        };
        let left_out = std::mem::take(&mut self.left_out);
        let Some(folder) = self.staging.folder.clone() else {
            let placed = publish_alone(&self.hot_folder, &name, &text)?;
            return Ok((format!("{placed} lies in hot folder {hot_folder}"), left_out));
        };
        durable::write_new(&name.below(&folder), &text)?;
        if self.hot_folder.done_file {
            durable::write_new(&folder.join(format!("{name}.done")), b"")?;
        }
        let stem = name.as_str().rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
        let visible = format!("{}-{}", visible_part(stem), salt());
        durable::move_new(&folder, &self.hot_folder.folder.join(&visible))?;
        self.staging.folder = None;
        let pictures = if self.pictures.len() == 1 {
            "1 picture".to_string()
        } else {
            format!("{} pictures", self.pictures.len())
        };
        Ok((format!("{pictures} with {name} lie in hot folder {hot_folder}"), left_out))
    }

    /// For pictures that came without one.
    fn own_manifest(&self, profile: &str) -> Result<(RelPath, Vec<u8>), Trouble> {
        if self.pictures.is_empty() {
            return Err(bad("No picture came: JPEG, PNG, TIFF and WebP are taken."));
        }
        let record = if self.record.is_empty() { format!("upload-{}", salt()) } else { self.record.clone() };
        let images: Vec<serde_json::Value> = (1..)
            .zip(&self.pictures)
            .map(|(number, file)| json!({ "number": number, "file": file, "rating": "selected" }))
            .collect();
        let text = json!({
            "manifest": 1, "kind": "session", "record": record, "session": record, "status": "Uploaded",
            "profiles": [profile],
            "images": images, "count": { "images": self.pictures.len() },
        });
        let text = serde_json::to_vec_pretty(&text)?;
        let name =
            RelPath::from_part(&format!("{}.json", visible_part(&record))).ok_or_else(|| bad("The name is none."))?;
        manifest::read_job(&text, name.as_str(), None)
            .map_err(|e| Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, e.to_string()))?;
        Ok((name, text))
    }
}

/// As [`safe_part`], and no name that scans pass over: what a person has typed as a record may begin with a dot.
fn visible_part(text: &str) -> String {
    let part = safe_part(text);
    if is_ignored(&part) { format!("_{part}") } else { part }
}

fn picture_name(file: &str) -> Option<RelPath> {
    let extension = file.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default();
    let name = RelPath::from_part(file).filter(|name| !is_ignored(file) && !is_ignored(name.as_str()));
    name.filter(|_| TYPES.contains(&extension.as_str()))
}

/// Writes a picture as it comes, under a name that is free.
async fn store(
    file: &str,
    mut field: Field<'_>,
    staging: &mut Staging,
    pictures: &mut Vec<String>,
) -> Result<(), Trouble> {
    let Some(name) = picture_name(file) else { return Ok(()) };
    if pictures.len() >= PICTURES_MAX {
        return Err(Trouble::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("More than {PICTURES_MAX} pictures at a time; send them in portions."),
        ));
    }
    let taken: HashSet<String> = pictures.iter().map(|known| known.to_lowercase()).collect();
    let mut free = name.clone();
    for number in 2.. {
        if !taken.contains(&free.as_str().to_lowercase()) {
            break;
        }
        free = name.with_suffix(&format!("_{number}"));
    }
    let folder = staging.folder()?.to_path_buf();
    let mut staged = block_in_place(|| Staged::create(&free.below(&folder)))?;
    let (mut written, mut looked) = (0_u64, 0_u64);
    while let Some(piece) = piece(&mut field).await? {
        if written >= looked {
            looked = written + LOOK_EVERY_BYTES;
            if block_in_place(|| free_space(&folder)).is_some_and(|free| free < LEFT_FREE_BYTES) {
                let text =
                    format!("The disk of {} is nearly full; nothing was kept of the upload.", staging.above.display());
                return Err(Trouble::new(StatusCode::INSUFFICIENT_STORAGE, text));
            }
        }
        written += piece.len() as u64;
        if written > SOURCE_MAX_BYTES {
            return Err(Trouble::new(StatusCode::PAYLOAD_TOO_LARGE, format!("{file} is larger than 1 GiB.")));
        }
        block_in_place(|| staged.write_all(&piece))?;
    }
    block_in_place(|| staged.finish())?;
    pictures.push(free.to_string());
    Ok(())
}

/// The pictures of a form that has nothing else; says in which folder they lie.
pub(super) async fn receive_pictures(mut form: Multipart, staging: &mut Staging) -> Result<PathBuf, Trouble> {
    let mut pictures = Vec::new();
    while let Some(field) = next(&mut form).await? {
        let file = field.file_name().unwrap_or_default();
        let file = file.rsplit(['/', '\\']).next().unwrap_or_default().to_string();
        if field.name() == Some("pictures") && !file.is_empty() {
            if picture_name(&file).is_none() {
                return Err(bad(format!("{file} is no picture: JPEG, PNG, TIFF and WebP are taken.")));
            }
            store(&file, field, staging, &mut pictures).await?;
        }
    }
    if pictures.is_empty() {
        return Err(bad("Nothing was sent. Choose pictures first."));
    }
    Ok(staging.folder()?.to_path_buf())
}

/// Another manifest of that name may wait to be taken: then it gets a number.
fn publish_alone(hot_folder: &HotFolder, name: &RelPath, text: &[u8]) -> Result<RelPath, Trouble> {
    let mut free = name.clone();
    for number in 2..1_000 {
        match durable::write_new(&free.below(&hot_folder.folder), text) {
            Ok(()) => {
                if hot_folder.done_file {
                    durable::replace(&hot_folder.folder.join(format!("{free}.done")), b"")?;
                }
                return Ok(free);
            }
            Err(e) if e.already_exists() => free = name.with_suffix(&format!("_{number}")),
            Err(e) => return Err(e.into()),
        }
    }
    Err(bad("Too many manifests of that name wait in the hot folder."))
}
