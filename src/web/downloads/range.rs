//! Which bytes of a file a request asks for.

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ranged {
    Whole,
    /// From the first up to, without, the second.
    Part(u64, u64),
    /// There are no such bytes.
    Nothing,
}

/// Looks at `Range` and `If-Range` for a file of `bytes` bytes with a strong `etag`. What cannot be understood, and
/// several ranges at once, mean all of it, as HTTP has it.
pub fn ranged(range: Option<&str>, if_range: Option<&str>, etag: &str, bytes: u64) -> Ranged {
    let Some(range) = range.filter(|_| if_range.is_none_or(|known| known.trim() == etag)) else { return Ranged::Whole };
    let Some((unit, spec)) = range.split_once('=') else { return Ranged::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Ranged::Whole;
    }
    let Some((first, last)) = spec.trim().split_once('-') else { return Ranged::Whole };
    let (first, last) = (first.trim(), last.trim());
    match (number(first), number(last)) {
        (Some(first), None) if last.is_empty() => part(first, bytes, bytes),
        (Some(first), Some(last)) if first <= last => part(first, last.saturating_add(1), bytes),
        (None, Some(tail)) if first.is_empty() => match tail {
            0 => Ranged::Nothing,
            tail => part(bytes.saturating_sub(tail), bytes, bytes),
        },
        _ => Ranged::Whole,
    }
}

fn part(start: u64, end: u64, bytes: u64) -> Ranged {
    if start >= bytes { Ranged::Nothing } else { Ranged::Part(start, end.min(bytes)) }
}

/// Digits alone; more than fit mean as many as there are.
fn number(text: &str) -> Option<u64> {
    let fine = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    fine.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TAG: &str = "\"abc\"";

    fn of(range: &str, bytes: u64) -> Ranged {
        ranged(Some(range), None, TAG, bytes)
    }

    #[test]
    fn what_is_not_understood_means_all_of_it() {
        for odd in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "items=0-1",
            "bytes=5-2",
            "bytes=0-1,3-4",
            "bytes=1--2",
            "bytes=+1-2",
            "bytes=0x1-2",
        ] {
            assert_eq!(of(odd, 10), Ranged::Whole, "{odd}");
        }
        for nothing in ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999-"] {
            assert_eq!(of(nothing, 10), Ranged::Nothing, "{nothing}");
        }
        assert_eq!(of("bytes=0-", 0), Ranged::Nothing);
        assert_eq!(of(" Bytes = 3 - 4 ", 10), Ranged::Part(3, 5));
        assert_eq!(of("bytes=0-99999999999999999999", 10), Ranged::Part(0, 10));
    }

    #[test]
    fn another_file_is_sent_whole() {
        for (tag, expected) in [(TAG, Ranged::Part(1, 10)), ("\"abd\"", Ranged::Whole), ("W/\"abc\"", Ranged::Whole)] {
            assert_eq!(ranged(Some("bytes=1-"), Some(tag), TAG, 10), expected);
        }
        assert_eq!(ranged(None, Some(TAG), TAG, 10), Ranged::Whole);
    }

    proptest! {
        /// Against slices of a list of numbers.
        #[test]
        fn parts_are_slices(bytes in 0_usize..40, first in 0_usize..50, last in 0_usize..50, kind in 0..3) {
            let all: Vec<usize> = (0..bytes).collect();
            let (text, expected) = match kind {
                0 => (format!("bytes={first}-"), all.get(first..).unwrap_or_default()),
                1 => (format!("bytes=-{first}"), &all[bytes.saturating_sub(first)..]),
                _ => {
                    prop_assume!(first <= last);
                    (format!("bytes={first}-{last}"), all.get(first..(last + 1).min(bytes)).unwrap_or_default())
                }
            };
            match of(&text, bytes as u64) {
                Ranged::Part(start, end) => prop_assert_eq!(&all[start as usize..end as usize], expected),
                Ranged::Nothing => prop_assert!(expected.is_empty()),
                Ranged::Whole => prop_assert!(false, "{} of {}", text, bytes),
            }
        }
    }
}
