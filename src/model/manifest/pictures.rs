//! The manifest that a drop of pictures without one gets: what is stored of it, and how it is read again.

use serde::{Deserialize, Serialize};

use super::{Action, Client, Image, Kind, Manifest};
use crate::model::digest::sha256;
use crate::model::name::{RelPath, safe_part};

/// The form that this version writes.
const VERSION: u32 = 1;
/// As of every record.
const RECORD_MAX_CHARS: usize = 64;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    manifest: u32,
    kind: Kind,
    record: String,
    images: Vec<WrittenImage>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenImage {
    file: RelPath,
}

/// The text of such a manifest. `name` is the file's stem or the folder's name.
pub fn write_pictures(name: &str, files: &[RelPath]) -> Vec<u8> {
    let record = record(name);
    let images = files.iter().map(|file| WrittenImage { file: file.clone() }).collect();
    let written = Written { manifest: VERSION, kind: Kind::Pictures, record, images };
    // Texts and numbers always have a JSON form.
    serde_json::to_vec_pretty(&written).unwrap_or_default()
}

/// Reads what [`write_pictures`] wrote; `None` for anything else.
pub fn read_pictures(text: &[u8]) -> Option<Manifest> {
    let written: Written = serde_json::from_slice(text).ok()?;
    if written.kind != Kind::Pictures || written.manifest != VERSION {
        return None;
    }
    let image = |image: WrittenImage| Image { file: Some(image.file.to_string()), ..Image::default() };
    let images = written.images.into_iter().map(image).collect();
    Some(Manifest { content: sha256(text), ..of_pictures(written.record, images) })
}

/// Pictures of which nobody has said anything.
pub fn of_pictures(record: String, images: Vec<Image>) -> Manifest {
    Manifest {
        kind: Kind::Pictures,
        record,
        id: None,
        action: Action::New,
        only: Vec::new(),
        status: String::new(),
        status_date: None,
        r#type: None,
        location: None,
        session: None,
        client: Client::default(),
        images,
        lines: Vec::new(),
        profiles: Vec::new(),
        not_before: None,
        priority: 0,
        fields: Vec::new(),
        content: String::new(),
    }
}

fn record(name: &str) -> String {
    let safe: String = safe_part(name).chars().take(RECORD_MAX_CHARS).collect();
    let trimmed = safe.trim_end_matches([' ', '.']).trim();
    if trimmed.is_empty() { "unnamed".to_string() } else { trimmed.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let files = ["a.jpg", "sub/b é.tif"].map(|f| RelPath::parse(f).unwrap());
        for (name, record) in
            [("Party", "Party"), ("a:b", "a_b"), ("..", "unnamed"), (&"ü".repeat(90), &"ü".repeat(64) as &str)]
        {
            let manifest = read_pictures(&write_pictures(name, &files)).unwrap();
            assert_eq!((manifest.kind, manifest.record.as_str()), (Kind::Pictures, record));
            assert_eq!(manifest.images[1].file.as_deref(), Some("sub/b é.tif"));
        }
        assert!(read_pictures(br#"{"manifest":1,"kind":"session","record":"1","images":[]}"#).is_none());
        assert!(
            read_pictures(br#"{"manifest":1,"kind":"pictures","record":"1","images":[{"file":"../x"}]}"#).is_none()
        );
    }
}
