//! PURE. Checked types that cannot hold nonsense: units, names, manifests, profiles, rules, the config.
//! No clock, no file system, no threads: everything that a function here needs is a parameter.

pub mod checks;
pub mod config;
pub mod counted;
pub mod delivery;
pub mod digest;
pub mod document;
pub mod element;
pub mod globs;
pub mod likeness;
pub mod limits;
pub mod manifest;
pub mod name;
pub mod pricing;
pub mod problem;
pub mod profile;
pub mod rule;
pub mod section;
pub mod spec;
pub mod template;
pub mod token;
pub mod units;
pub mod words;
