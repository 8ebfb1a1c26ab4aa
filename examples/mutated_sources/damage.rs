//! Damage to the files of a database, some of it with sums that are right again.

use crate::random::Random;
use crate::repair::{repair_journal, repair_log, repair_wal_index};
use crate::sets::Files;

/// Numbers at which something often changes.
const NUMBERS: [u32; 16] = [
    0,
    1,
    2,
    3,
    13,
    100,
    127,
    255,
    512,
    1024,
    0x7fff,
    0xffff,
    0x0001_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
];

/// Damages some of the files.
pub(crate) fn damage(files: &mut Files, sets: &[Files], random: &mut Random) {
    for _ in 0..=random.below(6) {
        let suffixes: Vec<&'static str> = files.keys().copied().collect();
        if suffixes.is_empty() {
            break;
        }
        let suffix = random.one_of(&suffixes);
        match random.below(24) {
            0 => {
                files.remove(suffix);
            }
            1 => {
                // That of another database.
                let other = random.one_of(sets);
                let suffixes: Vec<&'static str> = other.keys().copied().collect();
                let suffix = random.one_of(&suffixes);
                files.insert(suffix, other[suffix].clone());
            }
            _ => {
                if let Some(bytes) = files.get_mut(suffix) {
                    change(bytes, random);
                }
            }
        }
    }
    for (suffix, repair) in
        [("-wal", repair_log as fn(&mut [u8])), ("-shm", repair_wal_index), ("-journal", repair_journal)]
    {
        if random.once_in(2)
            && let Some(bytes) = files.get_mut(suffix)
        {
            repair(bytes);
        }
    }
}

fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = place(bytes, random);
    let length = 1 + random.below(40);
    match random.below(10) {
        0 | 1 => put(bytes, at, &[random.next() as u8]),
        2 => put(bytes, at, &[random.one_of(&[0, 1, 2, 5, 10, 13, 0x7f, 0x80, 0x81, 0xff])]),
        3 => put(bytes, at, &random.one_of(&NUMBERS).to_be_bytes()),
        4 => put(bytes, at, &(random.one_of(&NUMBERS) as u16).to_be_bytes()),
        5 => put(bytes, at, &random.one_of(&NUMBERS).to_le_bytes()),
        6 => put(bytes, at, &vec![random.one_of(&[0, 0xff]); length * 8]),
        7 => {
            let from = random.below(bytes.len());
            let taken = bytes[from..(from + length * 4).min(bytes.len())].to_vec();
            put(bytes, at, &taken);
        }
        8 => bytes.truncate(at),
        _ => {
            let more = random.below(5000);
            bytes.resize(bytes.len() + more, random.one_of(&[0, 0xff]));
        }
    }
}

/// Where to damage: anywhere, in the header, or at the beginning of a page, frame or record.
fn place(bytes: &[u8], random: &mut Random) -> usize {
    let unit = random.one_of(&[512, 1024, 536, 1048, 520, 1032]);
    let at = match random.below(4) {
        0 => random.below(bytes.len()),
        1 => random.below(136),
        _ => random.below(bytes.len() / unit + 1) * unit + random.below(40),
    };
    at.min(bytes.len().saturating_sub(1))
}

fn put(bytes: &mut [u8], at: usize, new: &[u8]) {
    let end = (at + new.len()).min(bytes.len());
    bytes[at.min(end)..end].copy_from_slice(&new[..end - at.min(end)]);
}
