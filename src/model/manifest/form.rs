//! The form of a manifest: every key, what it takes, and what it means. The JSON Schema comes from here.
//!
//! These are the values one by one. What they mean together is checked where the [`Manifest`](super::Manifest) is put
//! together.

use super::identity::{FileName, Identifier, ImageNumber, ImageRef, LineImages};
use super::scalar::{Capped, FreeFields, Moment, Notes, Sha256, Text, Texts, Version};
use super::{Action, Crop, Fit, Kind, QuantityUnit, Rating};
use crate::model::limits::{MANIFEST_MAX_ENTRIES, QUANTITY_MAX, SIDE_MAX_PX};
use crate::model::section::{Real, Whole};
use crate::model::spec::{Tone, Turn};
use crate::model::units::{Color, Dimensions, Length};
use crate::{keyword, section};

keyword! {
    /// What a file may say that it describes.
    pub enum WrittenKind { Session = "session", Invoice = "invoice", ProductionOrder = "production_order" }
}

impl From<WrittenKind> for Kind {
    fn from(kind: WrittenKind) -> Kind {
        match kind {
            WrittenKind::Session => Kind::Session,
            WrittenKind::Invoice => Kind::Invoice,
            WrittenKind::ProductionOrder => Kind::ProductionOrder,
        }
    }
}

#[allow(clippy::cast_possible_wrap, reason = "a small constant")]
type Amount = Whole<0, { MANIFEST_MAX_ENTRIES as i64 }>;
type Quantity = Whole<1, { QUANTITY_MAX as i64 }>;
type Pixels = Whole<1, { SIDE_MAX_PX as i64 }>;
/// What a `u32` holds: some programs number lines by their database key.
type LineNumber = Whole<1, { u32::MAX as i64 }>;
type Percent = Real<-100, 100>;

section! {
    /// One job for the render server: a session, an invoice or a production order that reached a status.
    pub struct ManifestForm {
        /// The version of this format: 1.
        manifest: Version [required],
        /// What the manifest describes.
        kind: WrittenKind [required],
        /// The session, invoice or order number: 1 to 64 characters without `/`, `\`, `:` and control characters.
        record: Identifier [required],
        /// This submission, under the rules of `record`.
        id: Identifier,
        /// `new` (default); `reprint`: make it again, on purpose; `cancel`: this record's jobs that have not started.
        action: Action,
        /// With `reprint`: the numbers of the lines to make again. Without it: all.
        only: Capped<LineNumber>,
        /// The status that was reached; render jobs match on it.
        status: Text,
        /// When it was reached: date and time with the time zone (RFC 3339).
        status_date: Moment,
        /// The session's, invoice's or order's type; render jobs match on it.
        r#type: Text,
        /// The studio's location; render jobs match on it.
        location: Text,
        /// Where the library finds the images, under the rules of `record`.
        session: Identifier,
        /// The person who ordered.
        client: ClientForm,
        /// The pictures with their edits. Required for a session; an order needs only those with something to say.
        images: Capped<ImageForm>,
        /// What was ordered.
        lines: Capped<LineForm>,
        /// Run these render profiles instead of those that the render jobs name.
        profiles: Texts,
        /// Not to be started before: date and time with the time zone (RFC 3339).
        not_before: Moment,
        /// Higher goes first; 0 by default.
        priority: Whole<-1000, 1000>,
        /// How many images and lines the manifest has. Required in YAML, where a cut-off list is still a list.
        count: CountForm,
        /// Anything else; a template shows it as `{fields.NAME}`.
        fields: FreeFields,
    }
}

section! {
    /// The person who ordered.
    pub struct ClientForm {
        /// First name.
        first: Text,
        /// Last name.
        last: Text,
        /// Mail address; download links go there.
        email: Text,
        /// Phone number.
        phone: Text,
        /// Language of mails and download pages, such as `en`.
        language: Text,
    }
}

section! {
    /// How many entries the two lists have.
    pub struct CountForm {
        /// Entries of `images`.
        images: Amount,
        /// Entries of `lines`.
        lines: Amount,
    }
}

section! {
    /// One picture and its edits. `number` or `file` is needed.
    pub struct ImageForm {
        /// The image number.
        number: ImageNumber,
        /// The file's name, or its path below the manifest's folder. In a library its stem finds the picture.
        file: FileName,
        /// A name of its own where a number is not unique; lines may name it.
        id: Identifier,
        /// What the client or the studio decided.
        rating: Rating,
        /// Groups that the picture is in; render profiles choose by them.
        groups: Texts,
        /// Exactly this source of the library, such as `retouched`.
        source: Text,
        /// The session of this picture, where it is not the manifest's.
        session: Identifier,
        /// Turn to the right in degrees, after the camera's own orientation.
        rotate: Turn,
        /// Fine turn to the right in degrees, about the centre, on an unchanged canvas.
        straighten: Real<-45, 45>,
        /// `[x, y, width, height]` as fractions of the upright frame, after `rotate` and `straighten`.
        crop: Crop,
        /// Light and colour.
        adjust: AdjustForm,
        /// `color` (default), `bw`, `sepia` or a colour such as `#704214`.
        tone: Tone,
        /// Width of the upright frame in pixels, as the studio app knows it; with `height`.
        width: Pixels,
        /// Height of the upright frame in pixels; with `width`.
        height: Pixels,
        /// SHA-256 of the file: another file counts as not arrived.
        sha256: Sha256,
        /// Anything else; a template shows it as `{fields.NAME}`.
        fields: FreeFields,
    }
}

section! {
    /// Light and colour; what is left out stays as it is.
    pub struct AdjustForm {
        /// Stops.
        exposure: Real<-5, 5>,
        /// Percent.
        brightness: Percent,
        /// Percent.
        contrast: Percent,
        /// Percent; −100 takes all colour away.
        saturation: Percent,
        /// Cooler below 0, warmer above.
        temperature: Percent,
        /// Greener below 0, more magenta above.
        tint: Percent,
    }
}

section! {
    /// One ordered item. What it leaves out comes from the price list of the server's configuration.
    pub struct LineForm {
        /// The line's number; without it, its position, counted from 1.
        line: LineNumber,
        /// The item's code in the price list.
        item: Text,
        /// The item in words.
        description: Text,
        /// How many; 1 by default.
        quantity: Quantity,
        /// What `quantity` counts on a layout: finished pieces or sheets.
        unit: QuantityUnit,
        /// The picture: its number, id or file name. With a layout it is repeated in every opening.
        image: ImageRef,
        /// Several pictures, an output for each: a list, or `all`. Not with a layout.
        images: LineImages,
        /// The session of the line's pictures, where it is not the manifest's.
        session: Identifier,
        /// The layout that composes the sheet.
        layout: Text,
        /// One picture for each opening of the layout.
        slots: Capped<SlotForm>,
        /// The ordered size.
        size: Dimensions,
        /// The ordered paper or surface.
        paper: Text,
        /// How the picture goes into the size.
        fit: Fit,
        /// A border inside the size.
        border: BorderForm,
        /// As on an image; wins over it.
        crop: Crop,
        /// As on an image; wins over it.
        adjust: AdjustForm,
        /// As on an image; wins over it.
        tone: Tone,
        /// As on an image; wins over it.
        source: Text,
        /// The line is rendered by this profile alone, whatever else matches.
        profile: Text,
        /// Who makes it.
        vendor: Text,
        /// For people, at most 10,000 characters.
        notes: Notes,
        /// When it is due: a date, or any text.
        due_date: Text,
        /// The package that the line belongs to.
        package: Text,
        /// Anything else; a template shows it as `{fields.NAME}`.
        fields: FreeFields,
    }
}

section! {
    /// The picture of one opening.
    pub struct SlotForm {
        /// The picture: its number, id or file name.
        image: ImageRef [required],
        /// As on an image; wins over it.
        crop: Crop,
        /// As on an image; wins over it.
        adjust: AdjustForm,
        /// As on an image; wins over it.
        tone: Tone,
        /// As on an image; wins over it.
        source: Text,
    }
}

section! {
    /// A border inside the ordered size; the picture is scaled into what it leaves.
    pub struct BorderForm {
        /// Its width.
        width: Length [required],
        /// Its colour; white by default.
        color: Color,
    }
}
