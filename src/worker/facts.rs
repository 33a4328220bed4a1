//! Finds the pictures of a job and reads their headers: what a plan is made from.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use crate::intake::Beside;
use crate::intake::library::{Finder, LibraryAnswer};
use crate::model::config::Library;
use crate::model::manifest::Manifest;
use crate::model::name::RelPath;
use crate::model::spec::Header;
use crate::plan::SourcePlace;
use crate::plan::facts::{Candidate, Facts, Found, Want};
use crate::render;
use crate::spool::job::Left;
use crate::spool::places::Places;

/// Where the pictures of a job lie.
#[derive(Debug, Clone, Copy)]
pub enum Pictures<'a> {
    Library(Option<&'a Library>),
    /// They came with the manifest: below this folder, under the names of [`crate::intake::input_name`].
    Beside(&'a Path),
    /// They lie beside a manifest that was not dropped yet.
    Undropped(&'a Beside),
}

/// A root of the library is not there: waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable(pub String);

/// Looks every wanted picture up. Reads headers only.
pub fn gather(
    manifest: &Manifest,
    wants: impl IntoIterator<Item = Want>,
    pictures: Pictures<'_>,
    places: &Places,
) -> Result<Facts, Unreachable> {
    let mut facts = Facts::new();
    let mut finder = match pictures {
        Pictures::Library(library) => library.map(|library| Finder::new(library, places)),
        Pictures::Beside(_) | Pictures::Undropped(_) => None,
    };
    for want in wants {
        let found = match (pictures, &mut finder) {
            (Pictures::Beside(folder), _) => {
                let name = crate::intake::input_name(&manifest.images[want.image], folder);
                beside(name.map(|name| (name.below(folder), name)))
            }
            (Pictures::Undropped(lying), _) => {
                beside(lying.of(&manifest.images[want.image]).map(|lying| (lying.file.clone(), lying.input.clone())))
            }
            (Pictures::Library(_), Some(finder)) => from_library(finder.find(manifest, &want))?,
            (Pictures::Library(_), None) => {
                Found::Candidates { list: Vec::new(), looked: "the config names no `library`".into() }
            }
        };
        facts.insert(want, found);
    }
    Ok(facts)
}

fn from_library(answer: LibraryAnswer) -> Result<Found, Unreachable> {
    match answer {
        LibraryAnswer::Tie(text) => Ok(Found::Tie(text)),
        LibraryAnswer::Unreachable(text) => Err(Unreachable(text)),
        LibraryAnswer::Files(files, looked) => {
            let mut list = Vec::with_capacity(files.len());
            for file in files {
                let header = match header(&file.path) {
                    Ok(header) => header,
                    Err(e) => return Err(Unreachable(format!("{} cannot be read: {e}", file.shown))),
                };
                list.push(Candidate {
                    kind: file.kind,
                    place: SourcePlace::Library(file.path),
                    shown: file.shown,
                    bytes: file.bytes,
                    header,
                });
            }
            Ok(Found::Candidates { list, looked })
        }
    }
}

fn beside(file: Option<(PathBuf, RelPath)>) -> Found {
    let looked = "it did not come with the manifest".to_string();
    let none = || Found::Candidates { list: Vec::new(), looked: looked.clone() };
    let Some((path, name)) = file else { return none() };
    let Ok(bytes) = path.metadata().map(|m| m.len()) else { return none() };
    match header(&path) {
        Ok(header) => {
            let shown = name.to_string();
            let candidate = Candidate { kind: "input".into(), place: SourcePlace::Input(name), shown, bytes, header };
            Found::Candidates { list: vec![candidate], looked }
        }
        Err(_) => none(),
    }
}

/// Says of pictures that did not come along why that is.
pub fn explain(facts: &mut Facts, manifest: &Manifest, left: &[Left]) {
    for (want, found) in facts.iter_mut() {
        if let Found::Candidates { list, looked } = found
            && list.is_empty()
            && let Some(left) = crate::intake::left_of(&manifest.images[want.image], left)
        {
            *looked = format!("it lies at {} and {}", left.from.display(), left.why);
        }
    }
}

/// The outer error is the world's, the inner the picture's.
fn header(path: &Path) -> std::io::Result<Result<Header, (String, String)>> {
    let file = std::fs::File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(std::io::Error::new(std::io::ErrorKind::IsADirectory, "it is a folder; name the pictures in it"));
    }
    Ok(render::probe(BufReader::new(file)).map_err(|e| (e.code().to_string(), e.to_string())))
}

/// A picture given by hand: the plan's only candidate for its image.
pub fn by_hand(path: &Path) -> std::io::Result<Candidate> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Candidate {
        kind: "input".into(),
        place: SourcePlace::Library(path.to_path_buf()),
        shown: name,
        bytes: path.metadata()?.len(),
        header: header(path)?,
    })
}

/// Where an input of a job lies.
pub fn source_path(place: &SourcePlace, job_folder: &Path) -> std::path::PathBuf {
    match place {
        SourcePlace::Library(path) => path.clone(),
        SourcePlace::Input(path) => RelPath::below(path, &job_folder.join(crate::spool::job::file::INPUTS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_no_picture_of_some_size() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(by_hand(folder.path()).unwrap_err().kind(), std::io::ErrorKind::IsADirectory);
    }
}
