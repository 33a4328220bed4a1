//! What can go wrong with a picture, as a code for receipts and a sentence for the operator.
//!
//! Invariant: every message says what happened and what a person can do about it. Must not know: jobs, retries,
//! fates; whether an error ends a job or waits is decided above.

use crate::model::spec::PixelSize;

/// Why a picture could not be read or made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RenderError {
    #[error("the file is not a JPEG, PNG, TIFF or WebP picture ({0}); export it again in one of these formats")]
    NotAPicture(String),
    #[error(
        "the picture is damaged: {0}; copy it again from its source, or let the profile say `on_damage: accept` to take what is left"
    )]
    Damaged(String),
    /// Of a kind, or so badly, that `on_damage` changes nothing.
    #[error("the picture is damaged: {0}; copy it again from its source")]
    Lost(String),
    #[error("the picture is larger than allowed: {what} {found}, at most {most}; make a smaller copy of it")]
    TooLarge { what: &'static str, found: u64, most: u64 },
    #[error(
        "a {format} picture has at most {most} pixels on a side, this one would be {found}; ask for a smaller `size` or another `format`"
    )]
    TooLargeForFormat { format: &'static str, found: PixelSize, most: u32 },
    #[error("{0} is not supported; save the picture as an RGB JPEG with 8 bits, or as a PNG or TIFF with 8 or 16")]
    Unsupported(String),
    #[error(
        "the picture is {found} upright, but the plan was made for {planned}; it was replaced in between, plan the job again"
    )]
    FrameChanged { planned: PixelSize, found: PixelSize },
    #[error("the colour profile {name} cannot be used: {reason}; put another file in its place")]
    BadProfile { name: String, reason: String },
    #[error("the file {name} of the config cannot be used: {reason}; put another file in its place")]
    BadAsset { name: String, reason: String },
    #[error("the output cannot be made as it is specified: {0}; this is a fault of the plan, please report it")]
    BadSpec(String),
    #[error("the file could not be read: {0}")]
    Io(String),
    #[error("encoding failed: {0}; please report it with the picture")]
    Encode(String),
}

impl RenderError {
    /// The same where damage cannot be accepted.
    pub(super) fn lost(self) -> RenderError {
        match self {
            RenderError::Damaged(what) => RenderError::Lost(what),
            other => other,
        }
    }

    /// The code that receipts and `reason.json` carry; never changes once published.
    pub fn code(&self) -> &'static str {
        match self {
            RenderError::NotAPicture(_) => "not_a_picture",
            RenderError::Damaged(_) | RenderError::Lost(_) => "damaged",
            RenderError::TooLarge { .. } => "too_large",
            RenderError::TooLargeForFormat { .. } => "too_large_for_format",
            RenderError::Unsupported(_) => "unsupported",
            RenderError::FrameChanged { .. } => "frame_changed",
            RenderError::BadProfile { .. } => "bad_profile",
            RenderError::BadAsset { .. } => "bad_asset",
            RenderError::BadSpec(_) => "bad_spec",
            RenderError::Io(_) => "io",
            RenderError::Encode(_) => "encode_failed",
        }
    }
}

/// Something the operator should know about a picture that was made all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderWarning {
    #[error("the EXIF block is broken ({0}); what could be read of it was used")]
    BrokenExif(String),
    #[error("the embedded colour profile cannot be used ({0}); the picture was taken for an untagged one")]
    BrokenProfile(String),
    #[error("what the PNG says of its colours was left out ({0})")]
    ColorsIgnored(String),
    #[error("a CMYK picture without a colour profile; its colours are a guess")]
    UntaggedCmyk,
    #[error("the picture is damaged ({0}); what could be decoded of it was taken")]
    DamageAccepted(String),
    #[error("the file breaks the rules of JPEG ({0}), but all of its pixels are there: the picture is whole")]
    Irregular(String),
    #[error("the {0} chunk of the PNG does not match its checksum and was left out; the pixels do not need it")]
    ChunkLeftOut(String),
    #[error("the XMP block was left out, because {0}")]
    XmpDropped(&'static str),
    #[error("{what} was left out of the copy, because {why}; `metadata: all` with `strip: []` hands on the whole file")]
    LeftOut { what: &'static str, why: &'static str },
    #[error("the HDR gain map of the original is not carried into the finished file, which shows it in standard range")]
    GainMapLost,
    #[error("the file has {bytes} bytes, at most {wanted} were wanted; its quality is not taken lower for that")]
    TooManyBytes { bytes: u64, wanted: u64 },
}

impl RenderWarning {
    /// The code that receipts carry; never changes once published.
    pub fn code(&self) -> &'static str {
        match self {
            RenderWarning::BrokenExif(_) => "broken_exif",
            RenderWarning::BrokenProfile(_) => "broken_profile",
            RenderWarning::ColorsIgnored(_) => "colors_ignored",
            RenderWarning::UntaggedCmyk => "untagged_cmyk",
            RenderWarning::DamageAccepted(_) => "damage_accepted",
            RenderWarning::Irregular(_) => "irregular",
            RenderWarning::ChunkLeftOut(_) => "chunk_left_out",
            RenderWarning::XmpDropped(_) => "xmp_dropped",
            RenderWarning::LeftOut { .. } => "left_out",
            RenderWarning::GainMapLost => "gain_map_lost",
            RenderWarning::TooManyBytes { .. } => "too_many_bytes",
        }
    }
}
