//! The frames of the write-ahead log, and which of them are valid.
//!
//! Frame `k` begins at `32 + (k - 1) * (24 + page size)`: a header of 24 bytes, then the page image.
//!
//! | offset | bytes | field | rule |
//! |---:|---:|---|---|
//! | 0 | 4 | page number | not 0 |
//! | 4 | 4 | page count after the commit | 0: not a commit frame |
//! | 8 | 8 | salts | those of the log's header |
//! | 16 | 8 | checksum | goes on from the frame before, over bytes 0 to 7 and the image |
//!
//! All numbers are big-endian. The salts are not summed. Valid are the frames from the first on, up to the
//! first that breaks a rule; of these, what lies behind the last commit frame is not committed.

use super::byte_reader::ByteReader;
use super::damage::Damage;
use super::frame_number::{FRAME_HEADER_BYTES, FrameNumber, frame_bytes};
use super::page_number::PageNumber;
use super::page_size::PageSize;
use super::wal_checksum::{ByteOrder, WalChecksum};
use super::wal_header::{Salts, WalHeader};

/// The header of a frame, not yet known to be valid. [wal.md#frame](crate::notes::wal#frame)
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct WalFrameHeader {
    /// The page whose image follows; `None` for the 0 that no valid frame has.
    pub page_number: Option<PageNumber>,
    /// The database's page count after the commit that this frame ends; 0 when it ends none.
    pub commit_page_count: u32,
    /// The generation that the frame belongs to.
    pub salts: Salts,
    /// The running checksum up to and with this frame.
    pub checksum: WalChecksum,
}

impl WalFrameHeader {
    /// Reads the header from the first 24 bytes of a frame.
    ///
    /// # Errors
    /// [`Damage::Short`] when there are fewer.
    pub fn parse(bytes: &[u8]) -> Result<Self, Damage> {
        let mut reader = ByteReader::new(bytes);
        Ok(Self {
            page_number: PageNumber::new(reader.be_u32()?),
            commit_page_count: reader.be_u32()?,
            salts: Salts(reader.array()?),
            checksum: WalChecksum { s1: reader.be_u32()?, s2: reader.be_u32()? },
        })
    }

    /// Whether salts and checksum are all zero, as SQLite leaves them in a transaction that writes a page a second time
    /// until it sums all frames anew at the commit. [wal.md#states-of-a-frame](crate::notes::wal#states-of-a-frame)
    #[must_use]
    pub fn is_unsummed(&self) -> bool {
        self.salts == Salts([0; 8]) && self.checksum == WalChecksum::SEED
    }
}

/// A frame that [`FrameChain`] found valid.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct WalFrame {
    /// The frame's number.
    pub number: FrameNumber,
    /// The page whose image it carries.
    pub page_number: PageNumber,
    /// The database's page count after the commit that this frame ends; 0 when it ends none.
    pub commit_page_count: u32,
    /// The running checksum up to and with this frame.
    pub checksum: WalChecksum,
}

impl WalFrame {
    /// Whether a transaction ends with this frame.
    #[must_use]
    pub fn is_commit(&self) -> bool {
        self.commit_page_count != 0
    }
}

/// Why the chain of valid frames ends at a frame. [wal.md#frame-validity](crate::notes::wal#frame-validity)
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameFault {
    /// Fewer bytes than a frame has.
    #[error("{available} bytes where a frame has {needed}")]
    Short {
        /// The length of a frame in bytes.
        needed: usize,
        /// The bytes given.
        available: usize,
    },
    /// The salts are not those of the log's header: the frame is of another generation, most often the
    /// one before the last reset.
    #[error("salts {:08x} {:08x}: a frame of another generation", .found.numbers()[0], .found.numbers()[1])]
    OtherSalts {
        /// The salts of the frame.
        found: Salts,
    },
    /// The frame is for page 0.
    #[error("page number 0")]
    ZeroPageNumber,
    /// The frame, or one before it, is not what the writer summed.
    #[error(
        "frame checksum {:08x} {:08x}, computed {:08x} {:08x}",
        .stored.s1, .stored.s2, .computed.s1, .computed.s2
    )]
    WrongChecksum {
        /// The checksum in the frame's header.
        stored: WalChecksum,
        /// The checksum that the frame gives.
        computed: WalChecksum,
    },
    /// There are 4294967295 frames already.
    #[error("more frames than can be numbered")]
    TooMany,
}

/// Tells frame by frame, from the first on, whether the log is still valid. [wal.md#frame-validity](crate::notes::wal#frame-validity)
///
/// ```
/// use litecopy::format::{Damage, FrameChain, WalHeader};
///
/// /// The page numbers of all frames of a log that are valid.
/// fn valid_pages(log: &[u8]) -> Result<Vec<u32>, Damage> {
///     let header = WalHeader::parse(log)?;
///     let mut chain = FrameChain::new(&header);
///     let frames = log[32..].chunks(24 + header.page_size.bytes_usize());
///     Ok(frames.map_while(|frame| chain.accept(frame).ok()).map(|frame| frame.page_number.get()).collect())
/// }
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct FrameChain {
    byte_order: ByteOrder,
    page_size: PageSize,
    salts: Salts,
    checksum: WalChecksum,
    accepted: u32,
    /// Whether the last frame was an unsummed one, so that nothing tells what the next checksum goes on from.
    broken: bool,
}

impl FrameChain {
    /// The chain before the first frame of the log with this header.
    #[must_use]
    pub fn new(header: &WalHeader) -> Self {
        Self::resume(header, 0, header.checksum)
    }

    /// The chain after `accepted` frames, the last of which has this `checksum`: as an earlier chain
    /// remembers it ([`Self::accepted`], [`Self::checksum`]), or as the wal-index states it.
    #[must_use]
    pub fn resume(header: &WalHeader, accepted: u32, checksum: WalChecksum) -> Self {
        Self {
            byte_order: header.byte_order,
            page_size: header.page_size,
            salts: header.salts,
            checksum,
            accepted,
            broken: false,
        }
    }

    /// The same chain, whose last frame was [unsummed](Self::accept_unsummed).
    #[must_use]
    pub fn resume_broken(header: &WalHeader, accepted: u32) -> Self {
        Self { broken: true, ..Self::resume(header, accepted, WalChecksum::SEED) }
    }

    /// Checks the next frame, given as its 24 bytes of header and its page image, and moves past it.
    ///
    /// # Errors
    /// Why the frame does not continue the chain, by the first rule in SQLite's order that it breaks; the
    /// chain then stays where it was.
    pub fn accept(&mut self, frame: &[u8]) -> Result<WalFrame, FrameFault> {
        let short = FrameFault::Short { needed: frame_bytes(self.page_size), available: frame.len() };
        let (summed_header, _) = frame.split_first_chunk::<8>().ok_or(short)?;
        let (_, from_image) = frame.split_first_chunk::<FRAME_HEADER_BYTES>().ok_or(short)?;
        let image = from_image.get(..self.page_size.bytes_usize()).ok_or(short)?;
        let header = WalFrameHeader::parse(frame).map_err(|_| short)?;
        if header.salts != self.salts {
            return Err(FrameFault::OtherSalts { found: header.salts });
        }
        let page_number = header.page_number.ok_or(FrameFault::ZeroPageNumber)?;
        let computed = self.checksum.extend(self.byte_order, summed_header).extend(self.byte_order, image);
        if header.checksum != computed && !self.broken {
            return Err(FrameFault::WrongChecksum { stored: header.checksum, computed });
        }
        self.pass(&header, page_number, false)
    }

    /// As [`Self::accept`], of a frame that has zeros for salts and checksum; the frame after it is then accepted whatever
    /// its checksum is. For a log of which a live wal-index tells how far it is committed, and for nothing else.
    ///
    /// SQLite up to 3.50.1 leaves such frames in ordinary work. [wal.md#frames-without-checksums](crate::notes::wal#frames-without-checksums)
    ///
    /// # Errors
    /// As [`Self::accept`] gives for it, when the frame is not such a one.
    pub fn accept_unsummed(&mut self, frame: &[u8]) -> Result<WalFrame, FrameFault> {
        let whole = frame.len() >= frame_bytes(self.page_size);
        match WalFrameHeader::parse(frame) {
            Ok(header @ WalFrameHeader { page_number: Some(page_number), .. })
                if whole && header.is_unsummed() =>
            {
                self.pass(&header, page_number, true)
            }
            _ => self.accept(frame),
        }
    }

    /// Moves past a frame.
    fn pass(
        &mut self,
        header: &WalFrameHeader,
        page_number: PageNumber,
        broken: bool,
    ) -> Result<WalFrame, FrameFault> {
        let number = self.next_frame().ok_or(FrameFault::TooMany)?;
        (self.checksum, self.accepted, self.broken) = (header.checksum, number.get(), broken);
        let (commit_page_count, checksum) = (header.commit_page_count, header.checksum);
        Ok(WalFrame { number, page_number, commit_page_count, checksum })
    }

    /// Appends the next frame to `log`, with its header, and moves past it; `commit_page_count` is 0 where it ends no
    /// transaction. `None` when no more frames can be numbered.
    pub(crate) fn append(
        &mut self,
        log: &mut Vec<u8>,
        page_number: PageNumber,
        commit_page_count: u32,
        image: &[u8],
    ) -> Option<FrameNumber> {
        let number = self.next_frame()?;
        let start = log.len();
        log.extend(page_number.get().to_be_bytes());
        log.extend(commit_page_count.to_be_bytes());
        let summed_header = log.get(start..).unwrap_or_default();
        self.checksum = self.checksum.extend(self.byte_order, summed_header).extend(self.byte_order, image);
        self.accepted = number.get();
        log.extend(self.salts.0);
        log.extend(self.checksum.words().map(u32::to_be_bytes).as_flattened());
        log.extend(image);
        Some(number)
    }

    /// How many frames were found valid so far: the number of the last one, or 0.
    #[must_use]
    pub fn accepted(&self) -> u32 {
        self.accepted
    }

    /// The frame to give next; `None` when no more can be numbered.
    #[must_use]
    pub fn next_frame(&self) -> Option<FrameNumber> {
        self.accepted.checked_add(1).and_then(FrameNumber::new)
    }

    /// Whether the last frame was [unsummed](Self::accept_unsummed).
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// The running checksum after the last valid frame.
    #[must_use]
    pub fn checksum(&self) -> WalChecksum {
        self.checksum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(order: ByteOrder) -> WalHeader {
        let checksum = match order {
            ByteOrder::Little => WalChecksum { s1: 0x191a_2524, s2: 0xaece_b873 },
            ByteOrder::Big => WalChecksum { s1: 0x2727_1a1b, s2: 0x78bb_ceb1 },
        };
        WalHeader {
            byte_order: order,
            page_size: PageSize::DEFAULT,
            checkpoint_sequence: 0,
            salts: Salts([0x11, 0x22, 0x33, 0x44, 0xaa, 0xbb, 0xcc, 0xdd]),
            checksum,
        }
    }

    fn frame(page: u32, commit: u32, checksum: [u32; 2]) -> Vec<u8> {
        let mut frame = Vec::new();
        frame.extend(page.to_be_bytes());
        frame.extend(commit.to_be_bytes());
        frame.extend([0x11, 0x22, 0x33, 0x44, 0xaa, 0xbb, 0xcc, 0xdd]);
        frame.extend(checksum[0].to_be_bytes());
        frame.extend(checksum[1].to_be_bytes());
        frame.extend((0..4096_u32).map(|i| u8::try_from((7 * i + 3) % 256).unwrap()));
        frame
    }

    const LITTLE: [u32; 2] = [0xde52_b974, 0x2a9c_1e88];
    const BIG: [u32; 2] = [0x8ff2_fa9e, 0x49e1_0b7b];

    #[test]
    fn a_known_frame_in_either_order() {
        for (order, sum) in [(ByteOrder::Little, LITTLE), (ByteOrder::Big, BIG)] {
            let mut chain = FrameChain::new(&header(order));
            let mut written = Vec::new();
            let image = &frame(1, 2, sum)[FRAME_HEADER_BYTES..];
            let number = chain.clone().append(&mut written, PageNumber::FIRST, 2, image);
            assert_eq!((number, written), (Some(FrameNumber::FIRST), frame(1, 2, sum)));
            let accepted = chain.accept(&frame(1, 2, sum)).unwrap();
            assert_eq!(accepted.number, FrameNumber::FIRST);
            assert_eq!((accepted.page_number.get(), accepted.commit_page_count), (1, 2));
            assert!(accepted.is_commit());
            assert_eq!((chain.accepted(), chain.checksum().words()), (1, sum));
        }
    }

    #[test]
    fn faults_are_told_apart_and_do_not_move_the_chain() {
        let before = FrameChain::new(&header(ByteOrder::Little));
        let mut chain = before;
        let good = frame(1, 2, LITTLE);
        assert_eq!(chain.accept(&good[..4119]), Err(FrameFault::Short { needed: 4120, available: 4119 }));
        assert_eq!(chain.accept(&[]), Err(FrameFault::Short { needed: 4120, available: 0 }));
        assert_eq!(chain.accept(&frame(0, 2, LITTLE)), Err(FrameFault::ZeroPageNumber));
        let mut other = good.clone();
        other[8] = 0x10;
        assert!(matches!(chain.accept(&other), Err(FrameFault::OtherSalts { found }) if found.0[0] == 0x10));
        let mut flipped = good.clone();
        flipped[24 + 4095] ^= 1;
        assert!(matches!(chain.accept(&flipped), Err(FrameFault::WrongChecksum { .. })));
        assert_eq!(chain, before);
        assert!(chain.accept(&good).is_ok());
        assert!(matches!(chain.accept(&good), Err(FrameFault::WrongChecksum { .. })), "sums are cumulative");
    }

    #[test]
    fn a_chain_goes_on_where_another_stopped() {
        let header = header(ByteOrder::Little);
        let mut chain = FrameChain::new(&header);
        chain.accept(&frame(1, 2, LITTLE)).unwrap();
        let second = frame(2, 0, [0, 0]);
        let sum = chain.checksum().extend(ByteOrder::Little, &second[..8]);
        let sum = sum.extend(ByteOrder::Little, &second[24..]);
        let second = frame(2, 0, sum.words());
        let mut resumed = FrameChain::resume(&header, chain.accepted(), chain.checksum());
        let accepted = resumed.accept(&second).unwrap();
        assert_eq!(accepted.number.get(), 2);
        assert!(!accepted.is_commit());
        assert_eq!(chain.accept(&second), Ok(accepted));
        let mut full = FrameChain::resume(&header, u32::MAX, chain.checksum());
        assert_eq!(full.next_frame(), None);
        assert!(full.accept(&second).is_err());
    }

    #[test]
    fn a_frame_without_checksum_breaks_the_chain_for_one_frame() {
        let header = header(ByteOrder::Little);
        let mut chain = FrameChain::new(&header);
        let mut zeros = frame(1, 2, [0, 0]);
        zeros[8..16].fill(0);
        assert!(chain.accept(&zeros).is_err());
        assert_eq!(chain.accept_unsummed(&zeros).map(|frame| frame.number), Ok(FrameNumber::FIRST));
        assert!(chain.is_broken());
        assert_eq!(chain, FrameChain::resume_broken(&header, 1));
        let next = frame(2, 0, [7, 9]);
        assert!(chain.accept_unsummed(&next).is_ok() && !chain.is_broken());
        assert_eq!(chain.checksum().words(), [7, 9]);
        assert!(chain.accept_unsummed(&next).is_err(), "from here on sums count again");
        zeros[3] = 0;
        assert_eq!(chain.accept_unsummed(&zeros[..100]), chain.clone().accept(&zeros[..100]));
        assert!(chain.accept_unsummed(&zeros).is_err(), "page 0");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let header = WalHeader { page_size: PageSize::ALL[0], ..header(ByteOrder::Big) };
            let mut chain = FrameChain::new(&header);
            prop_assert!(chain.accept(&bytes).is_err());
            let _ = chain.accept_unsummed(&bytes);
            let _ = WalFrameHeader::parse(&bytes);
        }
    }
}
