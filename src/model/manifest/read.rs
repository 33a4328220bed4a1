//! From bytes to a manifest, or to everything that is wrong with them.

use super::pictures::read_pictures;
use super::syntax::tree;
use super::{Kind, Manifest, whole};
use crate::model::document::Syntax;
use crate::model::limits::MANIFEST_MAX_BYTES;
use crate::model::name::brief;
use crate::model::problem::{Problem, Problems, show_syntax_error};
use crate::model::units::show_bytes;

/// A manifest, and what is strange about it.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadManifest {
    pub manifest: Manifest,
    pub warnings: Vec<Problem>,
    pub syntax: Syntax,
}

/// All problems of a text, one line each: `file:line:column: error: field: what`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The text ends too early; it may still be growing.
    #[error("{0}")]
    CutOff(String),
    /// More text would not mend it.
    #[error("{0}")]
    Invalid(String),
}

/// Reads a manifest. `file_name` is for messages, and `.json` says that YAML is not meant.
pub fn read(bytes: &[u8], file_name: &str) -> Result<ReadManifest, ManifestError> {
    let file = brief(file_name, 200);
    let text = text_of(bytes, &file)?;
    let is_json_file = file_name.to_ascii_lowercase().ends_with(".json");
    let (node, syntax) = tree(text, is_json_file).map_err(|error| {
        let shown = show_syntax_error(&file, &error);
        if error.cut_off { ManifestError::CutOff(shown) } else { ManifestError::Invalid(shown) }
    })?;
    let mut problems = Problems::lenient();
    match whole::manifest(&node, text, syntax, &mut problems) {
        Some(manifest) if !problems.has_errors() => {
            Ok(ReadManifest { manifest, warnings: problems.warnings().cloned().collect(), syntax })
        }
        _ => {
            let shown = problems.show(&file, text, syntax);
            let cut_off = whole::may_be_cut_off(&node, text, syntax);
            Err(if cut_off { ManifestError::CutOff(shown) } else { ManifestError::Invalid(shown) })
        }
    }
}

/// Reads the manifest of a job, which may be one that we wrote for pictures without one.
pub fn read_job(bytes: &[u8], file_name: &str, kind: Option<Kind>) -> Result<ReadManifest, ManifestError> {
    if kind == Some(Kind::Pictures)
        && let Some(manifest) = read_pictures(bytes)
    {
        return Ok(ReadManifest { manifest, warnings: Vec::new(), syntax: Syntax::Json });
    }
    read(bytes, file_name)
}

fn text_of<'b>(bytes: &'b [u8], file: &str) -> Result<&'b str, ManifestError> {
    let invalid = |text: String| Err(ManifestError::Invalid(format!("{file}: error: {text}\n")));
    let cut_off = |text: String| Err(ManifestError::CutOff(format!("{file}: error: {text}\n")));
    if bytes.len() as u64 > MANIFEST_MAX_BYTES {
        let (size, most) = (show_bytes(bytes.len() as u64), show_bytes(MANIFEST_MAX_BYTES));
        return invalid(format!("the file has {size}; a manifest has at most {most}"));
    }
    if matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, b'{', ..] | [b'{', 0, ..]) {
        return invalid("the text is UTF-16; write the manifest as UTF-8".to_string());
    }
    // A copy that was given its full size before its content, and a file that a crash cut, end in zeros.
    if bytes.last() == Some(&0) {
        return cut_off("the file ends in zero bytes: it is still being copied, or its end was lost".to_string());
    }
    if bytes.trim_ascii().is_empty() {
        return cut_off("the file is empty".to_string());
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.split(|b| *b == b'\n').count();
        let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
        let text =
            format!("{file}:{line}:{column}: error: the byte 0x{byte:02X} is not UTF-8; write the manifest as UTF-8\n");
        if error.error_len().is_none() { ManifestError::CutOff(text) } else { ManifestError::Invalid(text) }
    })
}
