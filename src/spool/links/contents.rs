//! What lies behind a link: `contents.json` in its folder.
//!
//! Beside it lie the zip and the small pictures. A single file is a stretch of the zip, in which nothing is compressed:
//! so what is downloaded alone is what is in the zip, and nothing lies on the disk twice.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::name::RelPath;
use crate::model::spec::PixelSize;
use crate::spool::job::{self, RecordError};

/// Names in the folder.
pub const CONTENTS: &str = "contents.json";
pub const ZIP: &str = "pictures.zip";

pub fn thumb_name(index: usize) -> String {
    format!("thumb-{}.jpg", index + 1)
}

pub fn screen_name(index: usize) -> String {
    format!("screen-{}.jpg", index + 1)
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contents {
    /// The form of this file.
    pub contents: u32,
    /// Whose pictures they are.
    pub client: Option<String>,
    /// Of the page.
    pub language: Option<String>,
    /// None where the pictures are only looked at.
    pub zip: Option<ZipFile>,
    /// In the order in which the page shows them.
    pub files: Vec<LinkedFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZipFile {
    /// What it is called where it is saved.
    pub name: RelPath,
    pub bytes: u64,
    pub sha256: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkedFile {
    /// In the zip.
    pub path: RelPath,
    pub bytes: u64,
    pub sha256: String,
    /// Where its bytes begin in the zip.
    pub offset: u64,
    /// Of a picture that this version can show.
    pub thumb: Option<SmallPicture>,
    pub screen: Option<SmallPicture>,
    /// The file, by its index, that shows the same: this is another size of that picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmallPicture {
    pub pixels: PixelSize,
    pub bytes: u64,
}

impl Contents {
    pub fn read(folder: &Path) -> Result<Contents, RecordError> {
        job::read(folder, CONTENTS)
    }

    /// The pictures in their order, each by the indices of its files: the sizes that it comes in.
    pub fn pictures(&self) -> Vec<Vec<usize>> {
        let mut pictures: Vec<Vec<usize>> = Vec::new();
        let mut at: BTreeMap<usize, usize> = BTreeMap::new();
        for (index, file) in self.files.iter().enumerate().filter(|(_, file)| file.thumb.is_some()) {
            if let Some(place) = file.same_as.and_then(|first| at.get(&first)) {
                pictures[*place].push(index);
            } else {
                at.insert(index, pictures.len());
                pictures.push(vec![index]);
            }
        }
        pictures
    }
}
