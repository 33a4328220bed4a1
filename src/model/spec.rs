//! The output spec: what one picture becomes for one target, resolved to pixels and numbers.
//!
//! A spec is frozen in the plan. Rendering is a pure function of source bytes and spec, so everything that a
//! profile leaves to names, templates, presets or the studio's config is decided before a spec exists. Equal
//! specs of equal sources are rendered once.
//!
//! A finished file is a sheet: background, filled areas, cells with pictures, and elements (texts, artwork, lines) over
//! them, in this order. A plain picture is a sheet with one cell that covers it.

mod metadata;

use serde::{Deserialize, Serialize};

pub use self::metadata::{KeepMetadata, MetadataSpec};
pub use super::element::{Artwork, Element, Fill, Spot, Text};
use super::units::Color;

/// Width and height in whole pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PixelSize {
    pub width: u32,
    pub height: u32,
}

impl PixelSize {
    pub fn new(width: u32, height: u32) -> PixelSize {
        PixelSize { width, height }
    }

    pub fn long_edge(self) -> u32 {
        self.width.max(self.height)
    }

    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    #[must_use]
    pub fn turned(self, turn: Turn) -> PixelSize {
        if turn.swaps_sides() { PixelSize::new(self.height, self.width) } else { self }
    }
}

impl std::fmt::Display for PixelSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Quarter turns clockwise, in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(into = "u16", try_from = "u16")]
pub enum Turn {
    #[default]
    None,
    Quarter,
    Half,
    ThreeQuarters,
}

impl Turn {
    pub fn from_degrees(degrees: i64) -> Option<Turn> {
        match degrees {
            0 => Some(Turn::None),
            90 => Some(Turn::Quarter),
            180 => Some(Turn::Half),
            270 => Some(Turn::ThreeQuarters),
            _ => None,
        }
    }

    pub fn degrees(self) -> u16 {
        match self {
            Turn::None => 0,
            Turn::Quarter => 90,
            Turn::Half => 180,
            Turn::ThreeQuarters => 270,
        }
    }

    /// This turn and then another one.
    #[must_use]
    pub fn then(self, other: Turn) -> Turn {
        Turn::from_degrees(i64::from((self.degrees() + other.degrees()) % 360)).unwrap_or_default()
    }

    pub fn swaps_sides(self) -> bool {
        matches!(self, Turn::Quarter | Turn::ThreeQuarters)
    }
}

impl From<Turn> for u16 {
    fn from(turn: Turn) -> u16 {
        turn.degrees()
    }
}

impl TryFrom<u16> for Turn {
    type Error = String;
    fn try_from(degrees: u16) -> Result<Turn, String> {
        Turn::from_degrees(i64::from(degrees)).ok_or_else(|| format!("{degrees} is not a quarter turn"))
    }
}

/// The EXIF orientation, 1 to 8; 0 and unknown values count as 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Orientation(u8);

impl Orientation {
    pub const UPRIGHT: Orientation = Orientation(1);

    pub fn from_exif(value: u32) -> Orientation {
        Orientation(if (1..=8).contains(&value) { value as u8 } else { 1 })
    }

    pub fn exif(self) -> u8 {
        self.0
    }

    /// Whether the stored picture is mirrored left to right, before it is turned.
    pub fn mirrored(self) -> bool {
        matches!(self.0, 2 | 4 | 5 | 7)
    }

    /// The turn that stands the picture upright, applied after the mirroring.
    pub fn turn(self) -> Turn {
        match self.0 {
            3 | 4 => Turn::Half,
            6 | 7 => Turn::Quarter,
            5 | 8 => Turn::ThreeQuarters,
            _ => Turn::None,
        }
    }
}

/// A part of a frame in pixels of that frame, not snapped to whole ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Region {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// An area of the sheet, in pixels from its top left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

impl Window {
    pub fn of(size: PixelSize) -> Window {
        Window { x: 0, y: 0, width: size.width, height: size.height }
    }

    pub fn size(self) -> PixelSize {
        PixelSize::new(self.width, self.height)
    }
}

/// Pixels on the four sides of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Edges {
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
}

impl Edges {
    pub fn all(width: u32) -> Edges {
        Edges { left: width, top: width, right: width, bottom: width }
    }

    pub fn is_none(self) -> bool {
        self == Edges::default()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The edits of the adjust block; all zero means none.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Adjust {
    /// Stops, −5 … 5.
    pub exposure: f64,
    /// −100 … 100, like the rest.
    pub brightness: f64,
    pub contrast: f64,
    pub saturation: f64,
    pub temperature: f64,
    pub tint: f64,
}

impl Adjust {
    pub fn is_none(&self) -> bool {
        *self == Adjust::default()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    #[default]
    Color,
    Bw,
    Sepia,
    Custom(Color),
}

/// Unsharp masking on luminance, for the pixels of the finished sheet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Unsharp {
    /// Standard deviation of the blur, in output pixels, 0.1 … 20.
    pub radius: f64,
    /// Share of the difference that is added, 0 … 5 (1 = 100 %).
    pub amount: f64,
    /// Differences up to this many of 255 levels are left alone.
    pub threshold: f64,
}

/// One picture on the sheet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Index into the sources of the plan.
    pub source: usize,
    /// Turns after the camera's orientation.
    pub rotate: Turn,
    /// Fine angle clockwise about the centre of the turned frame, on an unchanged canvas; degrees, −45 … 45.
    pub straighten: f64,
    /// The upright frame (after orientation and `rotate`) at full size that `region` counts in.
    pub frame: PixelSize,
    /// The part of the frame that is shown; inside the frame, and inside the turned picture where it is straightened.
    pub region: Region,
    /// Where it lands, scaled.
    pub window: Window,
    /// Pixels around the window that show its mirrored edge: the bleed where the picture ends. They are on the sheet.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mirror: Edges,
    pub adjust: Adjust,
    pub tone: Tone,
    pub sharpen: Option<Unsharp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    Relative,
    Perceptual,
}

/// An RGB space that ships with the program, or a profile kept by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColorSpace {
    Srgb,
    AdobeRgb,
    DisplayP3,
    /// SHA-256 (hex) of an ICC file among the job's assets.
    Asset(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColorSpec {
    /// Converted to and embedded.
    pub output: ColorSpace,
    pub intent: Intent,
    pub black_point: bool,
    /// What a picture without a profile is taken for.
    pub untagged: ColorSpace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subsampling {
    #[serde(rename = "4:4:4")]
    S444,
    #[serde(rename = "4:2:2")]
    S422,
    #[serde(rename = "4:2:0")]
    S420,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PngCompression {
    Fast,
    Standard,
    Best,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TiffCompression {
    None,
    Lzw,
    Deflate,
}

/// The file format and its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case")]
pub enum Encoding {
    Jpeg {
        /// 1 … 100.
        quality: u8,
        subsampling: Subsampling,
        progressive: bool,
        /// Huffman tables made for this picture; smaller files, twice the time.
        optimize: bool,
        /// Quality goes down, not below 40, until the file is not larger.
        max_bytes: Option<u64>,
    },
    Png {
        bits: u8,
        compression: PngCompression,
    },
    Tiff {
        bits: u8,
        compression: TiffCompression,
    },
    Webp {
        /// 1 … 100.
        quality: u8,
        /// As for a JPEG.
        #[serde(default)]
        max_bytes: Option<u64>,
    },
    /// The original's bytes; only the metadata policy is applied, without re-encoding.
    Copy,
}

impl Encoding {
    /// Whether the file has 16 bits a channel.
    pub fn is_wide(&self) -> bool {
        matches!(self, Encoding::Png { bits: 16, .. } | Encoding::Tiff { bits: 16, .. })
    }
}

/// One finished file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputSpec {
    /// The sheet before `turn`.
    pub sheet: PixelSize,
    pub background: Color,
    /// Under the cells, the later over the earlier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fills: Vec<Fill>,
    pub cells: Vec<Cell>,
    /// Over the cells, the later over the earlier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elements: Vec<Element>,
    /// Turns the finished sheet.
    pub turn: Turn,
    pub color: ColorSpec,
    pub encoding: Encoding,
    /// Written into the file, pixels per inch.
    pub dpi: f64,
    pub metadata: MetadataSpec,
    /// Take what could be decoded of a truncated original instead of refusing it.
    pub accept_damage: bool,
}

impl OutputSpec {
    /// Pixels of the finished file.
    pub fn pixels(&self) -> PixelSize {
        self.sheet.turned(self.turn)
    }
}

/// Of how many stored pixels one is decoded, on each side: 1, 2, 4 or 8. JPEG only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DecodeFactor(pub u8);

impl DecodeFactor {
    pub const FULL: DecodeFactor = DecodeFactor(1);
}

/// The kind of file a picture is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureFormat {
    Jpeg,
    Png,
    Tiff,
    Webp,
}

/// What the header of an original says; the plan is made from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub format: PictureFormat,
    /// As stored, before the orientation.
    pub stored: PixelSize,
    pub orientation: Orientation,
    /// Bits of one channel as stored: 8, 16 or 32.
    pub bits: u8,
    pub has_alpha: bool,
    /// Whether a profile is embedded, or EXIF names a space other than sRGB.
    pub tagged: bool,
    /// A JPEG in several scans, which takes more memory to decode.
    #[serde(default)]
    pub progressive: bool,
    /// When it was taken, by the camera's clock, which knows no zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<jiff::civil::DateTime>,
}

impl Header {
    /// The upright frame, before the manifest's `rotate`.
    pub fn upright(&self) -> PixelSize {
        self.stored.turned(self.orientation.turn())
    }
}
