//! The pictures that lie with their manifest: which files they are, and whether they are there.
//!
//! Owns: a picture is one file or none; where several fit equally well, none is taken. The names under which they stand
//! in a job's `inputs/` are made here and nowhere else.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization as _;

use super::ending::{End, Ends};
use super::listing::{Dropped, Listing};
use super::names;
use super::same::{self, NotRead};
use super::waiting::Picture;
use crate::model::config::{Config, ImageNumber};
use crate::model::manifest::{Image, Manifest};
use crate::model::name::{RelPath, fold, quoted};
use crate::spool::job::{Left, Stamp};

/// File types that are pictures where the config names none, best first.
const TYPES: &[&str] = &["tif", "tiff", "jpg", "jpeg", "png", "webp"];

/// A picture that a manifest names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) label: String,
    wanted: Wanted,
    sha256: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    /// Below the manifest's folder.
    File(RelPath),
    /// In the manifest's folder.
    Number(String),
}

impl Named {
    /// Whether it lies in a folder below the manifest's.
    pub(super) fn is_deep(&self) -> bool {
        matches!(&self.wanted, Wanted::File(file) if file.parent().is_some())
    }

    pub(super) fn is_of(&self, image: &Image) -> bool {
        wanted(image).as_ref() == Some(&self.wanted)
    }

    /// The manifest says which bytes it has.
    pub(super) fn is_demanded(&self) -> bool {
        self.sha256.is_some()
    }
}

/// Every picture that a manifest names, each once.
pub(super) fn named(manifest: &Manifest) -> Vec<Named> {
    let mut all: Vec<Named> = Vec::new();
    let mut seen = HashSet::new();
    for image in &manifest.images {
        let Some(wanted) = wanted(image) else { continue };
        let key = match &wanted {
            Wanted::File(file) => format!("f{file}"),
            Wanted::Number(number) => format!("n{number}"),
        };
        if seen.insert(key) {
            all.push(Named { label: image.label(), wanted, sha256: image.sha256.clone() });
        }
    }
    without_clashes(all)
}

/// A file cannot be the folder of another one, and the folder of a number holds nothing else: where a manifest asks for
/// that, neither picture is taken, and the job says that they did not come.
fn without_clashes(all: Vec<Named>) -> Vec<Named> {
    let places: HashSet<String> = all.iter().map(|named| named.wanted.place()).collect();
    let clashes: HashSet<String> = all
        .iter()
        .filter_map(|named| match &named.wanted {
            Wanted::File(file) => {
                let inner = file.as_str().match_indices('/').map(|(at, _)| &file.as_str()[..at]);
                Some((inner.filter(|f| places.contains(*f)).map(str::to_string).next()?, file.to_string()))
            }
            Wanted::Number(_) => None,
        })
        .flat_map(|(outer, inner)| [outer, inner])
        .collect();
    all.into_iter().filter(|named| !clashes.contains(&named.wanted.place())).collect()
}

impl Wanted {
    /// What it takes of `inputs/`.
    fn place(&self) -> String {
        match self {
            Wanted::File(file) => file.to_string(),
            Wanted::Number(number) => format!("#{number}"),
        }
    }

    fn in_inputs(&self, inputs: &Path) -> Option<RelPath> {
        match self {
            Wanted::File(file) => file.below(inputs).is_file().then(|| file.clone()),
            Wanted::Number(number) => {
                let folder = number_folder(number)?;
                let entries = std::fs::read_dir(folder.below(inputs)).ok()?;
                let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
                names.filter_map(|name| RelPath::parse(&name).ok()).min().map(|name| folder.join(&name))
            }
        }
    }
}

impl Named {
    /// What it takes of `inputs/`.
    pub(super) fn place(&self) -> String {
        self.wanted.place()
    }

    /// The name without folders, as far as it says one.
    pub(super) fn file_name(&self) -> &str {
        match &self.wanted {
            Wanted::File(file) => file.file_name(),
            Wanted::Number(number) => number,
        }
    }

    /// Under which name it stands in `inputs/`, once it is there.
    pub(super) fn input_in(&self, inputs: &Path) -> Option<RelPath> {
        self.wanted.in_inputs(inputs)
    }

    /// The picture of that name which came with another job, and stays there.
    pub(super) fn of_then(&self, inputs: &Path) -> Option<Picture> {
        let input = self.input_in(inputs)?;
        let from = input.below(inputs);
        Some(Picture { stamp: Stamp::of(&from).ok()?, from, input, stays: true })
    }
}

fn wanted(image: &Image) -> Option<Wanted> {
    match (&image.file, &image.number) {
        (Some(file), _) => RelPath::parse(&file.nfc().collect::<String>()).ok().map(Wanted::File),
        (None, Some(number)) => Some(Wanted::Number(number.clone())),
        (None, None) => None,
    }
}

/// Under which name a manifest's picture stands in the job's `inputs/`: as the manifest names it; by number alone in
/// a folder of that number, so that it keeps its own name. `None` when it is not there.
pub fn input_name(image: &Image, inputs: &Path) -> Option<RelPath> {
    wanted(image)?.in_inputs(inputs)
}

/// What became of a picture that did not come along.
pub fn left_of<'l>(image: &Image, left: &'l [Left]) -> Option<&'l Left> {
    match wanted(image)? {
        Wanted::File(file) => left.iter().find(|left| left.input == file),
        Wanted::Number(number) => {
            let folder = format!("{}/", number_folder(&number)?);
            left.iter().find(|left| left.input.as_str().starts_with(&folder))
        }
    }
}

fn number_folder(number: &str) -> Option<RelPath> {
    RelPath::parse(&format!("#{number}")).ok()
}

/// Which files are pictures, by their extensions in lower case, best first.
pub(super) fn types(config: &Config) -> Vec<String> {
    config.library.as_ref().map_or_else(|| TYPES.iter().map(ToString::to_string).collect(), |l| l.types.clone())
}

/// A look at a drop folder, to find pictures in by name.
#[derive(Debug)]
pub(super) struct Tree<'l> {
    files: &'l [Dropped],
    by_path: HashMap<String, Vec<usize>>,
    by_folder: HashMap<String, Vec<usize>>,
    /// What earlier orders have left.
    earlier: Option<Box<Tree<'l>>>,
    numbering: ImageNumber,
    types: Vec<String>,
}

/// What is there of a named picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Presence<'l> {
    /// And where it goes in `inputs/`.
    There(&'l Dropped, RelPath),
    Missing,
    /// Several files fit.
    Unclear(String),
}

impl<'l> Tree<'l> {
    pub(super) fn new(listing: &'l Listing, config: &Config) -> Tree<'l> {
        let earlier = (!listing.earlier.is_empty()).then(|| Box::new(Tree::of(&listing.earlier, config)));
        Tree { earlier, ..Tree::of(&listing.files, config) }
    }

    fn of(files: &'l [Dropped], config: &Config) -> Tree<'l> {
        let (mut by_path, mut by_folder) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for (index, file) in files.iter().enumerate() {
            by_path.entry(fold(&file.below)).or_default().push(index);
            by_folder.entry(file.folder().to_string()).or_default().push(index);
        }
        let library = config.library.as_ref();
        Tree {
            files,
            by_path,
            by_folder,
            earlier: None,
            numbering: library.map(|l| l.image_number.clone()).unwrap_or_default(),
            types: types(config),
        }
    }

    /// `folder` is the manifest's, below the hot folder.
    pub(super) fn find(&self, folder: &str, named: &Named) -> Presence<'l> {
        let fitting = match &named.wanted {
            Wanted::File(file) => self.by_name(folder, file),
            Wanted::Number(number) => self.by_number(folder, number),
        };
        one_of(&fitting, named)
    }

    /// In whatever folder it lies.
    pub(super) fn find_anywhere(&self, named: &Named) -> Presence<'l> {
        let Wanted::File(file) = &named.wanted else { return Presence::Missing };
        let is_it = |known: &&Dropped| fold(known.name()) == fold(file.file_name());
        one_of(&self.files.iter().filter(is_it).collect::<Vec<_>>(), named)
    }

    /// Whether anything lies in a folder of the manifest's.
    pub(super) fn has_folder(&self, folder: &str) -> bool {
        let inner = format!("{folder}/");
        self.files.iter().any(|file| file.below.starts_with(&inner))
    }

    /// The same among what earlier orders have left, because it cannot be removed.
    pub(super) fn find_earlier(&self, folder: &str, named: &Named) -> Option<Presence<'l>> {
        self.earlier.as_ref().map(|earlier| earlier.find(folder, named)).filter(|found| *found != Presence::Missing)
    }

    fn by_name(&self, folder: &str, file: &RelPath) -> Vec<&'l Dropped> {
        let below = if folder.is_empty() { file.to_string() } else { format!("{folder}/{file}") };
        let fitting: Vec<&Dropped> =
            self.by_path.get(&fold(&below)).into_iter().flatten().map(|i| &self.files[*i]).collect();
        let exactly = fitting.iter().find(|f| f.below.nfc().eq(below.nfc()));
        exactly.map_or_else(|| fitting.clone(), |file| vec![file])
    }

    fn by_number(&self, folder: &str, number: &str) -> Vec<&'l Dropped> {
        let rank = |file: &Dropped| names::extension(file.name()).and_then(|e| self.types.iter().position(|t| *t == e));
        let fitting = self.by_folder.get(folder).into_iter().flatten().map(|i| &self.files[*i]);
        let mut fitting: Vec<(usize, &Dropped)> = fitting
            .filter(|f| self.numbering.of_stem(names::stem(f.name())).as_deref() == Some(number))
            .filter_map(|file| Some((rank(file)?, file)))
            .collect();
        let best = fitting.iter().map(|(rank, _)| *rank).min();
        fitting.retain(|(rank, _)| Some(*rank) == best);
        fitting.into_iter().map(|(_, file)| file).collect()
    }
}

fn one_of<'l>(fitting: &[&'l Dropped], named: &Named) -> Presence<'l> {
    match fitting {
        [] => Presence::Missing,
        [file] => place(file, &named.wanted),
        [a, b, ..] => {
            let (a, b) = (quoted(&a.below), quoted(&b.below));
            Presence::Unclear(format!("{} may be {a} or {b}", named.label))
        }
    }
}

fn place<'l>(file: &'l Dropped, wanted: &Wanted) -> Presence<'l> {
    let input = match wanted {
        Wanted::File(named) => Some(named.clone()),
        Wanted::Number(number) => {
            // A name that no system could hold is made safe: it is only shown.
            number_folder(number).zip(RelPath::from_part(file.name())).map(|(folder, name)| folder.join(&name))
        }
    };
    input.map_or(Presence::Missing, |input| Presence::There(file, input))
}

/// What was read of dropped pictures before they are taken.
#[derive(Debug, Default)]
pub(super) struct Contents {
    digests: Digests,
    pub(super) ends: Ends,
}

/// What a settled picture holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// All of it, as far as can be told without decoding it.
    Whole,
    /// It goes along with its job, which fails for it and can say why: it is no use to wait for ever.
    Spoilt(&'static str),
    /// The next look will tell.
    Later,
    /// It cannot be read; why.
    Unreadable(String),
}

/// Of a file that may still be written.
pub(super) const NO_END: &str = "its end is missing; it may still be written";

impl Contents {
    pub(super) fn begin(&mut self) {
        self.digests.left = HASHED_MAX_BYTES;
        self.ends.begin();
    }

    /// A demanded digest says everything; without one the end of the file has to do.
    pub(super) fn look(&mut self, file: &Dropped, named: &Named) -> Content {
        if file.stamp.bytes == 0 {
            return Content::Spoilt("empty");
        }
        match &named.sha256 {
            Some(demanded) => match self.digests.check(file, demanded) {
                Digest::Right => Content::Whole,
                Digest::Wrong => Content::Spoilt("there, but not with the sha256 that the manifest demands"),
                Digest::Later => Content::Later,
                Digest::Unreadable(why) => Content::Unreadable(why),
            },
            None => match self.ends.look(&file.path, &file.stamp) {
                End::There => Content::Whole,
                End::Missing => Content::Spoilt(NO_END),
                End::Later => Content::Later,
            },
        }
    }

    /// Forgets files that are gone.
    pub(super) fn end(&mut self, is_there: impl Fn(&Path) -> bool) {
        self.digests.known.retain(|path, _| is_there(path));
        self.ends.end(is_there);
    }
}

/// Digests of dropped pictures, each made once for its size and time.
#[derive(Debug, Default)]
struct Digests {
    known: HashMap<PathBuf, (Stamp, String)>,
    /// Bytes that may still be hashed in this look: one drop must not hold the other hot folders up.
    left: u64,
}

/// Bytes that are hashed in one look; the rest follows in the next.
const HASHED_MAX_BYTES: u64 = 512 * 1024 * 1024;

/// Whether a file has the demanded digest.
#[derive(Debug, PartialEq, Eq)]
enum Digest {
    Right,
    Wrong,
    /// In the next look.
    Later,
    /// It cannot be read; why.
    Unreadable(String),
}

impl Digests {
    fn check(&mut self, file: &Dropped, demanded: &str) -> Digest {
        let known = self.known.get(&file.path).filter(|(stamp, _)| *stamp == file.stamp);
        let digest = if let Some((_, digest)) = known {
            digest.clone()
        } else {
            if self.left == 0 {
                return Digest::Later;
            }
            self.left = self.left.saturating_sub(file.stamp.bytes);
            match same::sha256(&file.path, &file.stamp) {
                Ok(digest) => {
                    self.known.insert(file.path.clone(), (file.stamp, digest.clone()));
                    digest
                }
                Err(NotRead::Changed) => return Digest::Later,
                Err(NotRead::Failed(e)) => return Digest::Unreadable(e.to_string()),
            }
        };
        if digest.eq_ignore_ascii_case(demanded) { Digest::Right } else { Digest::Wrong }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(files: &[&str]) -> Listing {
        let stamp = Stamp { device: 1, inode: 1, bytes: 1, modified_ns: 1 };
        let file = |below: &&str| Dropped {
            path: Path::new("/d").join(below),
            below: (*below).to_string(),
            stamp,
            entered: None,
        };
        Listing { files: files.iter().map(file).collect(), ..Listing::default() }
    }

    fn image(file: Option<&str>, number: Option<&str>) -> Named {
        let image = Image { file: file.map(str::to_string), number: number.map(str::to_string), ..Image::default() };
        let wanted = wanted(&image).unwrap();
        Named { label: image.label(), wanted, sha256: None }
    }

    fn find(files: &[&str], folder: &str, named: &Named) -> String {
        let config = Config::parse(
            "version: 1\nlibrary: { roots: [s], sources: { hires: '{stem}.*' }, image_number: { last: 3 } }",
            Path::new("/c/h.yaml"),
        );
        let listing = listing(files);
        match Tree::new(&listing, &config.unwrap()).find(folder, named) {
            Presence::There(file, input) => format!("{} as {input}", file.below),
            Presence::Missing => "missing".into(),
            Presence::Unclear(why) => why,
        }
    }

    #[test]
    fn pictures_are_found_by_name_from_the_manifest_on() {
        let named = image(Some("album/A.jpg"), None);
        assert_eq!(find(&["album/A.jpg", "x/album/A.jpg"], "", &named), "album/A.jpg as album/A.jpg");
        assert_eq!(find(&["album/A.jpg", "x/Album/a.JPG"], "x", &named), "x/Album/a.JPG as album/A.jpg");
        assert_eq!(find(&["album/A.jpg", "album/a.jpg"], "", &named), "album/A.jpg as album/A.jpg");
        assert!(find(&["album/a.JPG", "album/a.jpg"], "", &named).contains("may be `album/a.JPG` or"));
        assert_eq!(find(&["A.jpg"], "", &named), "missing");
        let composed = image(Some("\u{e9}.jpg"), None);
        assert_eq!(find(&["e\u{301}.jpg"], "", &composed), "e\u{301}.jpg as \u{e9}.jpg");
    }

    #[test]
    fn pictures_are_found_by_number_in_the_manifests_folder() {
        let named = image(None, Some("7"));
        assert_eq!(find(&["S1007.jpg", "x/S2007.jpg"], "", &named), "S1007.jpg as #7/S1007.jpg");
        assert_eq!(find(&["S1007.jpg", "S1007.tif", "S1007.txt"], "", &named), "S1007.tif as #7/S1007.tif");
        assert!(find(&["S1007.jpg", "S2007.jpg"], "", &named).starts_with("image 7 may be"));
        assert_eq!(find(&["x/S1007.jpg"], "", &named), "missing");
    }
}
