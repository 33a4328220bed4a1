//! Render jobs: which manifests run which profiles, and when. And the price list.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::delivery::Delivery;
use super::globs::Globs;
use super::manifest::{Kind, QuantityUnit};
use super::units::{Dimensions, TimeOfDay};

/// A time to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    Now,
    /// The next time the studio's clock shows it.
    TimeOfDay(TimeOfDay),
    /// After acceptance.
    After(Duration),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct When {
    /// Empty: any.
    pub kind: Vec<Kind>,
    pub status: Globs,
    pub r#type: Globs,
    pub location: Globs,
    pub hot_folder: Globs,
}

/// One entry of `render_jobs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub name: String,
    pub when: When,
    pub run: Vec<String>,
    /// One delivery of several profiles' pictures.
    pub deliver: Vec<Delivery>,
    pub at: At,
    pub priority: i32,
    pub hold: bool,
}

/// What a line of the price list gives to lines of its item that do not say it themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The key: a glob over item codes.
    pub pattern: String,
    pub matcher: Globs,
    pub size: Option<Dimensions>,
    pub layout: Option<String>,
    pub unit: Option<QuantityUnit>,
    pub paper: Option<String>,
    pub fit: Option<super::manifest::Fit>,
    /// `images: all`
    pub all_images: bool,
    pub vendor: Option<String>,
    /// The profiles that may take these lines.
    pub run: Option<Vec<String>>,
    /// False: lines of this item make nothing.
    pub render: bool,
}
