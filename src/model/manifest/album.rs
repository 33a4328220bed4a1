//! Finding the pictures that lines name among the images of a manifest.
//!
//! Owns: a reference becomes exactly one image or a problem. One that is not listed is added without edits; the
//! dangerous case is a picture that *is* listed, but under a name that cannot be compared: its edits would be lost in
//! silence, so that is warned of.

use std::collections::HashMap;

use super::identity::{FileName, ImageNumber, ImageRef};
use super::{Image, ImageIndex};
use crate::model::document::Path;
use crate::model::limits::NUMBER_MAX_DIGITS;
use crate::model::name::{fold, quoted, same_name};
use crate::model::problem::Problems;

/// The images of a manifest, found by their names.
pub(super) struct Album {
    images: Vec<Image>,
    /// As many as the manifest lists; those behind were added.
    listed: usize,
    /// Some images could not be read: what a line names may be one of them.
    incomplete: bool,
    session: Option<String>,
    by_name: HashMap<String, Vec<ImageIndex>>,
    /// By the last part of a file name, and by that without its extension.
    by_part: HashMap<String, Vec<ImageIndex>>,
    /// Listed images without a number, by every number that their file's name may end with.
    by_ending: HashMap<String, ImageIndex>,
    /// Images that had no session until a line said which.
    adopted: HashMap<ImageIndex, String>,
}

impl Album {
    pub(super) fn new(images: Vec<Image>, incomplete: bool, session: Option<String>) -> Album {
        let mut album = Album {
            listed: images.len(),
            images: Vec::with_capacity(images.len()),
            incomplete,
            session,
            by_name: HashMap::new(),
            by_part: HashMap::new(),
            by_ending: HashMap::new(),
            adopted: HashMap::new(),
        };
        for image in images {
            album.add(image);
        }
        album
    }

    pub(super) fn into_images(self) -> Vec<Image> {
        self.images
    }

    fn add(&mut self, image: Image) -> ImageIndex {
        let index = self.images.len();
        let names = [image.id.as_deref(), image.number.as_deref(), image.file.as_deref()];
        for name in names.into_iter().flatten() {
            note(&mut self.by_name, name, index);
        }
        if let Some(file) = &image.file {
            let last = file.rsplit_once('/').map_or(file.as_str(), |(_, last)| last);
            note(&mut self.by_part, last, index);
            note(&mut self.by_part, stem(last), index);
            if image.number.is_none() && index < self.listed {
                self.note_endings(stem(last), index);
            }
        }
        self.images.push(image);
        index
    }

    fn note_endings(&mut self, stem: &str, index: ImageIndex) {
        let digits = stem.bytes().rev().take_while(u8::is_ascii_digit).count().min(NUMBER_MAX_DIGITS);
        for length in 1..=digits {
            self.by_ending.entry(stem[stem.len() - length..].to_string()).or_insert(index);
        }
    }

    /// The image that a line names; `session` is the line's own.
    pub(super) fn find(
        &mut self,
        wanted: &ImageRef,
        session: Option<&str>,
        path: &Path,
        problems: &mut Problems,
    ) -> Option<ImageIndex> {
        let number = ImageNumber::parse(wanted.0.trim()).map(|n| n.0);
        let mut found = Vec::new();
        for name in [Some(wanted.0.as_str()), number.as_deref()].into_iter().flatten() {
            found.extend(self.by_name.get(&fold(name)).into_iter().flatten());
        }
        if found.is_empty() {
            found.extend(self.by_part.get(&fold(&wanted.0)).into_iter().flatten());
        }
        found.sort_unstable();
        found.dedup();
        let elsewhere = found.clone();
        found.retain(|index| self.lies_in(*index, session));
        match found[..] {
            [index] => {
                self.adopt(index, session);
                Some(index)
            }
            [] => self.unlisted(wanted, number, session, &elsewhere, path, problems),
            _ => {
                let mut list: Vec<String> = found.iter().take(3).map(|index| self.describe(*index)).collect();
                if found.len() > list.len() {
                    list.push("others".to_string());
                }
                let hint = "name another of its names, or give each an `id` and name that";
                problems.error(path, format!("{} fits {}; {hint}", quoted(&wanted.0), list.join(" and ")));
                None
            }
        }
    }

    fn session_of(&self, index: ImageIndex) -> Option<&str> {
        self.images.get(index).and_then(|image| image.session.as_deref()).or(self.session.as_deref())
    }

    fn lies_in(&self, index: ImageIndex, session: Option<&str>) -> bool {
        match (session, self.session_of(index)) {
            (Some(wanted), Some(own)) => same_name(wanted, own),
            _ => true,
        }
    }

    fn adopt(&mut self, index: ImageIndex, session: Option<&str>) {
        if let (Some(session), None) = (session, self.session_of(index)) {
            self.adopted.insert(index, session.to_string());
            self.images[index].session = Some(session.to_string());
        }
    }

    fn unlisted(
        &mut self,
        wanted: &ImageRef,
        number: Option<String>,
        session: Option<&str>,
        elsewhere: &[ImageIndex],
        path: &Path,
        problems: &mut Problems,
    ) -> Option<ImageIndex> {
        if let Some((index, first)) = elsewhere.iter().find_map(|index| self.adopted.get(index).map(|s| (*index, s))) {
            let two = format!("lines look for it in {} and in {}", quoted(first), quoted(session.unwrap_or_default()));
            let hint = "list it once for each session, with its `session`";
            problems.error(path, format!("{} has no session, and {two}; {hint}", self.describe(index)));
            return None;
        }
        let file = number.is_none().then(|| wanted.0.clone());
        if let Some(file) = &file {
            FileName::check(file).map_err(|why| problems.error(path, why)).ok()?;
        }
        if !self.incomplete
            && let Some(index) = self.perhaps(number.as_deref(), file.as_deref())
        {
            let what = "is not listed under this name, so it is taken without edits";
            let listed = format!("if it is {}, name it as that does, or give that a `number`", self.describe(index));
            problems.warn(path, format!("{} {what}; {listed}", quoted(&wanted.0)));
        }
        let own = session.filter(|s| !self.session.as_deref().is_some_and(|all| same_name(s, all)));
        Some(self.add(Image { number, file, session: own.map(str::to_string), ..Image::default() }))
    }

    /// A listed image that may be the same picture, though its names cannot tell.
    fn perhaps(&self, number: Option<&str>, file: Option<&str>) -> Option<ImageIndex> {
        if let Some(file) = file {
            let last = file.rsplit_once('/').map_or(file, |(_, last)| last);
            return self.by_part.get(&fold(stem(last)))?.iter().copied().find(|index| *index < self.listed);
        }
        self.by_ending.get(number?).copied()
    }

    fn describe(&self, index: ImageIndex) -> String {
        let Some(image) = self.images.get(index) else { return String::new() };
        let names = [
            image.number.as_ref().map(|n| format!("number {n}")),
            image.file.as_ref().map(|f| format!("file {}", quoted(f))),
            image.id.as_ref().map(|i| format!("id {}", quoted(i))),
            image
                .session
                .as_ref()
                .filter(|_| !self.adopted.contains_key(&index))
                .map(|s| format!("session {}", quoted(s))),
        ];
        let names: Vec<String> = names.into_iter().flatten().collect();
        if index < self.listed {
            format!("images[{index}] ({})", names.join(", "))
        } else {
            format!("the image ({}) of an earlier line", names.join(", "))
        }
    }
}

/// So many images of one name tell as well as more that the name is ambiguous; the search stays linear.
const NAMESAKES_MAX: usize = 100;

fn note(map: &mut HashMap<String, Vec<ImageIndex>>, name: &str, index: ImageIndex) {
    let places = map.entry(fold(name)).or_default();
    // The names of one image are noted one after the other: the same again can only be the last.
    if places.len() < NAMESAKES_MAX && places.last() != Some(&index) {
        places.push(index);
    }
}

fn stem(file: &str) -> &str {
    match file.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file,
    }
}
