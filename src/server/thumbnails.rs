//! Small pictures for the pages, made by the renderer beside the jobs.
//!
//! Owns: it takes nothing of the jobs' memory budget and one thread of its own; what would take more than
//! [`MEMORY_MAX_BYTES`] is refused, and a panic costs one small picture.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::model::spec::Turn;
use crate::plan::{geometry, preview};
use crate::render::{self, Assets, Source};
use crate::web::Tools;

const MEMORY_MAX_BYTES: u64 = 768 * 1024 * 1024;

/// Makes them on a thread of its own.
#[derive(Debug)]
pub(super) struct Thumbnailer {
    pixels: rayon::ThreadPool,
}

/// A small picture needs no file of the operator's.
struct NoAssets;

impl Assets for NoAssets {
    fn get(&self, _: &str) -> Option<Arc<[u8]>> {
        None
    }
}

impl Thumbnailer {
    pub(super) fn new() -> Result<Thumbnailer, rayon::ThreadPoolBuildError> {
        let pixels = rayon::ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "thumbnails".into()).build()?;
        Ok(Thumbnailer { pixels })
    }
}

impl Tools for Thumbnailer {
    fn small(&self, picture: &[u8], turn: Turn, longest_px: u32) -> Result<Vec<u8>, String> {
        let header = render::probe(Cursor::new(picture)).map_err(|e| e.to_string())?;
        let spec = preview::of_original(&header, 0, turn, longest_px);
        let cell = &spec.cells[0];
        let factor = geometry::decode_factor(&[(cell.region, cell.window)]);
        let peak = render::peak_bytes(&[(header.clone(), picture.len() as u64, factor)], &[&spec]);
        if peak > MEMORY_MAX_BYTES {
            return Err("the picture is too large to be shown small beside the jobs".into());
        }
        let planes = geometry::takes_planes(cell);
        let sources = BTreeMap::from([(0, Source { bytes: picture, header, factor, planes })]);
        let mut made = Err("nothing came out".to_string());
        let work = || {
            let each = &mut |_, result: Result<render::Rendered, render::RenderError>| {
                made = result.map(|rendered| rendered.bytes).map_err(|e| e.to_string());
            };
            render::render(&sources, &[&spec], &NoAssets, each);
            // What it keeps for its next picture belongs to the budget of the jobs.
            render::release();
        };
        match catch_unwind(AssertUnwindSafe(|| self.pixels.install(work))) {
            Ok(()) => made,
            Err(_) => Err("the picture could not be decoded".into()),
        }
    }
}
