use super::*;
use crate::model::config::{Config, ImageNumber, SessionPattern};
use crate::spool::durable;

struct Originals {
    dir: tempfile::TempDir,
    library: Library,
}

impl Originals {
    fn new(files: &[&str]) -> Originals {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            put(dir.path(), file);
        }
        let source = |name: &str, patterns: &[&str]| LibrarySource {
            name: name.into(),
            patterns: patterns.iter().map(ToString::to_string).collect(),
        };
        let library = Library {
            roots: vec![dir.path().join("sessions"), dir.path().join("archive")],
            session_folder: SessionPattern::default(),
            sources: vec![
                source("retouched", &["Retouched/{stem}.*", "Retouched/{stem}-Edit.*"]),
                source("hires", &["Hi-Res/{stem}.*"]),
            ],
            types: ["tif", "jpg"].iter().map(ToString::to_string).collect(),
            image_number: ImageNumber::Last(3),
        };
        for root in &library.roots {
            durable::make_folder(root).unwrap();
        }
        Originals { dir, library }
    }

    fn by_file(&self, file: &str) -> LibraryAnswer {
        self.find(Image { file: Some(file.into()), ..Image::default() })
    }

    fn by_number(&self, number: &str) -> LibraryAnswer {
        self.find(Image { number: Some(number.into()), ..Image::default() })
    }

    fn find(&self, image: Image) -> LibraryAnswer {
        let text = br#"{"manifest":1,"kind":"invoice","record":"1042","status":"Paid","session":"S10001","lines":[{"line":1,"quantity":1,"image":7}]}"#;
        let mut manifest = crate::model::manifest::read(text, "a.json").unwrap().manifest;
        manifest.images = vec![image];
        find(&self.library, &manifest, &Want { image: 0, sources: vec!["retouched".into(), "hires".into()] })
    }
}

fn put(root: &Path, file: &str) {
    let path = root.join(file);
    durable::make_folders(root, path.parent().unwrap()).unwrap();
    durable::stage(&path, file.as_bytes()).unwrap();
}

fn shown(answer: LibraryAnswer) -> Vec<String> {
    match answer {
        LibraryAnswer::Files(files, _) => files.into_iter().map(|f| format!("{}:{}", f.kind, f.shown)).collect(),
        LibraryAnswer::Tie(text) => vec![format!("tie {text}")],
        LibraryAnswer::Unreachable(text) => vec![format!("unreachable {text}")],
    }
}

#[test]
fn each_wanted_source_gives_its_first_match() {
    let originals = Originals::new(&[
        "sessions/S10001 Larson/Retouched/S10001007-Edit.tif",
        "sessions/S10001 Larson/Hi-Res/S10001007.jpg",
        "sessions/S10001 Larson/Hi-Res/S10001007.psd",
        "sessions/S10001 Larson/Hi-Res/S10001007.old.tif",
        "archive/S10001/Retouched/S10001007.tif",
    ]);
    let both = ["retouched:S10001 Larson/Retouched/S10001007-Edit.tif", "hires:S10001 Larson/Hi-Res/S10001007.jpg"];
    assert_eq!(shown(originals.by_file("S10001007.jpg")), both);
    assert_eq!(shown(originals.by_file("sub/s10001007.CR2")), both);
    assert_eq!(shown(originals.by_number("7")), both);
    assert_eq!(shown(originals.by_number("8")), [""; 0]);
    let LibraryAnswer::Files(_, looked) = originals.by_number("8") else { panic!() };
    assert!(looked.contains("number 8 of `Hi-Res/*.*` in ") && looked.ends_with("S10001 Larson"), "{looked}");
}

#[test]
fn types_are_preferred_in_order_and_equals_are_a_tie() {
    let originals = Originals::new(&[
        "sessions/S10001/Hi-Res/A007.jpg",
        "sessions/S10001/Hi-Res/A007.TIF",
        "sessions/S10001/Hi-Res/B007.jpg",
    ]);
    assert_eq!(shown(originals.by_file("a007")), ["hires:S10001/Hi-Res/A007.TIF"]);
    assert_eq!(shown(originals.by_number("7")), ["hires:S10001/Hi-Res/A007.TIF"]);
    put(originals.dir.path(), "sessions/S10001/Hi-Res/B007.tif");
    let tie = shown(originals.by_number("7")).remove(0);
    assert!(tie.starts_with("tie ") && tie.contains("A007.TIF") && tie.contains("B007.tif"), "{tie}");
}

#[test]
fn the_session_folder_is_one_or_a_tie() {
    let originals = Originals::new(&["sessions/s10001 a/Hi-Res/x.jpg", "sessions/S100012/Hi-Res/x.jpg"]);
    assert_eq!(shown(originals.by_file("x.jpg")), ["hires:s10001 a/Hi-Res/x.jpg"]);
    put(originals.dir.path(), "sessions/S10001-b/Hi-Res/x.jpg");
    let tie = shown(originals.by_file("x.jpg")).remove(0);
    assert!(tie.starts_with("tie ") && tie.contains("`s10001 a`") && tie.contains("`S10001-b`"), "{tie}");
    put(originals.dir.path(), "sessions/s10001/Hi-Res/x.jpg");
    assert_eq!(shown(originals.by_file("x.jpg")), ["hires:s10001/Hi-Res/x.jpg"]);
    put(originals.dir.path(), "sessions/S10001/Hi-Res/x.jpg");
    assert_eq!(shown(originals.by_file("x.jpg")), ["hires:S10001/Hi-Res/x.jpg"], "exactly this name wins");
}

#[test]
fn a_root_that_is_not_there_is_waited_for() {
    let mut originals = Originals::new(&["archive/S10001/Hi-Res/x.jpg"]);
    assert_eq!(shown(originals.by_file("x.jpg")), ["hires:S10001/Hi-Res/x.jpg"], "under the second root");
    originals.library.roots[0] = originals.dir.path().join("nas");
    assert!(matches!(originals.by_file("x.jpg"), LibraryAnswer::Unreachable(text) if text.contains("nas")));
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out_of_the_library() {
    use std::os::unix::fs::symlink;
    let originals = Originals::new(&[
        "elsewhere/S10001/Hi-Res/x.jpg",
        "secret.jpg",
        "archive/old/Hi-Res/x.jpg",
        "archive/old/Hi-Res/y.jpg",
    ]);
    let sessions = originals.dir.path().join("sessions");
    symlink(originals.dir.path().join("elsewhere/S10001"), sessions.join("S10001")).unwrap();
    assert_eq!(shown(originals.by_file("x.jpg")), [""; 0], "the session's folder is outside");
    durable::remove_file(&sessions.join("S10001")).unwrap();
    symlink(originals.dir.path().join("archive/old"), sessions.join("S10001")).unwrap();
    assert_eq!(shown(originals.by_file("x.jpg")), ["hires:S10001/Hi-Res/x.jpg"], "it leads to another root");
    symlink("../../../secret.jpg", originals.dir.path().join("archive/old/Hi-Res/z.jpg")).unwrap();
    symlink("y.jpg", originals.dir.path().join("archive/old/Hi-Res/w.jpg")).unwrap();
    symlink("nothing", originals.dir.path().join("archive/old/Hi-Res/v.jpg")).unwrap();
    assert_eq!(shown(originals.by_file("z.jpg")), [""; 0]);
    assert_eq!(shown(originals.by_file("v.jpg")), [""; 0]);
    let LibraryAnswer::Files(files, _) = originals.by_file("w.jpg") else { panic!() };
    assert!(files[0].path.ends_with("archive/old/Hi-Res/y.jpg") && files[0].shown == "S10001/Hi-Res/w.jpg");
}

#[test]
fn stars_and_letters_of_a_pattern() {
    let mut originals = Originals::new(&["sessions/S10001/final/2026_x-1_web.jpg", "sessions/S10001/Final/a/x-2.jpg"]);
    let source = &mut originals.library.sources[0];
    source.patterns = vec!["Final/*_{stem}_*.*".into(), "FINAL/a/{stem}.JPG".into()];
    assert_eq!(shown(originals.by_file("X-1.tif")), ["retouched:S10001/final/2026_x-1_web.jpg"]);
    assert_eq!(shown(originals.by_file("x-2.tif")), ["retouched:S10001/Final/a/x-2.jpg"]);
    assert_eq!(shown(originals.by_file("*.tif")), [""; 0], "what a manifest says is no pattern");
}

#[test]
fn a_whole_library_section_is_read() {
    let text =
        "version: 1\nlibrary: { roots: [s], sources: { hires: 'Hi-Res/{stem}.*' }, image_number: { last: 3 } }\n";
    let config = Config::parse(text, Path::new("/studio/hotfolders.yaml")).unwrap();
    assert_eq!(Pattern::parse(&config.library.unwrap().sources[0].patterns[0]).folders, ["Hi-Res"]);
}
