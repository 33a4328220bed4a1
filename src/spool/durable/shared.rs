//! Files that the server and whoever asks it something leave for one another, under two accounts.

use std::fs;
use std::path::Path;

use super::{Done, Named as _, aside, or_clear, parent, point, publish, publish_replace, stage_private};

/// As [`replace`](super::replace), readable by those alone who may write into its folder: what the server and whoever asks it something
/// leave for one another, under two accounts.
pub fn replace_for_folder(path: &Path, bytes: &[u8]) -> Done {
    let temporary = aside(path);
    or_clear(&temporary, stage_for_folder(&temporary, bytes).and_then(|()| publish_replace(&temporary, path)))
}

/// As [`replace_for_folder`], under a name that must be free.
pub fn write_new_for_folder(path: &Path, bytes: &[u8]) -> Done {
    let temporary = aside(path);
    or_clear(&temporary, stage_for_folder(&temporary, bytes).and_then(|()| publish(&temporary, path)))
}

fn stage_for_folder(path: &Path, bytes: &[u8]) -> Done {
    let staged = stage_private(path, bytes)?;
    give_to_writers_of_folder(path)?;
    staged.finish().map(drop)
}

/// Of a private file.
fn give_to_writers_of_folder(path: &Path) -> Done {
    point("restrict", path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
        let folder = fs::metadata(parent(path)).named("look at", parent(path))?;
        // The system's administrator may give it away, others may share it with a group of theirs.
        if chown(path, Some(folder.uid()), Some(folder.gid())).is_err() {
            let _ = chown(path, None, Some(folder.gid()));
        }
        let is_of_group = fs::metadata(path).named("look at", path)?.gid() == folder.gid();
        let writers = folder.mode() & if is_of_group { 0o022 } else { 0o002 };
        let mode = 0o600 | writers | (writers << 1);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).named("restrict", path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_is_left_for_another_account_is_read_by_those_who_may_write_there() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        for (folder, file) in [(0o755, 0o600), (0o700, 0o600), (0o770, 0o660), (0o2775, 0o660), (0o777, 0o666)] {
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(folder)).unwrap();
            replace_for_folder(&path, b"1").unwrap();
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, file, "{folder:o}");
        }
        assert!(write_new_for_folder(&path, b"2").unwrap_err().already_exists());
    }
}
