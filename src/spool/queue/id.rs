//! The id of a spool: it tells the claims of one server in a hot folder from those of others.

use std::path::Path;

use crate::model::digest;
use crate::spool::durable::{self, Done};

pub(super) fn read_id(root: &Path) -> Option<String> {
    let text = std::fs::read_to_string(root.join("ID")).ok()?;
    let id = text.trim();
    (id.len() == 8 && id.bytes().all(|b| b.is_ascii_hexdigit())).then(|| id.to_string())
}

/// The spool's id, made at the first start. One that cannot be read is made anew.
pub(super) fn own_id(root: &Path) -> Done<String> {
    if let Some(id) = read_id(root) {
        return Ok(id);
    }
    let mut bytes = [0; 4];
    let id = match getrandom::fill(&mut bytes) {
        Ok(()) => format!("{:08x}", u32::from_le_bytes(bytes)),
        // Without randomness, what tells two servers on one machine, or on two, apart most of the time.
        Err(_) => digest::sha256(format!("{} {}", root.display(), std::process::id()).as_bytes())[..8].to_string(),
    };
    let (path, text) = (root.join("ID"), format!("{id}\n"));
    match durable::write_new(&path, text.as_bytes()) {
        // Another command made one just now, or it is damaged.
        Err(e) if e.already_exists() => match read_id(root) {
            Some(id) => return Ok(id),
            None => durable::replace(&path, text.as_bytes())?,
        },
        done => done?,
    }
    Ok(id)
}
