//! One picture through the program: `hotfolders render` with a profile, and what came out.

use crate::studio::{Ran, Studio};

use super::color;
use super::measure::{self, Difference};
use super::picture::{Picture, embedded_profile};

/// A finished picture.
pub struct Shot {
    pub file: Vec<u8>,
    pub picture: Picture,
}

/// Renders with a profile of these keys. `name` is the original's.
#[track_caller]
pub fn try_render(profile: &str, name: &str, original: &[u8]) -> (Studio, Ran) {
    let config = format!("version: 1\nserver: {{ max_jobs: 2 }}\nprofiles:\n  p: {{ {profile} }}\n");
    let studio = Studio::bare(&config);
    studio.write(name, original);
    let ran = studio.run(&["render", "--profile", "p", "--out", "out", name]);
    (studio, ran)
}

#[track_caller]
pub fn render(profile: &str, name: &str, original: &[u8]) -> Shot {
    let (studio, ran) = try_render(profile, name, original);
    ran.expect(0);
    let files = studio.bytes_below("out");
    assert_eq!(files.len(), 1, "{:?}", files.keys());
    let file = files.into_values().next().unwrap();
    Shot { picture: Picture::read(&file), file }
}

/// Renders through a job, as edits are named by manifests only. `edits` are keys of the image in JSON.
#[track_caller]
pub fn ordered(profile: &str, edits: &str, name: &str, original: &[u8]) -> Shot {
    let config = format!(
        r#"version: 1
server: {{ max_jobs: 2 }}
hot_folders:
  exports: {{ folder: drop/exports, images: beside, settle: 100ms, scan: 200ms, complete_within: 500ms }}
profiles:
  p: {{ images: ordered, per: image, {profile}, name: "made", deliver: [ {{ to: folder, path: made }} ] }}
render_jobs: [ {{ name: all, when: {{ kind: production_order }}, run: [p] }} ]
"#
    );
    let mut studio = Studio::bare(&config);
    studio.serve();
    studio.write(&format!("drop/exports/order/{name}"), original);
    let manifest = format!(
        r#"{{ "manifest": 1, "kind": "production_order", "record": 1, "status": "new",
            "images": [ {{ "file": "{name}", "id": "it", {edits} }} ], "lines": [ {{ "line": 1, "image": "it" }} ] }}"#
    );
    studio.write("drop/exports/order/order.json", manifest.as_bytes());
    let ended = studio.wait("the order to end", || {
        ["done", "failed", "held"].iter().find_map(|state| studio.jobs(state).first().cloned())
    });
    let files = studio.bytes_below("made");
    let reason = std::fs::read_to_string(ended.join("reason.txt")).unwrap_or_default();
    assert_eq!(files.len(), 1, "{edits}: {reason}");
    let file = files.into_values().next().unwrap();
    Shot { picture: Picture::read(&file), file }
}

/// What a comparison must keep to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub mean: f64,
    pub p99: f64,
    pub shift: f64,
}

/// Of every output that is not compressed with loss.
pub const LOSSLESS: Limits = Limits { mean: 0.5, p99: 2.0, shift: 0.1 };

impl Shot {
    /// The output's own profile says what its numbers mean; it must be the space that was asked for.
    #[track_caller]
    pub fn is_in(&self, space: &[u8]) -> Vec<u8> {
        let icc = embedded_profile(&self.file);
        let steps = [0.0, 0.1, 0.35, 0.6, 0.85, 1.0];
        let cube = Picture::drawn(36, 6, |x, y| [steps[x as usize / 6], steps[x as usize % 6], steps[y as usize]]);
        let far = measure::difference(&cube, &color::converted(&cube, space, &icc), &icc);
        assert!(far.most < 0.15, "the embedded profile is another space: {far:?}");
        icc
    }

    #[track_caller]
    pub fn compare(&self, case: &str, expected: &Picture, space: &[u8], limits: Limits) -> Difference {
        let icc = self.is_in(space);
        let far = measure::difference(&self.picture, expected, &icc);
        let shift = measure::shift(&self.picture, expected);
        let told = shift.map_or("-".to_string(), |s| format!("{s:.3}"));
        let figures = format!("{:.3}\t{:.2}\t{:.2}\t{told}", far.mean, far.p99, far.most);
        measure::note(case, &figures);
        assert!(
            far.mean <= limits.mean && far.p99 <= limits.p99 && shift.unwrap_or(0.0) <= limits.shift,
            "{case}: mean, 99 %, most, shift: {figures}; allowed: {limits:?}"
        );
        far
    }
}
