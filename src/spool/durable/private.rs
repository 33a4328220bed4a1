//! Who may read what: clients' names, pictures and secrets are the server's alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{
    Done, Named as _, Staged, Unsynced, Written, aside, or_clear, parent, point, publish_replace, stage_private,
    sync_folder,
};

/// Restricts a file or folder to its owner, where the system has such a notion.
pub fn make_private(path: &Path) -> Done {
    point("restrict", path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).named("restrict", path)?;
    }
    Ok(())
}

/// Makes a folder that nobody but its owner can open; one that stands already is restricted. False where the system
/// refuses that: the folder is another user's, or its disk has no owners.
pub fn make_private_folder(folder: &Path) -> Done<bool> {
    if folder.is_dir() {
        return restrict(folder, 0o077);
    }
    point("make the folder", folder)?;
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        other => other.named("make the folder", folder),
    }?;
    sync_folder(parent(folder))?;
    Ok(true)
}

/// Takes its rights to a file from everybody but its owner and group. False as in [`make_private_folder`].
pub fn hide_from_others(file: &Path) -> Done<bool> {
    restrict(file, 0o007)
}

/// Takes these rights away, as far as they are there.
fn restrict(path: &Path, rights: u32) -> Done<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = path.metadata().named("look at", path)?.permissions().mode() & 0o7777;
        if mode & rights != 0 {
            point("restrict", path)?;
            match fs::set_permissions(path, fs::Permissions::from_mode(mode & !rights)) {
                Err(e) if matches!(e.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) => {
                    return Ok(false);
                }
                other => other.named("restrict", path)?,
            }
        }
    }
    #[cfg(not(unix))]
    let _ = (path, rights);
    Ok(true)
}

/// As [`replace`](super::replace), readable by its owner alone.
pub fn replace_private(path: &Path, bytes: &[u8]) -> Done {
    let temporary = aside(path);
    let staged = stage_private(&temporary, bytes).and_then(Staged::finish);
    or_clear(&temporary, staged.and_then(|_| publish_replace(&temporary, path)))
}

/// As [`replace_private`] for many files. Which of the two versions of each stands after a power failure is open until
/// [`sync_folder`]; either is whole. They all lie on the volume of one folder.
pub fn replace_all_private(volume: &Path, files: &[(PathBuf, Vec<u8>)]) -> Done<Vec<Done>> {
    let mut unsynced = Unsynced::on_volume_of(volume)?;
    let mut written = Written::default();
    let staged = files.iter().map(|(path, bytes)| {
        let file = or_clear(&aside(path), stage_private(&aside(path), bytes))?;
        written.file(file);
        Ok(())
    });
    let staged: Vec<Done> = staged.collect();
    unsynced.add(written);
    if let Err(e) = unsynced.sync() {
        for (path, _) in files {
            let _ = fs::remove_file(aside(path));
        }
        return Err(e);
    }
    let publish = |(staged, (path, _)): (Done, &(PathBuf, Vec<u8>))| {
        staged?;
        let named = point("publish", path).and_then(|()| fs::rename(aside(path), path).named("publish", path));
        or_clear(&aside(path), named)
    };
    Ok(staged.into_iter().zip(files).map(publish).collect())
}
