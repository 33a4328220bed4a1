//! How long it takes. Run by hand: `cargo test --release --lib intake::tests::measures -- --ignored --nocapture`.

use super::*;

#[test]
#[ignore = "a measurement"]
fn a_burst_of_a_thousand() {
    for (images, what) in [("beside", "beside"), ("library", "library")] {
        let mut studio = Studio::new(&format!(
            "library: {{ roots: [lib], sources: {{ hires: '{{stem}}.*' }} }}\nhot_folders: {{ in: {{ folder: drop, images: {images} }} }}"
        ));
        put(&studio.dir.path().join("lib"), "S1/x.jpg", "x");
        for n in 0..1_000 {
            studio.put(&format!("{n:04}.json"), session("S1", &["x.jpg"]));
        }
        studio.put("x.jpg", "x");
        studio.scan_after(0);
        studio.now += Duration::from_secs(5);
        let (begun, mut accepted, mut slowest) = (Instant::now(), 0, Duration::ZERO);
        while accepted < 1_000 {
            let one = Instant::now();
            accepted += studio.intake.scan(&Hints::default(), studio.now).accepted.len();
            slowest = slowest.max(one.elapsed());
            studio.now += Duration::from_millis(100);
        }
        let rate = f64::from(1_000) / begun.elapsed().as_secs_f64();
        println!("{what}: {rate:.0} manifests a second, the slowest scan {slowest:?}");
    }
}

#[test]
#[ignore = "a measurement"]
fn looks_that_find_nothing_new() {
    for files in [3, 10_000] {
        let mut studio = Studio::new(BESIDE);
        for n in 0..files {
            studio.put(&format!("{n:05}.json"), session("S1", &["missing.jpg"]));
        }
        studio.scan_after(0);
        studio.scan_after(3_000);
        let begun = Instant::now();
        for _ in 0..10 {
            studio.scan_after(2_000);
        }
        println!("{files} waiting manifests: {:?} for a look", begun.elapsed() / 10);
    }
}
