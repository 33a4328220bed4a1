//! Large buffers that a thread keeps for its next picture.
//!
//! The system hands out large blocks as pages that are not there yet; touching those of one picture for the first time
//! costs as much as scaling it. Owns: a thread keeps no more than it was allowed to. Must not know: what the
//! buffers hold; whoever takes one finds an earlier picture's pixels in it and has to write all of it.

use std::cell::RefCell;

use fast_image_resize::Resizer;

/// Buffers below this are recycled well enough by the allocator.
const LARGE_BYTES: usize = 1024 * 1024;

#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// In bytes; nothing is kept unless a thread was told to.
    limit: usize,
    bytes: Vec<Vec<u8>>,
    words: Vec<Vec<u16>>,
    resizer: Option<Resizer>,
}

thread_local! {
    static SHELF: RefCell<Shelf> = RefCell::default();
}

/// Kinds of values that buffers are kept of.
pub(super) trait Kept: Copy + Default + 'static {
    fn of(shelf: &mut Shelf) -> &mut Vec<Vec<Self>>;
}

impl Kept for u8 {
    fn of(shelf: &mut Shelf) -> &mut Vec<Vec<u8>> {
        &mut shelf.bytes
    }
}

impl Kept for u16 {
    fn of(shelf: &mut Shelf) -> &mut Vec<Vec<u16>> {
        &mut shelf.words
    }
}

impl Shelf {
    fn make_room(&mut self, bytes: usize) {
        while self.held_bytes() + bytes > self.limit {
            if !self.bytes.is_empty() {
                self.bytes.remove(0);
            } else if !self.words.is_empty() {
                self.words.remove(0);
            } else if self.resizer.take().is_none() {
                break;
            }
        }
    }

    fn held_bytes(&self) -> usize {
        let bytes: usize = self.bytes.iter().map(Vec::capacity).sum();
        let words: usize = self.words.iter().map(|v| v.capacity() * 2).sum();
        bytes + words + self.resizer.as_ref().map_or(0, Resizer::size_of_internal_buffers)
    }
}

/// Lets the calling thread keep so many bytes from now on; what it holds now is freed.
pub fn keep_at_most(bytes: usize) {
    SHELF.with_borrow_mut(|shelf| *shelf = Shelf { limit: bytes, ..Shelf::default() });
}

/// Frees what the calling thread keeps.
pub fn release() {
    SHELF.with_borrow_mut(|shelf| *shelf = Shelf { limit: shelf.limit, ..Shelf::default() });
}

/// A buffer of so many values; what is in it is of no meaning.
pub(super) fn take<T: Kept>(length: usize) -> Vec<T> {
    let kept = SHELF.with_borrow_mut(|shelf| {
        let list = T::of(shelf);
        let fitting = (0..list.len()).filter(|i| list[*i].capacity() >= length);
        let smallest = fitting.min_by_key(|i| list[*i].capacity())?;
        Some(list.swap_remove(smallest))
    });
    match kept {
        Some(mut buffer) => {
            buffer.resize(length, T::default());
            buffer
        }
        None => vec![T::default(); length],
    }
}

/// Keeps a buffer that is not needed any more, in the place of older ones if it has to be.
pub(super) fn give<T: Kept>(buffer: Vec<T>) {
    let bytes = buffer.capacity() * size_of::<T>();
    SHELF.with_borrow_mut(|shelf| {
        if bytes < LARGE_BYTES || bytes > shelf.limit {
            return;
        }
        shelf.make_room(bytes);
        T::of(shelf).push(buffer);
    });
}

/// Lends the resizer that the thread keeps with its rows that are scaled one way only. It is taken off the shelf
/// meanwhile: while a thread waits for others, it may begin to scale another picture.
pub(super) fn with_resizer<R>(work: impl FnOnce(&mut Resizer) -> R) -> R {
    let mut resizer = SHELF.with_borrow_mut(|shelf| shelf.resizer.take()).unwrap_or_default();
    let result = work(&mut resizer);
    SHELF.with_borrow_mut(|shelf| {
        let bytes = resizer.size_of_internal_buffers();
        // A picture's pixels are worth more.
        if bytes <= shelf.limit / 3 {
            shelf.make_room(bytes);
            shelf.resizer = Some(resizer);
        }
    });
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> usize {
        SHELF.with_borrow(Shelf::held_bytes)
    }

    /// A thread of its own: others of the suite may have been told to keep something.
    fn apart(test: impl FnOnce() + Send + 'static) {
        std::thread::spawn(test).join().unwrap();
    }

    #[test]
    fn nothing_is_kept_unless_asked_for() {
        apart(|| {
            give(vec![0u8; 4 * LARGE_BYTES]);
            assert_eq!(held(), 0);
        });
    }

    #[test]
    fn a_buffer_comes_back_in_the_length_that_is_asked_for() {
        apart(|| {
            keep_at_most(10 * LARGE_BYTES);
            give(vec![7u8; 4 * LARGE_BYTES]);
            give(vec![8u8; 2 * LARGE_BYTES]);
            let smaller: Vec<u8> = take(LARGE_BYTES);
            assert_eq!((smaller.len(), smaller[0]), (LARGE_BYTES, 8), "the smallest that is enough");
            let larger: Vec<u8> = take(5 * LARGE_BYTES);
            assert_eq!((larger.len(), larger[0]), (5 * LARGE_BYTES, 0), "none is large enough");
            give(smaller);
            release();
            assert_eq!(held(), 0);
        });
    }

    #[test]
    fn the_limit_holds_and_the_oldest_goes_first() {
        apart(|| {
            keep_at_most(6 * LARGE_BYTES);
            give(vec![1u8; 7 * LARGE_BYTES]);
            assert_eq!(held(), 0);
            give(vec![1u8; 3 * LARGE_BYTES]);
            give(vec![2u8; 2 * LARGE_BYTES]);
            give(vec![3u16; LARGE_BYTES]);
            assert_eq!(held(), 4 * LARGE_BYTES);
            let left: Vec<u8> = take(1);
            assert_eq!(left[0], 2);
            give(vec![9u8; LARGE_BYTES / 2]);
            assert_eq!(held(), 2 * LARGE_BYTES, "small ones are left to the allocator");
        });
    }
}
