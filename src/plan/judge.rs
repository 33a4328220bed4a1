//! Whether what is decided for a picture is wise: the checks of the config.

use super::Finding;
use super::elements::Remark;
use super::facts::Candidate;
use super::geometry::{self, Placed};
use super::picture::{Blocked, Request};
use super::shown::Shown;
use crate::model::checks::{Checks, Verdict};
use crate::model::spec::{Header, PixelSize, Turn};

/// One picture in its place, to be judged.
#[derive(Debug, Clone)]
pub struct View {
    pub frame: PixelSize,
    pub placed: Placed,
    /// The pixels that it fills.
    pub area: PixelSize,
    /// Source pixels per inch of paper; `None` for what is not measured in inches.
    pub ppi: Option<f64>,
    /// Somebody chose its crop.
    pub cropped: bool,
    /// The ordered size, or the opening, that it has to fill.
    pub ordered: Option<String>,
    /// The crop reached into an empty corner and was made smaller, to this share.
    pub shrunk: Option<f64>,
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

impl Request<'_> {
    fn checks(&self) -> &Checks {
        &self.profile.checks
    }

    pub(super) fn judge(&self, shown: Shown<'_>, view: &View, findings: &mut Vec<Finding>) {
        let label = shown.label(self.manifest);
        let mut find = |verdict: Verdict, code: &str, text: String| {
            findings.extend(self.finding_of(shown, verdict, code, text));
        };
        let cut = view.placed.cut;
        if let Some(size) = view.ordered.as_ref().filter(|_| !view.cropped && cut > 0.005) {
            let text =
                format!("{label}: nobody cropped it for {size}; the middle is taken and {} cut away", percent(cut));
            find(self.checks().uncropped_line, "uncropped_line", text);
        }
        if cut > self.checks().crop_cuts.bound.0 {
            let of = if view.cropped { "its crop" } else { "the picture" };
            let text = format!("{label}: {} of {of} is cut away to fill {}", percent(cut), view.area);
            find(self.checks().crop_cuts.then, "crop_cuts", text);
        }
        if let Some(ppi) = view.ppi {
            let worst = self.checks().low_ppi.iter().filter(|b| ppi < b.bound).max_by_key(|b| b.then);
            if let Some(bound) = worst {
                find(bound.then, "low_ppi", format!("{label}: {ppi:.0} ppi, under {}", bound.bound));
            }
        }
        if view.placed.scale > 1.0 + 1e-9 {
            let text = format!(
                "{label}: enlarged {:.0} % (the part shown has {:.0} x {:.0} of the frame's {} pixels)",
                (view.placed.scale - 1.0) * 100.0,
                view.placed.visible.width,
                view.placed.visible.height,
                view.frame
            );
            find(Verdict::Warn, "enlarged", text);
        }
        if let Some(share) = view.shrunk.filter(|share| *share < 0.999) {
            let text = format!(
                "{label}: its crop reaches into a corner that `straighten` left empty, so it was made smaller, to {}",
                percent(share)
            );
            find(Verdict::Warn, "crop_shrunk", text);
        }
    }

    /// What drawing texts and artwork found.
    pub(super) fn judge_remarks(&self, remarks: Vec<Remark>, findings: &mut Vec<Finding>) {
        let label = self.label();
        for remark in remarks {
            let (verdict, code, text) = match remark {
                Remark::Empty { token, template } => {
                    let text = format!("{label}: {token} is empty in the text `{template}`");
                    (self.checks().empty_token, "empty_token", text)
                }
                Remark::MissingGlyph { letters, text, template, font } => {
                    let font = font.map_or("that ships with the program".to_owned(), |name| format!("`{name}`"));
                    let of = if template == text { String::new() } else { format!(" (`{template}`)") };
                    let text = format!(
                        "{label}: the font {font} has no {letters}, which stands in the text `{text}`{of}; \
                         choose a font that has it, or another text"
                    );
                    (self.checks().missing_glyph, "missing_glyph", text)
                }
                Remark::TooLong { text, percent } => {
                    let text = format!("{label}: the text `{text}` is too long for its box and shrinks to {percent} %");
                    (Verdict::Warn, "text_too_long", text)
                }
            };
            findings.extend(self.finding(verdict, code, text));
        }
    }

    /// The studio app cropped against another shape than the file now has: every crop would be wrong.
    pub(super) fn check_known_shape(
        &self,
        shown: Shown<'_>,
        candidate: &Candidate,
        header: &Header,
    ) -> Result<(), Blocked> {
        let image = shown.image(self.manifest);
        let Some(known) = image.frame else { return Ok(()) };
        let upright = header.upright();
        let differs = geometry::shape_differs(known, upright)
            // It may count the frame before or after its own quarter turn.
            && (image.rotate == Turn::None || geometry::shape_differs(known, upright.turned(image.rotate)));
        if !differs {
            return Ok(());
        }
        let reason = format!(
            "{} has {upright} pixels, but the manifest says {known}: its shape has changed, so its crop would be wrong; \
             send the order again from the studio app, or put the uncropped file back",
            candidate.shown
        );
        Err(Blocked { code: "shape_changed", reason })
    }

    pub(super) fn compare_shapes(
        &self,
        shown: Shown<'_>,
        headers: &[(&Candidate, &Header)],
        findings: &mut Vec<Finding>,
    ) {
        let Some(((first, a), rest)) = headers.split_first() else { return };
        for (other, b) in rest {
            if geometry::shape_differs(a.upright(), b.upright()) {
                let text = format!(
                    "{} has {} pixels and {} {}: somebody cropped one of them, and a crop of the order fits only one",
                    first.shown,
                    a.upright(),
                    other.shown,
                    b.upright()
                );
                findings.extend(self.finding_of(shown, self.checks().shape_differs, "shape_differs", text));
            }
        }
    }
}
