//! Input: a log. Its header, and each frame whose page number has the highest bit set, get the salts and
//! checksums that they should have; then it is told commit by commit and frame by frame, which must agree with its end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::SourceOptions;
use litecopy::format::frame_number::frame_bytes;
use litecopy::format::{ByteOrder, FrameChain, WalChecksum, WalHeader};
use litecopy::inspect::{WalFrameState, WalTimeline};

fuzz_target!(|data: &[u8]| {
    let mut wal = data.to_vec();
    if wal.len() >= 32 && wal[7] & 1 == 0 {
        repair(&mut wal);
    }
    let Ok(timeline) = WalTimeline::from_bytes(wal, &SourceOptions::new()) else { return };
    let end = timeline.end();
    let commits: Vec<_> = timeline.commits().map(|commit| commit.unwrap()).collect();
    assert_eq!(commits.len(), end.commits as usize);
    assert_eq!(commits.last().map_or(0, |commit| commit.last_frame), end.committed_frames);
    let mut frames = 0;
    for frame in timeline.frames() {
        let frame = frame.unwrap();
        frames += 1;
        assert_eq!(frame.frame, frames);
        let counts = matches!(frame.state, WalFrameState::Committed | WalFrameState::Superseded);
        assert_eq!(counts, frame.frame <= end.committed_frames);
        assert_eq!(counts, frame.commit.is_some());
    }
    assert_eq!(frames, end.file_frames);
});

fn repair(wal: &mut [u8]) {
    let order = if wal[3] & 1 == 0 { ByteOrder::Little } else { ByteOrder::Big };
    store(WalChecksum::SEED.extend(order, &wal[..24]), &mut wal[24..32]);
    let Ok(header) = WalHeader::parse(wal) else { return };
    let (head, frames) = wal.split_at_mut(32);
    let mut chain = FrameChain::new(&header);
    for frame in frames.chunks_exact_mut(frame_bytes(header.page_size)) {
        if frame[0] & 0x80 != 0 {
            frame[8..16].copy_from_slice(&head[16..24]);
            let sum = chain.checksum().extend(order, &frame[..8]).extend(order, &frame[24..]);
            store(sum, &mut frame[16..24]);
        }
        if chain.accept(frame).is_err() {
            break;
        }
    }
}

fn store(sum: WalChecksum, place: &mut [u8]) {
    place[..4].copy_from_slice(&sum.s1.to_be_bytes());
    place[4..].copy_from_slice(&sum.s2.to_be_bytes());
}
