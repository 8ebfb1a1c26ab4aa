//! Where free blocks began, also blocks that others were joined to.
//!
//! The first four bytes of a free block are the offset of the next one, or 0, and its own length. When a block is joined to one before it, or to
//! the unallocated space, they stay: blocks that were joined one after the other end at the same place, and each cell ends where the next
//! one begins.

/// The start of a free block that is one now, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LeftBlock {
    pub(super) offset: usize,
    /// Where the cell that lay here ended, as far as the blocks tell.
    pub(super) limit: usize,
    /// Whether the page has it as a block now.
    pub(super) is_real: bool,
    /// Whether it is one, or was joined to one that is: both end at the same place.
    pub(super) is_sure: bool,
}

/// The starts of blocks in a part of a page, from its start to its end; the part itself is a block now if `is_real`.
pub(super) fn left_blocks(usable: &[u8], (start, end): (usize, usize), is_real: bool) -> Vec<LeftBlock> {
    let part = usable.get(start..end).unwrap_or_default();
    // Where each ends and begins.
    let mut blocks: Vec<(usize, usize)> = Vec::new();
    if is_real {
        blocks.push((end, start));
    }
    for (at, bytes) in part.windows(4).enumerate().skip(usize::from(is_real)) {
        let [next_high, next_low, high, low] = *bytes else { continue };
        let (next, length) =
            (usize::from(next_high) << 8 | usize::from(next_low), usize::from(high) << 8 | usize::from(low));
        let block_end = start + at + length;
        // The next one lies behind it, and not at once: else they would have been joined.
        let is_next = next == 0 || (next > block_end && next < usable.len());
        // Latin text in UTF-16 reads as numbers of this size.
        let is_text = [next, length].iter().all(|number| (0x20..0x80).contains(number));
        if length >= 4 && block_end <= end && is_next && !is_text {
            blocks.push((block_end, start + at));
        }
    }
    blocks.sort_unstable();
    let limit = |place: usize, block_end: usize| match blocks.get(place + 1) {
        Some(&(other_end, offset)) if other_end == block_end => offset,
        _ => block_end,
    };
    let left = |(place, &(block_end, offset)): (usize, &(usize, usize))| LeftBlock {
        offset,
        limit: limit(place, block_end),
        is_real: is_real && offset == start,
        is_sure: is_real && block_end == end,
    };
    let mut left: Vec<LeftBlock> = blocks.iter().enumerate().map(left).collect();
    left.sort_unstable_by_key(|block| block.offset);
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_blocks_end_at_the_same_place() {
        let mut usable = vec![0xff; 512];
        usable[100..104].copy_from_slice(&[0, 0, 0, 60]);
        usable[120..124].copy_from_slice(&[0, 0, 0, 40]);
        usable[150..154].copy_from_slice(&[1, 0x90, 0, 10]);
        let block = |offset, limit, is_real, is_sure| LeftBlock { offset, limit, is_real, is_sure };
        let expected =
            [block(100, 120, true, true), block(120, 150, false, true), block(150, 160, false, true)];
        assert_eq!(left_blocks(&usable, (100, 160), true), expected);
        assert_eq!(left_blocks(&usable, (90, 400), false)[0], block(100, 120, false, false));
        assert!(left_blocks(&usable, (0, 90), false).is_empty());
    }
}
