//! The price list: what a line gets from its item.

use super::Context;
use super::names::Named;
use crate::keyword;
use crate::model::globs::Globs;
use crate::model::manifest::{Fit, QuantityUnit};
use crate::model::rule::Item;
use crate::model::section::OneOrMany;
use crate::model::units::Dimensions;
use crate::section;

keyword! {
    pub(super) enum AllImages { All = "all" }
}

section! {
    /// What lines of an item get that do not say it themselves. The first item that matches counts.
    pub(super) struct RawItem {
        /// The size, such as `8x10in`. Default none.
        size: Dimensions,
        /// The layout that the line's pictures go into. Default none.
        layout: String,
        /// What a layout line counts: `piece` or `sheet`. Default: what the line says.
        unit: QuantityUnit,
        /// The paper, such as `lustre`. Default none.
        paper: String,
        /// How a picture meets the size: `fill`, `fit` or `pad`. Default: the profile's.
        fit: Fit,
        /// `all`: every image of the manifest. Default: those that the line names.
        images: AllImages,
        /// The vendor who makes it. Default none.
        vendor: String,
        /// The profiles that may take these lines; one with a `deliver` of its own is run for them even when no render job names it. Default any.
        run: OneOrMany<String>,
        /// `false`: these lines make nothing. Default `true`.
        render: bool,
    }
}

impl RawItem {
    pub(super) fn check(self, pattern: String, cx: &mut Context<'_>) -> Option<Item> {
        let here = &self.here;
        if pattern.trim().is_empty() || pattern.trim_start().starts_with('!') {
            cx.error(here, format!("`{pattern}` names no items; write a code or a glob such as `\"WALLET*\"`"));
        }
        let matcher = match Globs::new(vec![pattern.clone()]) {
            Ok(matcher) => matcher,
            Err(why) => {
                cx.error(here, why);
                return None;
            }
        };
        if let Some(layout) = &self.layout {
            cx.known(Named::Layout, layout, &here.key("layout"));
            if self.size.is_some() {
                cx.error(&here.key("size"), "the size of a layout is its `sheet`; leave `size` or `layout` out");
            }
        }
        let run = self.run.map(|run| run.0);
        if let Some(run) = &run {
            cx.all_known(Named::Profile, run, &here.key("run"));
        }
        Some(Item {
            pattern,
            matcher,
            size: self.size,
            layout: self.layout,
            unit: self.unit,
            paper: self.paper,
            fit: self.fit,
            all_images: self.images.is_some(),
            vendor: self.vendor,
            run,
            render: self.render.unwrap_or(true),
        })
    }
}
