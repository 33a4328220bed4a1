//! Finding originals in the library: the session's folder, then each wanted source's patterns.
//!
//! Owns: nothing outside the library's roots is ever found, whatever a manifest or a link says, and two files that fit
//! equally well are a [`LibraryAnswer::Tie`], never a guess. Originals are only looked at here. Must not know what a
//! picture is wanted for.

mod pattern;
mod shelf;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use self::pattern::Pattern;
use self::shelf::Shelf;
use super::names;
use crate::model::config::{Library, LibrarySource};
use crate::model::manifest::{Image, Manifest};
use crate::model::name::{fold, quoted};
use crate::plan::facts::Want;
use crate::spool::job::Stamp;
use crate::spool::places::Places;

/// An original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Which source of the library it is of.
    pub kind: String,
    /// Absolute; where links lead is resolved.
    pub path: PathBuf,
    /// Below the library's root, `/` between its parts.
    pub shown: String,
    pub bytes: u64,
    pub stamp: Stamp,
}

/// What was found of one wanted picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LibraryAnswer {
    /// The first match in each wanted source, in wanted order; and where was looked, for the operator.
    Files(Vec<FoundFile>, String),
    /// Several fit equally well: both are named, a person decides.
    Tie(String),
    /// A root is not there: waited for; nothing is known to be missing.
    Unreachable(String),
}

/// Finds one picture. For many, a [`Finder`] reads each folder once.
pub fn find(library: &Library, manifest: &Manifest, want: &Want) -> LibraryAnswer {
    Finder::new(library, &Places::default()).find(manifest, want)
}

/// Finds pictures in one pass: what it has read of the library it does not read again.
#[derive(Debug)]
pub struct Finder<'l> {
    library: &'l Library,
    places: &'l Places,
    /// The roots where links may lead, resolved.
    resolved_roots: Vec<PathBuf>,
    sessions: HashMap<String, Session>,
    shelves: HashMap<PathBuf, Rc<Shelf>>,
    /// By folder and pattern.
    numbers: HashMap<(PathBuf, String), Numbers>,
}

#[derive(Debug, Clone)]
enum Session {
    At { folder: PathBuf, shown: String },
    Answer(LibraryAnswer),
}

/// Which files of a folder have a number.
type Numbers = HashMap<String, Vec<usize>>;

/// What stops a search: the answer is this one.
type Stop = LibraryAnswer;

impl<'l> Finder<'l> {
    /// `places` tells a root whose disk is not mounted from an empty one.
    pub fn new(library: &'l Library, places: &'l Places) -> Finder<'l> {
        let resolved_roots = library.roots.iter().filter_map(|root| root.canonicalize().ok()).collect();
        let (sessions, shelves, numbers) = (HashMap::new(), HashMap::new(), HashMap::new());
        Finder { library, places, resolved_roots, sessions, shelves, numbers }
    }

    pub fn find(&mut self, manifest: &Manifest, want: &Want) -> LibraryAnswer {
        self.search(manifest, want).unwrap_or_else(|stop| stop)
    }

    fn search(&mut self, manifest: &Manifest, want: &Want) -> Result<LibraryAnswer, Stop> {
        let nowhere = |why: String| LibraryAnswer::Files(Vec::new(), why);
        let Some(image) = manifest.images.get(want.image) else {
            return Ok(nowhere("the manifest has no such image".to_string()));
        };
        let Some(session) = manifest.session_of(Some(image)) else {
            return Ok(nowhere("the manifest names no session".to_string()));
        };
        let (folder, shown) = match self.session(session) {
            Session::At { folder, shown } => (folder, shown),
            Session::Answer(answer) => return Err(answer),
        };
        let (mut files, mut looked) = (Vec::new(), Vec::new());
        for name in &want.sources {
            let Some(source) = self.library.source(name) else { continue };
            looked.extend(source.patterns.iter().map(|p| told(p, image)));
            files.extend(self.in_source(source, image, &folder, &shown)?);
        }
        Ok(LibraryAnswer::Files(files, format!("{} in {}", looked.join(", "), folder.display())))
    }

    /// The folder of a session: under the first root that has it.
    fn session(&mut self, session: &str) -> Session {
        if let Some(known) = self.sessions.get(session) {
            return known.clone();
        }
        let answer = self.look_for_session(session).unwrap_or_else(Session::Answer);
        self.sessions.insert(session.to_string(), answer.clone());
        answer
    }

    fn look_for_session(&mut self, session: &str) -> Result<Session, Stop> {
        for root in &self.library.roots {
            // A root that is not there may be the one that has the session: the next root must not stand in for it.
            if let Some(why) = self.places.unmounted(root) {
                return Err(LibraryAnswer::Unreachable(why));
            }
            let is_folder = root.metadata().map_err(|e| unreachable(root, &e))?.is_dir();
            if !is_folder {
                return Err(LibraryAnswer::Unreachable(format!("{} is not a folder", root.display())));
            }
            if let Some(name) = self.session_folder_in(root, session)? {
                let folder = match self.shelf(root)?.folder(&name) {
                    Some(Some(target)) => target.clone(),
                    _ => root.join(&name),
                };
                return Ok(Session::At { folder, shown: name });
            }
        }
        let pattern = self.library.session_folder.written().replace("{session}", session);
        let roots: Vec<String> = self.library.roots.iter().map(|r| r.display().to_string()).collect();
        let looked = format!("no folder {} in {}", quoted(&pattern), roots.join(", "));
        Ok(Session::Answer(LibraryAnswer::Files(Vec::new(), looked)))
    }

    fn session_folder_in(&mut self, root: &Path, session: &str) -> Result<Option<String>, Stop> {
        let content = self.shelf(root)?;
        let exact = self.library.session_folder.exact_name(session);
        if content.folder(&exact).is_some() {
            return Ok(Some(exact));
        }
        let only = |mut names: Vec<&str>| match names.len() {
            0 => Ok(None),
            1 => Ok(Some(names.remove(0).to_string())),
            _ => {
                names.sort_unstable();
                let told = names.iter().take(5).map(|n| quoted(n)).collect::<Vec<_>>().join(" and ");
                let text = format!("the session {} may be {told} in {}", quoted(session), root.display());
                Err(LibraryAnswer::Tie(text))
            }
        };
        let folded = fold(&exact);
        if let Some(name) = only(content.folders().filter(|name| fold(name) == folded).collect())? {
            return Ok(Some(name));
        }
        let pattern = &self.library.session_folder;
        let is_of = |name: &&str| pattern.matches(session, name) && pattern::stands_alone(session, name);
        only(content.folders().filter(is_of).collect())
    }

    /// The first pattern that matches decides.
    fn in_source(
        &mut self,
        source: &LibrarySource,
        image: &Image,
        folder: &Path,
        session: &str,
    ) -> Result<Option<FoundFile>, Stop> {
        for written in &source.patterns {
            let pattern = Pattern::parse(written);
            let mut fitting = Vec::new();
            for (folder, shown) in self.folders_of(&pattern, folder, session)? {
                let content = self.shelf(&folder)?;
                for index in self.fitting(&content, &pattern, written, image, &folder) {
                    let file = &content.files[index];
                    let path = file.target.clone().unwrap_or_else(|| folder.join(&file.name));
                    fitting.push((file.rank, path, format!("{shown}/{}", file.name)));
                }
            }
            let best = fitting.iter().map(|(rank, ..)| *rank).min();
            fitting.retain(|(rank, ..)| Some(*rank) == best);
            if let [(_, _, one), (_, _, another), ..] = fitting.as_slice() {
                let (one, another) = (quoted(one), quoted(another));
                return Err(LibraryAnswer::Tie(format!("{} may be {one} or {another}", image.label())));
            }
            let Some((_, path, shown)) = fitting.pop() else { continue };
            match Stamp::of(&path) {
                Ok(stamp) => {
                    let kind = source.name.clone();
                    return Ok(Some(FoundFile { kind, path, shown, bytes: stamp.bytes, stamp }));
                }
                // It went since the folder was read.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(unreachable(&path, &e)),
            }
        }
        Ok(None)
    }

    /// Where a pattern's files lie; more than one only where folders differ by case alone.
    fn folders_of(&mut self, pattern: &Pattern, base: &Path, shown: &str) -> Result<Vec<(PathBuf, String)>, Stop> {
        let mut here = vec![(base.to_path_buf(), shown.to_string())];
        for part in &pattern.folders {
            let (mut next, folded) = (Vec::new(), fold(part));
            for (folder, shown) in here {
                let content = self.shelf(&folder)?;
                for name in content.folders().filter(|name| fold(name) == folded) {
                    let path = content.folder(name).cloned().flatten().unwrap_or_else(|| folder.join(name));
                    next.push((path, format!("{shown}/{name}")));
                }
            }
            here = next;
        }
        Ok(here)
    }

    /// Which files of a folder are the picture, of whatever type.
    fn fitting(
        &mut self,
        content: &Rc<Shelf>,
        pattern: &Pattern,
        written: &str,
        image: &Image,
        folder: &Path,
    ) -> Vec<usize> {
        if let Some(file) = &image.file {
            let name = file.rsplit_once('/').map_or(file.as_str(), |(_, name)| name);
            return pattern.of_stem(names::stem(name), content);
        }
        let Some(number) = &image.number else { return Vec::new() };
        let key = (folder.to_path_buf(), written.to_string());
        let image_number = &self.library.image_number;
        let numbers = self.numbers.entry(key).or_insert_with(|| {
            let mut numbers = Numbers::new();
            for (index, file) in content.files.iter().enumerate() {
                if let Some(number) = pattern.stem_in(&file.name).and_then(|stem| image_number.of_stem(stem)) {
                    numbers.entry(number).or_default().push(index);
                }
            }
            numbers
        });
        numbers.get(number).cloned().unwrap_or_default()
    }

    /// A folder's content, read once. One that is not there is empty; one that cannot be read is waited for.
    fn shelf(&mut self, folder: &Path) -> Result<Rc<Shelf>, Stop> {
        if let Some(known) = self.shelves.get(folder) {
            return Ok(Rc::clone(known));
        }
        let content = match Shelf::read(folder, &self.library.types, &self.resolved_roots) {
            Ok(content) => Rc::new(content),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Rc::default(),
            Err(e) => return Err(unreachable(folder, &e)),
        };
        self.shelves.insert(folder.to_path_buf(), Rc::clone(&content));
        Ok(content)
    }
}

fn unreachable(path: &Path, error: &io::Error) -> Stop {
    LibraryAnswer::Unreachable(format!("{}: {error}", path.display()))
}

/// A pattern as a person reads it, with what was looked for in it.
fn told(pattern: &str, image: &Image) -> String {
    match (&image.file, &image.number) {
        (Some(file), _) => {
            let name = file.rsplit_once('/').map_or(file.as_str(), |(_, name)| name);
            quoted(&pattern.replace("{stem}", names::stem(name)))
        }
        (None, Some(number)) => format!("number {number} of {}", quoted(&pattern.replace("{stem}", "*"))),
        (None, None) => quoted(pattern),
    }
}

#[cfg(test)]
mod tests;
