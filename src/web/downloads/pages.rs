//! What a client sees: the question for the PIN, the page of the link, each picture by itself.

use std::net::SocketAddr;
use std::time::Instant;

use askama::Template;
use axum::extract::{ConnectInfo, Form, Path, State};
use axum::http::header::{CONTENT_TYPE, HeaderValue, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::seal::{PIN_FOR, is_pin};
use super::visit::{self, Grace, PIN_COOKIE, Visit};
use super::visitor::Visitor;
use super::{Answer, Frame, Room, blocking, instead, sorry};
use crate::clock;
use crate::model::delivery::Show;
use crate::spool::links::{LinkedFile, Set, SmallPicture, Used, screen_name, thumb_name};
use crate::web::page::{Trouble, html};

#[derive(Template)]
#[template(path = "downloads/nothing.html")]
struct NothingPage {
    frame: Frame,
}

/// The address itself, without a link.
pub(super) async fn nothing_here(
    State(room): State<Room>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    html(&NothingPage { frame: room.frame(Visitor::of(peer, &headers).words) })
}

#[derive(Template)]
#[template(path = "downloads/pin.html")]
struct PinPage {
    frame: Frame,
    action: String,
    wrong: Option<String>,
}

/// Before it nothing is shown: no picture, no name.
pub(super) fn pin_page(room: &Room, visit: &Visit, wrong: Option<String>) -> Response {
    let status = if wrong.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    let frame = room.frame(visit.words);
    let page = PinPage { action: visit.address(&frame.base) + "/pin", frame, wrong };
    (status, html(&page)).into_response()
}

#[derive(Deserialize)]
pub(super) struct Given {
    #[serde(default)]
    pin: String,
}

pub(super) async fn pin(
    State(room): State<Room>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(token): Path<String>,
    headers: HeaderMap,
    Form(given): Form<Given>,
) -> Response {
    let answer = async || -> Answer<Response> {
        let visit = visit::find(&room, &token, Visitor::of(peer, &headers), Grace::None).await?;
        let (address, told) = (visit.address(&room.base()), &visit.words.page);
        let Some(pin_seal) = &visit.record.pin else { return Ok(go_to(&address)) };
        let tried = match room.throttle.begin_pin(&visit.hash, peer.ip(), Instant::now()) {
            Ok(tried) => tried,
            Err(wait) => return Ok(sorry::too_many(&room, visit.words, wait, &told.pin_wait(wait))),
        };
        // People write it with spaces.
        let pin: String = given.pin.chars().filter(|c| !c.is_whitespace()).collect();
        if !is_pin(&visit.token, &pin, pin_seal) {
            let wait = room.throttle.wait_after(&tried, Instant::now());
            let wait = wait.map(|wait| format!(" {}", told.pin_wait(wait))).unwrap_or_default();
            let text = format!("{}{wait}", told.pin_wrong);
            return Ok(pin_page(&room, &visit, Some(text)));
        }
        room.throttle.right_pin(tried, Instant::now());
        let key = room.key().map_err(|e| instead(Trouble::from(e)))?;
        let known = key.pin_known(&visit.hash, pin_seal, visit.now);
        let secure = if room.is_public_over_tls() { "; Secure" } else { "" };
        let cookie = format!(
            "{PIN_COOKIE}={known}; Path={address}; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            PIN_FOR.as_secs()
        );
        let mut response = go_to(&address);
        response.headers_mut().extend(HeaderValue::from_str(&cookie).ok().map(|cookie| (SET_COOKIE, cookie)));
        Ok(response)
    };
    answer().await.unwrap_or_else(|instead| *instead)
}

fn go_to(address: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, address.to_string())]).into_response()
}

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
    groups: Vec<Group>,
    extras: Vec<Item>,
}

struct Group {
    title: String,
    items: Vec<Item>,
}

struct Item {
    name: String,
    /// Without its ending.
    title: String,
    size: String,
    page: String,
    thumb: String,
    width: u32,
    height: u32,
    /// Where it is asked for; none when it cannot be.
    take: Option<String>,
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
        Ok(visit) => html(&page_of(&room, &visit)),
    }
}

fn used(visit: &Visit) -> Used {
    visit.usage.lock().unwrap_or_else(std::sync::PoisonError::into_inner).used().clone()
}

fn page_of(room: &Room, visit: &Visit) -> LandingPage {
    let (frame, used) = (room.frame(visit.words), used(visit));
    let address = visit.address(&frame.base);
    let (record, contents) = (&visit.record, &visit.contents);
    let mut groups: Vec<Group> = Vec::new();
    let mut extras = Vec::new();
    for (index, file) in contents.files.iter().enumerate() {
        let item = item(visit, &address, &used, index, file);
        if file.thumb.is_none() {
            extras.push(item);
            continue;
        }
        let title = file.path.parent().map(|folder| folder.to_string()).unwrap_or_default();
        match groups.iter_mut().find(|group| group.title == title) {
            Some(group) => group.items.push(item),
            None => groups.push(Group { title, items: vec![item] }),
        }
    }
    let (words, told) = (visit.words, &visit.words.page);
    let to_keep = record.show == Show::Download;
    let zip = contents.zip.as_ref().filter(|_| to_keep);
    let size = zip.map(|zip| words.bytes(zip.bytes));
    let pictures = Some(contents.pictures()).filter(|count| *count > 0).map(|count| words.pictures(count));
    let all_is_used_up = record.max_downloads.is_some_and(|max| used.of(Set::All) >= max);
    let config = room.site.config();
    let zone = clock::time_zone(config.studio.time_zone.as_deref());
    let client = contents.client.as_deref();
    LandingPage {
        frame,
        email: config.studio.email.clone(),
        title: client.map_or(words.your_pictures.to_string(), |client| told.pictures_for.replace("{}", client)),
        what: [pictures, size.clone()].into_iter().flatten().collect::<Vec<_>>().join(" · "),
        until: told.until.replace("{}", &words.moment(&record.expires.to_zoned(zone))),
        all: size.filter(|_| !all_is_used_up).map(|size| (format!("{address}/all"), size)),
        all_is_used_up: to_keep && all_is_used_up,
        to_keep,
        groups,
        extras,
    }
}

fn item(visit: &Visit, address: &str, used: &Used, index: usize, file: &LinkedFile) -> Item {
    let record = &visit.record;
    let may = record.show == Show::Download && record.single_files;
    let left = record.max_downloads.is_none_or(|max| used.of(Set::File(index)) < max);
    let name = file.path.file_name().to_string();
    let pixels = file.thumb.map(|thumb| thumb.pixels);
    Item {
        title: name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem).to_string(),
        name,
        size: visit.words.bytes(file.bytes),
        page: format!("{address}/picture/{}", index + 1),
        thumb: format!("{address}/thumb/{}", index + 1),
        width: pixels.map_or(1, |p| p.width),
        height: pixels.map_or(1, |p| p.height),
        take: (may && left).then(|| format!("{address}/file/{index}")),
    }
}

#[derive(Template)]
#[template(path = "downloads/picture.html")]
struct PicturePage {
    frame: Frame,
    back: String,
    item: Item,
    screen: String,
    /// "3 of 40"
    place: String,
    previous: Option<String>,
    next: Option<String>,
}

/// One picture as large as a screen; its number counts from 1.
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
    let shown: Vec<usize> =
        (0..visit.contents.files.len()).filter(|index| visit.contents.files[*index].screen.is_some()).collect();
    let Some(at) = number.checked_sub(1).and_then(|index| shown.binary_search(&index).ok()) else {
        return sorry::not_found(&room, visit.words, visit.words.page.no_such_picture);
    };
    let (frame, index) = (room.frame(visit.words), shown[at]);
    let file = &visit.contents.files[index];
    let address = visit.address(&frame.base);
    let mut item = item(&visit, &address, &used(&visit), index, file);
    let pixels = file.screen.map(|screen| screen.pixels);
    (item.width, item.height) = (pixels.map_or(1, |p| p.width), pixels.map_or(1, |p| p.height));
    let neighbour = |at: Option<usize>| at.and_then(|at| shown.get(at)).map(|i| format!("{address}/picture/{}", i + 1));
    html(&PicturePage {
        frame,
        screen: format!("{address}/screen/{}", index + 1),
        item,
        place: visit.words.page.place(at + 1, shown.len()),
        previous: neighbour(at.checked_sub(1)),
        next: neighbour(Some(at + 1)),
        back: address,
    })
}

pub(super) async fn thumb(
    room: State<Room>,
    from: ConnectInfo<SocketAddr>,
    path: Path<(String, usize)>,
    headers: HeaderMap,
) -> Response {
    small(room.0, from.0, path.0, &headers, |file| file.thumb, thumb_name).await.unwrap_or_else(|instead| *instead)
}

pub(super) async fn screen(
    room: State<Room>,
    from: ConnectInfo<SocketAddr>,
    path: Path<(String, usize)>,
    headers: HeaderMap,
) -> Response {
    small(room.0, from.0, path.0, &headers, |file| file.screen, screen_name).await.unwrap_or_else(|instead| *instead)
}

/// A small picture is small: it is read whole.
async fn small(
    room: Room,
    peer: SocketAddr,
    (token, number): (String, usize),
    headers: &HeaderMap,
    of: fn(&LinkedFile) -> Option<SmallPicture>,
    name: fn(usize) -> String,
) -> Answer<Response> {
    let visit = visit::find(&room, &token, Visitor::of(peer, headers), Grace::None).await?;
    if !visit.knows_pin(&room, headers) {
        return Err(instead(StatusCode::FORBIDDEN));
    }
    let index = number.wrapping_sub(1);
    let known = visit.contents.files.get(index).and_then(of).is_some();
    let path = known.then(|| visit.record.folder.join(name(index)));
    let Some(path) = path else {
        return Err(instead(sorry::not_found(&room, visit.words, visit.words.page.no_such_picture)));
    };
    let read = blocking(move || std::fs::read(path)).await.map_err(instead)?;
    let bytes = read.map_err(|e| instead(Trouble::from(e)))?;
    Ok(([(CONTENT_TYPE, "image/jpeg")], bytes).into_response())
}
