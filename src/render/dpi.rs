//! Dots per inch, the same in every place that a file says it.
//!
//! Must not know: pixels.

/// As a fraction: whole where it is whole, else in thousandths. JPEG's own field holds whole numbers only, so for
/// JPEG it is rounded everywhere.
pub(super) fn fraction(dpi: f64, whole: bool) -> (u32, u32) {
    let dpi = dpi.clamp(1.0, 65_535.0);
    if whole || (dpi - dpi.round()).abs() < 0.0005 {
        (dpi.round() as u32, 1)
    } else {
        ((dpi * 1000.0).round() as u32, 1000)
    }
}

/// As pixels per metre, for PNG.
pub(super) fn per_metre(dpi: f64) -> u32 {
    let (above, below) = fraction(dpi, false);
    (f64::from(above) / f64::from(below) / 0.0254).round() as u32
}
