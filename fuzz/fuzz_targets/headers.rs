#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hotfolders_fuzz::headers(data));
