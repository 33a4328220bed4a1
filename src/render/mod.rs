//! Pixels: one picture in, many outputs out, from one decode.
