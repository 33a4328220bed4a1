//! Everything that fuzzing has found worth keeping, once more.

#[path = "../../fuzz/src/lib.rs"]
mod targets;

use std::path::Path;
use std::time::{Duration, Instant};

/// Hostile input takes no time. Far above what any of it takes, in a build without optimisation.
const MOST: Duration = Duration::from_secs(10);

#[test]
fn the_saved_corpus_breaks_no_promise() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, target) in targets::ALL {
        let inputs = crate::studio::files(&corpus.join(name));
        assert!(inputs.len() > 5, "{name} has {} inputs", inputs.len());
        for input in inputs {
            let bytes = std::fs::read(corpus.join(name).join(&input)).unwrap();
            let start = Instant::now();
            let kept = std::panic::catch_unwind(|| target(&bytes));
            assert!(kept.is_ok(), "fuzz/corpus/{name}/{input} breaks a promise");
            assert!(start.elapsed() < MOST, "{name}: {input} took {:?}", start.elapsed());
        }
    }
}
