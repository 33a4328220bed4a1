//! PURE. Checked types that cannot hold nonsense: units, names, manifests, profiles, rules, the config.
//! No clock, no file system, no threads: everything that a function here needs is a parameter.

pub mod limits;
pub mod spec;
pub mod units;
