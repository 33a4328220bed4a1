//! Who may log in to the dashboard.
//!
//! Owns: what stands in a [`User`] is the hash of a password, in a form that can be verified; no message ever repeats
//! what was written in its place, because that may be the password itself.

use serde_json::{Value, json};

use super::Context;
use crate::keyword;
use crate::model::document::{self, Node, Path as Place};
use crate::model::problem::Problems;
use crate::model::section::Read;
use crate::section;

keyword! {
    /// What a user may do.
    pub enum UserRole {
        /// See, and act.
        Operator = "operator",
        /// See.
        Viewer = "viewer",
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub password: PasswordHash,
    pub role: UserRole,
}

/// An argon2id hash in the PHC form: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Hashes do not belong into logs.
impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

section! {
    /// A user of the dashboard.
    pub(super) struct RawUser {
        /// The argon2id hash of the password, in quotes, as `hotfolders hash-password` prints it.
        password: PasswordHash [required],
        /// `operator` sees and acts, `viewer` sees. Default `viewer`.
        role: UserRole,
    }
}

impl RawUser {
    pub(super) fn check(self, name: String, cx: &mut Context<'_>) -> Option<User> {
        cx.given_name(&name, &self.here);
        Some(User { name, password: self.password?, role: self.role.unwrap_or(UserRole::Viewer) })
    }
}

impl Read for PasswordHash {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<PasswordHash> {
        match node {
            Node::Text(text) if is_argon2id(text) => Some(PasswordHash(text.clone())),
            _ => {
                let text = "this is no argon2id hash; make one with `hotfolders hash-password`, and write it in quotes";
                problems.error(path, text);
                None
            }
        }
    }
    fn schema() -> Value {
        json!({ "type": "string", "pattern": r"^\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+$" })
    }
}

/// Memory beyond this would let one login stop the machine; in KiB.
const MEMORY_MAX_KIB: u32 = 4 * 1024 * 1024;

fn is_argon2id(text: &str) -> bool {
    let parts: Vec<&str> = text.split('$').collect();
    let ["", "argon2id", "v=19", parameters, salt, hash] = parts.as_slice() else { return false };
    let mut numbers = parameters
        .split(',')
        .zip(["m=", "t=", "p="])
        .map(|(parameter, name)| parameter.strip_prefix(name).and_then(|n| n.parse::<u32>().ok()).filter(|n| *n > 0));
    let memory = numbers.next().flatten();
    let base64 = |text: &str, least: usize| {
        text.len() >= least && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
    };
    parameters.split(',').count() == 3
        && numbers.all(|n| n.is_some())
        && memory.is_some_and(|m| (8..=MEMORY_MAX_KIB).contains(&m))
        // 8 bytes of salt, 16 of hash: less is no protection.
        && base64(salt, 11)
        && base64(hash, 22)
}

/// Of the users of a config in force: those whom an edited text, which is refused for something else, would not let in any
/// more, or only with another password or role. Whoever wrote it believes that they are locked out.
pub fn let_in_although_edited<'u>(users: &'u [User], refused: &str) -> Vec<&'u str> {
    let tree = document::parse_collecting(refused).ok().map(|(root, ..)| root);
    let is_same = |user: &&User| match &tree {
        Some(root) => {
            root.get("server").and_then(|s| s.get("users")).and_then(|u| u.get(&user.name)).is_some_and(|node| {
                let text = |key: &str| node.get(key).and_then(Node::as_shown);
                let role = text("role").unwrap_or_else(|| UserRole::Viewer.to_string());
                text("password").as_deref() == Some(user.password.as_str()) && role == user.role.word()
            })
        }
        // What cannot be read as a whole is looked through line by line, comments left out.
        None => refused
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .any(|line| line.contains(user.password.as_str())),
    };
    users.iter().filter(|user| !is_same(user)).map(|user| user.name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_an_edit_would_lock_out_is_known_also_when_the_rest_of_it_is_wrong() {
        let hash =
            |salt: &str| format!("$argon2id$v=19$m=19456,t=2,p=1${salt}$WldVFG4ukGb0o0VPpMlYY1uRj5AMvQKJ5h5mB6FDQdQ");
        let (anna, ben) = (hash("c29tZXNhbHRzb21l"), hash("b3RoZXJzYWx0c2Fs"));
        let user = |name: &str, hash: &str, role| User { name: name.into(), password: PasswordHash(hash.into()), role };
        let users = [user("anna", &anna, UserRole::Operator), user("ben", &ben, UserRole::Viewer)];
        let edited = |users: &str, rest: &str| format!("version: 1\nserver:\n  users:\n{users}{rest}\n");
        let line = |name: &str, hash: &str, role: &str| format!("    {name}: {{ password: '{hash}'{role} }}\n");
        let both = line("anna", &anna, ", role: operator") + &line("ben", &ben, "");
        let broken = "profiles: { web: [";
        for rest in ["nonsense: true", broken] {
            assert_eq!(let_in_although_edited(&users, &edited(&both, rest)), [""; 0]);
            assert_eq!(let_in_although_edited(&users, &edited(&line("ben", &ben, ""), rest)), ["anna"]);
            let off = line("anna", &anna, ", role: operator") + &line("# ben", &ben, "").replace("    #", "#");
            assert_eq!(let_in_although_edited(&users, &edited(&off, rest)), ["ben"]);
            let changed = line("anna", &ben, ", role: operator") + &line("ben", &ben, "");
            assert_eq!(let_in_although_edited(&users, &edited(&changed, rest)), ["anna"]);
        }
        let demoted = line("anna", &anna, "") + &line("ben", &ben, "");
        assert_eq!(let_in_although_edited(&users, &edited(&demoted, "nonsense: true")), ["anna"]);
        assert_eq!(let_in_although_edited(&users, ""), ["anna", "ben"]);
    }

    #[test]
    fn only_whole_hashes_are_taken() {
        let good = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$WldVFG4ukGb0o0VPpMlYY1uRj5AMvQKJ5h5mB6FDQdQ";
        assert!(is_argon2id(good));
        for bad in [
            "secret",
            "$argon2id$…",
            "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$WldVFG4ukGb0o0VPpMlYY1uRj5AMvQKJ5h5mB6FDQdQ",
            "$argon2id$v=19$m=19456,t=2$c29tZXNhbHRzb21l$WldVFG4ukGb0o0VPpMlYY1uRj5AMvQKJ5h5mB6FDQdQ",
            "$argon2id$v=19$m=19456,t=0,p=1$c29tZXNhbHRzb21l$WldVFG4ukGb0o0VPpMlYY1uRj5AMvQKJ5h5mB6FDQdQ",
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$short",
        ] {
            assert!(!is_argon2id(bad), "{bad}");
        }
    }
}
