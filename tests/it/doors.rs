//! Who is let in, through what, and what it may cost.

use crate::http::{free_address, send};
use crate::studio::{CONFIG, Studio};
use crate::web::wait_open;

#[test]
fn a_manifest_that_no_scan_would_see_is_refused() {
    let address = free_address();
    let mut studio = Studio::bare(&format!("{CONFIG}\nserver: {{ listen: \"{address}\" }}\n"));
    studio.picture("sessions/S1/Hi-Res/S1001.jpg", 90, 60);
    studio.serve();
    wait_open(&studio, address);
    let origin = format!("http://{address}");
    let kind = ("content-type", "multipart/form-data; boundary=b");
    let part = |name: &str, file: Option<&str>, text: &str| {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{text}\r\n")
    };
    let drop_manifest = |file: &str| {
        let manifest = crate::studio::session("R1", &[1]);
        let body = part("hot_folder", None, "status") + &part("manifest", Some(file), &manifest) + "--b--\r\n";
        send(address, "POST", "/drop", &[kind, ("origin", &origin)], body.as_bytes())
    };
    for file in [".hidden.json", "..json", "~a.json", "...json", "folder/.hidden.json"] {
        let answer = drop_manifest(file);
        assert_eq!(answer.status, 400, "{file}: {}", answer.text());
        assert!(answer.text().contains("Give it another name"), "{}", answer.text());
    }
    // What is typed as the name of a session may begin so: it is made visible.
    let picture = String::from_utf8_lossy(b"x").into_owned();
    let body = part("hot_folder", None, "exports")
        + &part("profile", None, "web")
        + &part("record", None, ".hidden")
        + &part("pictures", Some("a.jpg"), &picture)
        + "--b--\r\n";
    let answer = send(address, "POST", "/drop", &[kind, ("origin", &origin)], body.as_bytes());
    assert_eq!(answer.status, 303, "{}", answer.text());
    let lying = || crate::studio::files(&studio.path("drop/exports"));
    studio.wait("the pictures to be taken", || lying().is_empty().then_some(()));
    assert_eq!(drop_manifest("seen.json").status, 303);
    studio.wait_jobs("done", 1);
}
