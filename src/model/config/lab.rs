//! Orders to an outside lab's machine or software.

use super::Context;
use crate::model::delivery::{Channel, Delivery, LabFormat, LabNames};
use crate::model::globs::Globs;
use crate::model::likeness;
use crate::model::name::quoted;
use crate::model::section::{Span, Whole};
use crate::model::template::Template;
use crate::model::units::Dimensions;
use crate::section;

section! {
    /// An order in a lab's format.
    pub(super) struct RawLab {
        /// The lab's format: `noritsu`, `fuji_c8` or `csv`.
        format: LabFormat [required],
        /// The folder that the lab's software watches: a template.
        path: Template [required],
        /// Noritsu and CSV: the lab's channel for each size and paper. Noritsu needs it.
        channels: Vec<RawChannel>,
        /// Lines on the back of a print, at most two templates. Default none.
        back_print: Vec<Template>,
        /// Noritsu: name of the folder with the pictures in an order; empty for the order's folder itself. Default `IMAGE`.
        image_folder: String,
        /// Noritsu: the customer number that the lab gave the studio. Default none.
        customer_id: String,
        /// Fuji C8: the queue and colour space, such as `PICsRGB`. It needs it.
        device: String,
        /// File names as the profile makes them (`long`), or `short` ASCII ones for old machines. Default `long`.
        names: LabNames,
        /// How long the lab's software may take to accept an order, or to take it away, such as `30m`. Default: as long as it
        /// likes.
        accepted_within: Span,
    }
}

section! {
    /// What a lab calls one size on one paper.
    pub(super) struct RawChannel {
        /// The print's size, such as `8x10in`.
        size: Dimensions [required],
        /// The line's paper, a glob. Default: any.
        paper: String,
        /// The lab's channel, 1 to 999.
        channel: Whole<1, 999> [required],
    }
}

const BACK_PRINT_LINES: usize = 2;

impl RawLab {
    pub(super) fn check(self, cx: &mut Context<'_>) -> Option<Delivery> {
        let here = self.here.clone();
        let format = self.format?;
        let noritsu = format == LabFormat::Noritsu;
        let keys = [
            ("channels", self.channels.is_some(), noritsu || format == LabFormat::Csv),
            ("image_folder", self.image_folder.is_some(), noritsu),
            ("customer_id", self.customer_id.is_some(), noritsu),
            ("device", self.device.is_some(), format == LabFormat::FujiC8),
        ];
        for (key, _, _) in keys.iter().filter(|(_, is_there, allowed)| *is_there && !*allowed) {
            cx.error(&here.key(key), format!("the format `{format}` has no `{key}`"));
        }
        if noritsu && self.channels.as_ref().is_none_or(Vec::is_empty) {
            cx.missing(
                &here,
                "channels",
                "Noritsu machines take a size by its channel, such as `{ size: 8x10in, channel: 11 }`",
            );
        }
        if format == LabFormat::FujiC8 && self.device.is_none() {
            cx.missing(&here, "device", "the machine's queue and colour space, such as `PICsRGB`");
        }
        if let Some(folder) = &self.image_folder
            && (!folder.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
                || folder.eq_ignore_ascii_case("MISC"))
        {
            cx.error(
                &here.key("image_folder"),
                format!("`{folder}` is no folder name that a Noritsu machine reads; `IMAGE` is"),
            );
        }
        for (key, value) in [("customer_id", &self.customer_id), ("device", &self.device)] {
            if let Some(value) = value
                && (value.trim().is_empty() || likeness::ascii(value).text != *value || value.contains('"'))
            {
                let text = format!("{} has characters that no machine reads here: ASCII without quotes", quoted(value));
                cx.error(&here.key(key), text);
            }
        }
        if self.accepted_within.as_ref().is_some_and(|span| span.0.is_zero()) {
            cx.error(&here.key("accepted_within"), "give it some time, such as `30m`");
        }

        let back_print = self.back_print.unwrap_or_default();
        cx.templates(&back_print, &here.key("back_print"));
        if back_print.len() > BACK_PRINT_LINES {
            cx.error(&here.key("back_print"), "a print has at most two lines on its back");
        }
        Some(Delivery::Lab {
            format,
            path: cx.destination(&self.path?, &here.key("path")),
            channels: channels(self.channels.unwrap_or_default(), cx),
            back_print,
            image_folder: self.image_folder,
            customer_id: self.customer_id,
            device: self.device,
            names: self.names.unwrap_or(LabNames::Long),
            accepted_within: self.accepted_within.map(|span| span.0),
        })
    }
}

fn channels(raw: Vec<RawChannel>, cx: &mut Context<'_>) -> Vec<Channel> {
    let mut channels: Vec<Channel> = Vec::new();
    for entry in raw {
        let (Some(size), Some(channel)) = (entry.size, entry.channel) else { continue };
        if size.is_px() {
            cx.error(&entry.here.key("size"), format!("{size}: a lab prints in inches, cm or mm"));
        }
        if let Some(Err(why)) = entry.paper.clone().map(|paper| Globs::new(vec![paper])) {
            cx.error(&entry.here.key("paper"), why);
        }
        if channels.iter().any(|c| c.size.same_size(size) && c.paper == entry.paper) {
            let paper = entry.paper.as_deref().map_or("any paper".to_string(), |paper| format!("`{paper}`"));
            cx.error(&entry.here, format!("{size} on {paper} has a channel already"));
        }
        channels.push(Channel { size, paper: entry.paper, channel: channel.0 as u32 });
    }
    channels
}
