//! The recipes as they are in force, and what is wrong with an edited config that is not.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;

use super::Dashboard;
use super::frame::{Frame, NoteKey, Page, Setting};
use super::queue::name_of;
use super::sessions::Visitor;
use crate::model::config::Config;
use crate::model::delivery::Delivery;
use crate::model::globs::Globs;
use crate::model::profile::{Profile, SizeChoice};
use crate::model::rule::{At, Rule, When};
use crate::model::units::show_duration;
use crate::web::page;

#[derive(Template)]
#[template(path = "dashboard/profiles.html")]
struct ProfilesPage {
    frame: Frame,
    file: String,
    refused: Option<String>,
    rules: Vec<RuleRow>,
    profiles: Vec<ProfileRow>,
}

struct RuleRow {
    name: String,
    when: Vec<(&'static str, String)>,
    run: Vec<String>,
    deliveries: Vec<String>,
    starts: Option<String>,
}

struct ProfileRow {
    name: String,
    about: Vec<(&'static str, String)>,
    deliveries: Vec<String>,
    rules: Vec<String>,
    /// Every key, in the form that is frozen with a job.
    all: String,
}

pub(super) async fn show(State(dashboard): State<Arc<Dashboard>>, Extension(visitor): Extension<Visitor>) -> Response {
    let Setting { frame, told, .. } = dashboard.setting(Page::Profiles, &visitor, &NoteKey::default());
    let config = dashboard.site.config();
    page::html(&ProfilesPage {
        frame,
        file: name_of(&config.file),
        refused: told.config_refused,
        rules: config.rules.iter().map(rule).collect(),
        profiles: config.profiles.iter().map(|known| profile(known, &config)).collect(),
    })
}

fn rule(rule: &Rule) -> RuleRow {
    let starts = match rule.at {
        At::Now => None,
        At::TimeOfDay(time) => Some(format!("starts at {time}")),
        At::After(wait) => Some(format!("starts {} after it came", show_duration(wait))),
    };
    let hold = rule.hold.then(|| "held until it is released".to_string());
    let starts = [starts, hold].into_iter().flatten().collect::<Vec<_>>().join(", ");
    RuleRow {
        name: rule.name.clone(),
        when: when(&rule.when),
        run: rule.run.clone(),
        deliveries: rule.deliver.iter().map(delivery).collect(),
        starts: Some(starts).filter(|text| !text.is_empty()),
    }
}

fn when(when: &When) -> Vec<(&'static str, String)> {
    let kinds = when.kind.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ");
    let globs = |globs: &Globs| globs.written().join(", ");
    let all = [
        ("kind", kinds),
        ("status", globs(&when.status)),
        ("type", globs(&when.r#type)),
        ("location", globs(&when.location)),
        ("hot folder", globs(&when.hot_folder)),
    ];
    all.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

/// `folder delivery/web/{session}`.
pub(super) fn delivery(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Print { printer, .. } => format!("print {printer}"),
        Delivery::Link { expires, .. } => format!("link for {}", show_duration(*expires)),
        Delivery::Command { run, .. } => format!("command {}", run.first().map_or("", String::as_str)),
        other => format!("{} {}", other.word(), other.destination().map_or("", |place| place.written.as_str())),
    }
}

fn profile(profile: &Profile, config: &Config) -> ProfileRow {
    let size = match profile.size {
        SizeChoice::Original => "as the original".to_string(),
        SizeChoice::Ordered => "as ordered".to_string(),
        SizeChoice::LongEdge(length) => format!("{length} long edge"),
        SizeChoice::Box(size) => size.to_string(),
    };
    let images = profile.images.map_or("as the manifest orders", |images| images.word());
    let about = [
        ("size", size),
        ("format", format!("{} {}", profile.format, profile.quality)),
        ("pictures", format!("{}, one for each {}", images.replace('_', " "), profile.per)),
        ("from", profile.source.join(", ")),
        ("items", profile.items.written().join(", ")),
        ("vendors", profile.vendors.written().join(", ")),
        ("groups", profile.groups.written().join(", ")),
        ("named", profile.name_template.source().to_string()),
        ("made again", profile.repeat.to_string()),
    ];
    let runs = |rule: &&Rule| rule.run.contains(&profile.name);
    ProfileRow {
        name: profile.name.clone(),
        about: about.into_iter().filter(|(_, text)| !text.is_empty()).collect(),
        deliveries: profile.deliver.iter().map(delivery).collect(),
        rules: config.rules.iter().filter(runs).map(|rule| rule.name.clone()).collect(),
        all: serde_json::to_string_pretty(profile).unwrap_or_default(),
    }
}
