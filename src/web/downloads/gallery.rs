//! The page of a link and each of its pictures by itself, once the link opens.
//!
//! Owns: each picture is there once, with the sizes that it comes in; without a script all of it works.

use std::net::SocketAddr;
use std::sync::PoisonError;

use askama::Template;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::pages::pin_page;
use super::visit::{self, Grace, Visit};
use super::visitor::Visitor;
use super::{Frame, Room, small, sorry};
use crate::clock;
use crate::model::delivery::Show;
use crate::model::name::RelPath;
use crate::spool::links::{Set, Used};
use crate::web::page::html;

#[derive(Template)]
#[template(path = "downloads/landing.html")]
struct LandingPage {
    frame: Frame,
    email: Option<String>,
    /// Whose pictures they are.
    title: String,
    /// "40 pictures · 1.2 GB"
    what: String,
    /// "Here until …"
    until: String,
    /// Where everything is asked for, and how large it is; none when that may not be any more, or only to look at.
    all: Option<(String, String)>,
    all_is_used_up: bool,
    to_keep: bool,
    /// Who may open it.
    yours: &'static str,
    groups: Vec<Group>,
    extras: Vec<Extra>,
}

struct Group {
    title: String,
    pictures: Vec<Picture>,
}

/// A file that is no picture, such as a note of the studio.
struct Extra {
    name: String,
    size: Option<Size>,
}

struct Picture {
    /// Its place on the page.
    number: usize,
    /// The name of its file, without an ending.
    title: String,
    page: String,
    thumb: String,
    thumb_width: u32,
    screen: String,
    /// Of the screen picture; the thumbnail has the same shape.
    width: u32,
    height: u32,
    sizes: Vec<Size>,
    /// What of it is fit to be seen by itself in a browser, to be kept by a long press; the largest.
    open: Option<String>,
}

/// A file that can be taken.
struct Size {
    /// What tells it from the others of its picture; empty where there are none.
    label: String,
    name: String,
    /// How large it is.
    bytes: String,
    /// Where it is asked for.
    action: String,
}

pub(super) async fn landing(
    State(room): State<Room>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    match visit::find(&room, &token, Visitor::of(peer, &headers), Grace::None).await {
        Err(instead) => *instead,
        Ok(visit) if !visit.knows_pin(&room, &headers) => pin_page(&room, &visit, None),
        Ok(visit) => html(&landing_page(&room, &visit)),
    }
}

fn landing_page(room: &Room, visit: &Visit) -> LandingPage {
    let shelf = Shelf::new(room, visit);
    let (record, contents) = (&visit.record, &visit.contents);
    let pictures = contents.pictures();
    let count = Some(pictures.len()).filter(|count| *count > 0).map(|count| visit.words.pictures(count));
    let mut groups: Vec<Group> = Vec::new();
    for (at, files) in pictures.iter().enumerate() {
        let (title, picture) = shelf.picture(at, files);
        match groups.iter_mut().find(|group| group.title == title) {
            Some(group) => group.pictures.push(picture),
            None => groups.push(Group { title, pictures: vec![picture] }),
        }
    }
    let extras = contents.files.iter().enumerate().filter(|(_, file)| file.thumb.is_none());
    let extras = extras
        .map(|(index, file)| Extra { name: file.path.file_name().to_string(), size: shelf.size(index, String::new()) });
    let extras = extras.collect();
    let (words, told) = (visit.words, &visit.words.page);
    let to_keep = record.show == Show::Download;
    let zip = contents.zip.as_ref().filter(|_| to_keep);
    let size = zip.map(|zip| words.bytes(zip.bytes));
    let all_is_used_up = record.max_downloads.is_some_and(|max| shelf.used.of(Set::All) >= max);
    let config = room.site.config();
    let zone = clock::time_zone(config.studio.time_zone.as_deref());
    let client = contents.client.as_deref();
    LandingPage {
        frame: room.frame(words),
        email: config.studio.email.clone(),
        title: client.map_or(words.your_pictures.to_string(), |client| told.pictures_for.replace("{}", client)),
        what: [count, size.clone()].into_iter().flatten().collect::<Vec<_>>().join(" · "),
        until: told.until.replace("{}", &words.moment(&record.expires.to_zoned(zone))),
        all: size.filter(|_| !all_is_used_up).map(|size| (format!("{}/all", shelf.address), size)),
        all_is_used_up: to_keep && all_is_used_up,
        to_keep,
        yours: match (to_keep, record.pin.is_some()) {
            (true, false) => told.yours_alone_to_keep,
            (false, false) => told.yours_alone,
            (true, true) => told.yours_by_pin_to_keep,
            (false, true) => told.yours_by_pin,
        },
        groups,
        extras,
    }
}

/// What is shown of a link, and by what addresses.
struct Shelf<'a> {
    visit: &'a Visit,
    /// Of the link's page.
    address: String,
    used: Used,
    edition: String,
}

impl<'a> Shelf<'a> {
    fn new(room: &Room, visit: &'a Visit) -> Shelf<'a> {
        let used = visit.usage.lock().unwrap_or_else(PoisonError::into_inner).used().clone();
        Shelf { visit, address: visit.address(&room.base()), used, edition: small::edition(visit) }
    }

    /// The picture at a place, and the folder that it is shown under.
    fn picture(&self, at: usize, files: &[usize]) -> (String, Picture) {
        let contents = &self.visit.contents;
        let paths: Vec<&RelPath> = files.iter().map(|index| &contents.files[*index].path).collect();
        let (folder, labels) = names(&paths);
        // Every size shows the same: the largest shows most of it.
        let largest = |index: &&usize| contents.files[**index].screen.map_or(0, |screen| screen.pixels.pixels());
        let shown = files.iter().max_by_key(largest).or(files.first()).copied().unwrap_or_default();
        let pixels = contents.files[shown].screen.map(|screen| screen.pixels);
        let name = paths.first().map_or("", |path| path.file_name());
        let for_browsers = files.iter().filter(|index| is_for_browsers(contents.files[**index].path.file_name()));
        let to_open = for_browsers.max_by_key(|index| contents.files[**index].bytes);
        let picture = Picture {
            number: at + 1,
            title: name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_string(),
            page: self.page(files),
            thumb: format!("{}/thumb/{}?{}", self.address, shown + 1, self.edition),
            thumb_width: contents.files[shown].thumb.map_or(1, |thumb| thumb.pixels.width),
            screen: format!("{}/screen/{}?{}", self.address, shown + 1, self.edition),
            width: pixels.map_or(1, |p| p.width),
            height: pixels.map_or(1, |p| p.height),
            open: to_open.and_then(|index| self.size(*index, String::new())).map(|size| size.action + "?view"),
            sizes: files.iter().zip(labels).filter_map(|(index, label)| self.size(*index, label)).collect(),
        };
        (folder, picture)
    }

    /// The address of a picture by itself.
    fn page(&self, files: &[usize]) -> String {
        format!("{}/picture/{}", self.address, files.first().map_or(1, |index| index + 1))
    }

    /// A file that can be taken; none where it may not be, or not any more.
    fn size(&self, index: usize, label: String) -> Option<Size> {
        let (record, file) = (&self.visit.record, &self.visit.contents.files[index]);
        let may = record.show == Show::Download && record.single_files;
        let left = record.max_downloads.is_none_or(|max| self.used.of(Set::File(index)) < max);
        (may && left).then(|| Size {
            label,
            name: file.path.file_name().to_string(),
            bytes: self.visit.words.bytes(file.bytes),
            action: format!("{}/file/{index}", self.address),
        })
    }
}

/// What a phone's browser shows, and keeps among the photos.
fn is_for_browsers(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    matches!(ending.as_deref(), Some("jpg" | "jpeg" | "png" | "webp"))
}

/// The folder that the sizes of a picture have in common, and what tells them apart: of `Full/Party/1.jpg` and
/// `Web/Party/1.jpg` these are `Party`, and `Full` and `Web`. Where folders do not tell them apart, their names do.
fn names(paths: &[&RelPath]) -> (String, Vec<String>) {
    let folders: Vec<String> =
        paths.iter().map(|path| path.parent().map_or(String::new(), |p| p.to_string())).collect();
    let parts: Vec<Vec<&str>> =
        folders.iter().map(|folder| folder.split('/').filter(|part| !part.is_empty()).collect()).collect();
    let Some(first) = parts.first().filter(|_| parts.len() > 1) else {
        return (folders.into_iter().next().unwrap_or_default(), vec![String::new(); paths.len()]);
    };
    let shortest = parts.iter().map(Vec::len).min().unwrap_or(0);
    let is_common = |at: usize| parts.iter().all(|part| part[at] == first[at]);
    let head = (0..shortest).take_while(|at| is_common(*at)).count();
    let from_end = |part: &[&str], at: usize| part[part.len() - 1 - at].to_string();
    let is_common = |at: usize| parts.iter().all(|part| from_end(part, at) == from_end(first, at));
    let tail = (0..shortest - head).take_while(|at| is_common(*at)).count();
    let middle = |part: &Vec<&str>| part[head..part.len() - tail].join("/");
    let common = [&first[..head], &first[first.len() - tail..]].concat().join("/");
    let labels: Vec<String> = parts.iter().map(middle).collect();
    let tell_apart = labels.iter().enumerate().all(|(at, label)| !label.is_empty() && !labels[..at].contains(label));
    let by_name = || paths.iter().map(|path| path.file_name().to_string()).collect();
    (common, if tell_apart { labels } else { by_name() })
}

#[derive(Template)]
#[template(path = "downloads/picture.html")]
struct PicturePage {
    frame: Frame,
    /// Its place on the page of the link.
    back: String,
    picture: Picture,
    /// "3 of 40"
    place: String,
    previous: Option<String>,
    next: Option<String>,
    /// What the next page will show.
    next_screen: Option<String>,
}

/// One picture as large as a screen; its number is that of one of its files, from 1.
pub(super) async fn picture(
    State(room): State<Room>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path((token, number)): Path<(String, usize)>,
    headers: HeaderMap,
) -> Response {
    let visit = match visit::find(&room, &token, Visitor::of(peer, &headers), Grace::None).await {
        Err(instead) => return *instead,
        Ok(visit) if !visit.knows_pin(&room, &headers) => return pin_page(&room, &visit, None),
        Ok(visit) => visit,
    };
    let pictures = visit.contents.pictures();
    let at = number.checked_sub(1).and_then(|index| pictures.iter().position(|files| files.contains(&index)));
    let Some(at) = at else {
        return sorry::not_found(&room, visit.words, visit.words.page.no_such_picture);
    };
    let shelf = Shelf::new(&room, &visit);
    let of = |at: Option<usize>| at.and_then(|at| pictures.get(at));
    let (previous, next) = (of(at.checked_sub(1)), of(Some(at + 1)));
    html(&PicturePage {
        frame: room.frame(visit.words),
        back: format!("{}#p{}", shelf.address, at + 1),
        picture: shelf.picture(at, &pictures[at]).1,
        place: visit.words.page.place(at + 1, pictures.len()),
        previous: previous.map(|files| shelf.page(files)),
        next: next.map(|files| shelf.page(files)),
        next_screen: next.map(|files| shelf.picture(at + 1, files).1.screen),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_apart_by_what_they_do_not_have_in_common() {
        let of = |paths: &[&str]| {
            let paths: Vec<RelPath> = paths.iter().map(|path| RelPath::parse(path).unwrap()).collect();
            let (folder, labels) = names(&paths.iter().collect::<Vec<_>>());
            format!("{folder}: {}", labels.join(", "))
        };
        for (paths, expected) in [
            (&["1.jpg"][..], ": "),
            (&["Party/1.jpg"], "Party: "),
            (&["Full/1.jpg", "Web/1.jpg"], ": Full, Web"),
            (&["Full/Party/1.jpg", "Web/Party/1.jpg"], "Party: Full, Web"),
            (&["Party/Full/1.jpg", "Party/Web/1.jpg"], "Party: Full, Web"),
            (&["A/Full/B/1.jpg", "A/Web/2/B/1.jpg"], "A/B: Full, Web/2"),
            (&["1.jpg", "Web/1_web.jpg"], ": 1.jpg, 1_web.jpg"),
            (&["All/1.jpg", "All/1_web.jpg"], "All: 1.jpg, 1_web.jpg"),
            (&["A/A/1.jpg", "A/1_web.jpg"], "A: 1.jpg, 1_web.jpg"),
        ] {
            assert_eq!(of(paths), expected, "{paths:?}");
        }
    }
}
