//! One entry of `lines`: what it says by itself, and that it does not contradict itself.

use super::album::Album;
use super::form::{BorderForm, LineForm, SlotForm};
use super::identity::LineImages;
use super::image::{adjust, fields, plain};
use super::{Line, LineBorder, Slot};
use crate::model::document::{Node, Path};
use crate::model::name::quoted;
use crate::model::problem::Problems;
use crate::model::units::Color;

/// `position` counts from 1; `node` is what `form` was read from. What could not be read is left out.
pub(super) fn line(
    form: LineForm,
    position: usize,
    node: Option<&Node>,
    album: &mut Album,
    problems: &mut Problems,
) -> Line {
    check_pictures(&form, problems);
    let here = form.here;
    let session = form.session.map(|s| s.0);
    let session = session.as_deref();
    let mut line = Line { line: form.line.map_or(position as u32, |n| n.0 as u32), ..Line::default() };
    if let Some(image) = form.image {
        line.images.extend(album.find(&image, session, &here.key("image"), problems));
    }
    match form.images {
        Some(LineImages::All) => line.all_images = true,
        Some(LineImages::These(list)) => {
            let mut seen = std::collections::HashSet::new();
            for (i, image) in list.iter().enumerate() {
                let path = here.key("images").index(i);
                let Some(index) = album.find(image, session, &path, problems) else { continue };
                if seen.insert(index) {
                    line.images.push(index);
                } else {
                    problems.warn(&path, format!("{} is named twice; it is made once", quoted(&image.0)));
                }
            }
        }
        None => {}
    }
    for (i, form) in form.slots.into_iter().flat_map(|s| s.0).enumerate() {
        line.slots.extend(slot(form, session, &here.key("slots").index(i), album, problems));
    }
    line.item = plain(form.item);
    line.description = plain(form.description);
    line.quantity = form.quantity.map_or(1, |q| q.0 as u32);
    line.unit = form.unit;
    line.layout = plain(form.layout);
    line.size = form.size;
    line.paper = plain(form.paper);
    line.fit = form.fit;
    line.border = form.border.as_ref().and_then(border);
    line.crop = form.crop;
    line.adjust = form.adjust.as_ref().map(adjust);
    line.tone = form.tone;
    line.source = plain(form.source);
    line.profile = plain(form.profile);
    line.vendor = plain(form.vendor);
    line.notes = plain(form.notes);
    line.due_date = plain(form.due_date);
    line.package = plain(form.package);
    line.fields = fields(form.fields, node, LineForm::KEYS);
    line
}

/// One way to name the pictures, and one that the layout can use.
fn check_pictures(form: &LineForm, problems: &mut Problems) {
    let said: Vec<&str> =
        [("image", form.image.is_some()), ("images", form.images.is_some()), ("slots", form.slots.is_some())]
            .into_iter()
            .filter_map(|(key, is_said)| is_said.then_some(key))
            .collect();
    if let [first, .., last] = said[..] {
        let hint = "one picture goes into `image`, several without a layout into `images`, those of a layout's \
                    openings into `slots`";
        problems.error(&form.here.key(last), format!("`{first}` names the line's pictures already; {hint}"));
    }
    if form.images.is_some() && form.layout.as_ref().is_some_and(|l| l.0.is_some()) {
        let hint = "a layout takes one `image` for all its openings, or `slots`, one for each";
        problems.error(&form.here.key("images"), format!("`images` is for lines without a layout; {hint}"));
    }
    if form.slots.as_ref().is_some_and(|s| s.0.is_empty()) {
        problems.error(&form.here.key("slots"), "the list is empty; a layout needs one entry for each opening");
    }
}

fn slot(
    form: SlotForm,
    session: Option<&str>,
    path: &Path,
    album: &mut Album,
    problems: &mut Problems,
) -> Option<Slot> {
    let image = album.find(&form.image?, session, &path.key("image"), problems)?;
    let source = plain(form.source);
    Some(Slot { image, crop: form.crop, adjust: form.adjust.as_ref().map(adjust), tone: form.tone, source })
}

fn border(form: &BorderForm) -> Option<LineBorder> {
    Some(LineBorder { width: form.width?, color: form.color.unwrap_or(Color::WHITE) })
}
