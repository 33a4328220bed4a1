//! A config that is edited while the server runs.

use super::studio::{CONFIG, Studio, files, session};

fn renamed(name: &str) -> String {
    let edited = CONFIG.replace("delivery/web/{session}", &format!("delivery/{name}/{{session}}"));
    assert_ne!(edited, CONFIG);
    edited
}

fn log(studio: &Studio) -> String {
    let folder = studio.path("logs");
    files(&folder).iter().map(|file| std::fs::read_to_string(folder.join(file)).unwrap()).collect()
}

#[test]
fn a_valid_edit_is_taken_a_wrong_one_is_refused_and_the_last_good_one_stays() {
    let mut studio = Studio::new();
    studio.serve();
    studio.drop_file("status", "a.json", &session("A1", &[1]));
    studio.wait_jobs("done", 1);

    let wrong = format!("{}\nnonsense: true\n", renamed("second"));
    studio.write("hotfolders.yaml", wrong.as_bytes());
    studio.wait("the refusal", || log(&studio).contains("unknown key `nonsense`").then_some(()));
    studio.drop_file("status", "b.json", &session("B1", &[1]));
    studio.wait_jobs("done", 2);

    studio.write("hotfolders.yaml", renamed("third").as_bytes());
    studio.wait("the new config", || log(&studio).contains("the edited config is in force").then_some(()));
    studio.drop_file("status", "c.json", &session("C1", &[1]));
    studio.wait_jobs("done", 3);
    studio.stop();
    assert!(!files(&studio.path("delivery/web")).is_empty());
    assert!(!studio.path("delivery/second").exists());
    assert_eq!(files(&studio.path("delivery/third")).len(), 1);
    studio.audit();
}

#[test]
fn a_hot_folder_that_is_added_is_served_without_a_restart() {
    let mut studio = Studio::new();
    studio.serve();
    studio.wait("the server", || studio.is_served().then_some(()));
    std::fs::create_dir_all(studio.path("drop/extra")).unwrap();
    let added = CONFIG.replacen(
        "hot_folders:\n",
        "hot_folders:\n  extra: { folder: drop/extra, images: library, settle: 200ms }\n",
        1,
    );
    assert_ne!(added, CONFIG);
    studio.write("hotfolders.yaml", added.as_bytes());
    studio.drop_file("extra", "a.json", &session("S1", &[1]));
    studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(files(&studio.path("drop")), [""; 0]);
    studio.audit();
}
