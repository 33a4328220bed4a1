//! Members spread over discs or zip parts: in order, no file split.

use crate::model::name::RelPath;

/// A sector of a disc.
const SECTOR_BYTES: u64 = 2048;

/// What a file takes on a disc: whole sectors, and one for its place in the directory.
pub(super) fn disc_bytes(file_bytes: u64) -> u64 {
    (file_bytes.div_ceil(SECTOR_BYTES) + 1) * SECTOR_BYTES
}

/// Fills volume after volume; a member larger than `capacity` gets one to itself. `sizes` are what each member takes,
/// the result has their indices. A smaller member further on never fills a gap: the order is what the client sees.
pub(super) fn split(sizes: &[u64], capacity: u64) -> Vec<Vec<usize>> {
    let mut volumes: Vec<Vec<usize>> = Vec::new();
    let mut room = 0;
    for (index, size) in sizes.iter().enumerate() {
        match volumes.last_mut() {
            Some(volume) if *size <= room => volume.push(index),
            _ => {
                volumes.push(vec![index]);
                room = capacity;
            }
        }
        room = room.saturating_sub(*size);
    }
    volumes
}

/// The unit of a volume, counted from 1.
pub(super) fn unit(number: usize) -> String {
    format!("v{number}")
}

/// The unit of a disc's label.
pub(super) fn label_unit(number: usize) -> String {
    format!("label{number}")
}

/// `NAME.label.txt`, beside the disc's folder.
pub(super) fn label_path(disc: &RelPath) -> RelPath {
    disc.with_extension("label.txt")
}

/// A disc of a set: the set's folder itself when there is only one.
pub(super) fn disc_path(set: &RelPath, number: usize, count: usize) -> RelPath {
    match RelPath::from_part(&disc_name(number)) {
        Some(name) if count > 1 => set.join(&name),
        _ => set.clone(),
    }
}

pub(super) fn disc_name(number: usize) -> String {
    format!("Disc {number}")
}

/// A part of a set of zips: the path itself when there is only one, else `NAME_1.zip` …
pub(super) fn zip_path(zip: &RelPath, number: usize, count: usize) -> RelPath {
    if count > 1 { zip.with_suffix(&format!("_{number}")) } else { zip.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn in_order_and_never_a_file_in_two() {
        assert_eq!(split(&[4, 4, 4, 1, 9, 1], 8), [vec![0, 1], vec![2, 3], vec![4], vec![5]]);
        assert_eq!(split(&[], 8), Vec::<Vec<usize>>::new());
        assert_eq!(disc_bytes(0), 2048);
        assert_eq!(disc_bytes(1), 4096);
        assert_eq!(disc_bytes(2048), 4096);
        assert_eq!(disc_bytes(2049), 6144);
    }

    proptest! {
        #[test]
        fn every_member_once_and_nothing_overfull(sizes in prop::collection::vec(1..50_u64, 0..60), capacity in 1..80_u64) {
            let volumes = split(&sizes, capacity);
            prop_assert_eq!(volumes.concat(), (0..sizes.len()).collect::<Vec<_>>());
            for volume in volumes {
                let bytes: u64 = volume.iter().map(|i| sizes[*i]).sum();
                prop_assert!(bytes <= capacity || volume.len() == 1);
            }
        }
    }
}
