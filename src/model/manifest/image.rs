//! One entry of `images`, and the edits that lines share with images.

use super::form::{AdjustForm, ImageForm};
use super::scalar::{FreeFields, Text, Texts};
use super::{Fields, Image};
use crate::model::document::Node;
use crate::model::problem::Problems;
use crate::model::spec::{Adjust, PixelSize, Tone};

/// `node` is what `form` was read from. Problems go into `problems`; what could not be read is left out.
pub(super) fn image(form: ImageForm, node: Option<&Node>, problems: &mut Problems) -> Image {
    let has = |key| node.and_then(|n| n.get(key)).is_some_and(|n| *n != Node::Null);
    if !has("number") && !has("file") {
        problems.error(&form.here, "`number` or `file` is missing: one of them must say which picture this is");
    }
    for (one, other) in [("width", "height"), ("height", "width")] {
        if has(one) && !has(other) {
            problems.error(&form.here.key(one), format!("`{other}` is missing: the frame's shape needs both"));
        }
    }
    let frame = form.width.zip(form.height).map(|(w, h)| PixelSize::new(w.0 as u32, h.0 as u32));
    Image {
        number: form.number.map(|n| n.0),
        file: form.file.map(|f| f.0),
        id: form.id.map(|i| i.0),
        rating: form.rating,
        groups: texts(form.groups),
        source: plain(form.source),
        session: form.session.map(|s| s.0),
        rotate: form.rotate.unwrap_or_default(),
        straighten: form.straighten.map_or(0.0, |s| s.0),
        crop: form.crop,
        adjust: form.adjust.as_ref().map_or_else(Adjust::default, adjust),
        tone: form.tone.unwrap_or(Tone::Color),
        frame,
        sha256: form.sha256.map(|s| s.0),
        fields: fields(form.fields, node, ImageForm::KEYS),
    }
}

pub(super) fn adjust(form: &AdjustForm) -> Adjust {
    Adjust {
        exposure: form.exposure.map_or(0.0, |v| v.0),
        brightness: form.brightness.map_or(0.0, |v| v.0),
        contrast: form.contrast.map_or(0.0, |v| v.0),
        saturation: form.saturation.map_or(0.0, |v| v.0),
        temperature: form.temperature.map_or(0.0, |v| v.0),
        tint: form.tint.map_or(0.0, |v| v.0),
    }
}

pub(super) fn plain<const MAX: usize>(text: Option<Text<MAX>>) -> Option<String> {
    text.and_then(|t| t.0)
}

pub(super) fn texts(texts: Option<Texts>) -> Vec<String> {
    texts.map(|t| t.0).unwrap_or_default()
}

/// The free fields, and behind them every key that this version does not know: nothing that was said is lost.
pub(super) fn fields(free: Option<FreeFields>, node: Option<&Node>, known: &[&str]) -> Fields {
    let mut fields = free.map(|f| f.0).unwrap_or_default();
    if let Some(Node::Map(entries)) = node {
        let unknown = entries.iter().filter(|(key, _)| !known.contains(&key.as_str()));
        let added: Fields = unknown.filter(|(key, _)| fields.iter().all(|(k, _)| k != key)).cloned().collect();
        fields.extend(added);
    }
    fields
}
