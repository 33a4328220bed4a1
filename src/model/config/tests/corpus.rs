//! Malformed configs, and the message that an operator gets for each. Read the snapshot as one.

use std::fmt::Write as _;
use std::path::Path;

use super::Config;

#[test]
fn every_malformed_config_says_what_is_wrong_and_what_to_do() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/config");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 45);
    let mut messages = String::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy();
        let error = Config::parse(&std::fs::read_to_string(&file).unwrap(), &Path::new("/studio").join(&*name));
        let text = error.map(|_| ()).expect_err(&name).to_string();
        let _ = writeln!(messages, "{}\n", text.replace("/studio/", ""));
    }
    insta::assert_snapshot!("malformed", messages);
}
