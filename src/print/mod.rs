//! Printers: how sheets get to paper.
//!
//! Owns: no document leaves before the intent to print it and the printer's own job id are durable. Must not know
//! jobs' folders beyond what it is given, nor how a picture is made.

pub mod ipp;
