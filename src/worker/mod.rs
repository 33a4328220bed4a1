//! Drives one job from its journal to finished; maps errors to fates.
//!
//! Owns: a job's failure never touches another; every failure has a reason a person can act on; nothing that cannot be
//! taken back leaves before every picture of the job has rendered.

pub mod assets;
pub mod budget;
pub mod earlier;
pub mod facts;
pub mod history;
pub mod letter;
pub mod link;
mod makers;
pub mod passes;
pub mod printers;
pub mod receipt;
pub mod run;
pub mod small;
