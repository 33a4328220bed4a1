//! Which words go with a finished picture.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepMetadata {
    All,
    Copyright,
    None,
}

/// What the file says about the picture. ICC profile and dpi are not metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent wishes, not states of one thing")]
pub struct MetadataSpec {
    pub keep: KeepMetadata,
    pub strip_location: bool,
    pub strip_people: bool,
    pub strip_serials: bool,
    /// When the picture was taken and changed stays under [`KeepMetadata::Copyright`] too. Plans of 0.1.0 do not say it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_dates: bool,
    /// Written where the source has none and `keep` is not `None`: the studio's.
    pub fallback_artist: Option<String>,
    pub fallback_copyright: Option<String>,
    /// Always written, whatever `keep` says.
    pub set_artist: Option<String>,
    pub set_copyright: Option<String>,
    pub set_caption: Option<String>,
    pub set_keywords: Option<String>,
}

impl MetadataSpec {
    /// Nobody is to learn anything from the file but its picture.
    pub const fn none() -> MetadataSpec {
        MetadataSpec {
            keep: KeepMetadata::None,
            strip_location: true,
            strip_people: true,
            strip_serials: true,
            keep_dates: false,
            fallback_artist: None,
            fallback_copyright: None,
            set_artist: None,
            set_copyright: None,
            set_caption: None,
            set_keywords: None,
        }
    }
}
