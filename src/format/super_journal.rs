//! The super-journal: the file that binds the journals of a transaction over several databases.
//!
//! Each of the journals ends with a record that names the super-journal, the last 8 bytes being its magic:
//!
//! | offset from the end | bytes | field | rule |
//! |---:|---:|---|---|
//! | N + 20 | 4 | number of the lock-byte page, which ends the records before | |
//! | N + 16 | N | name, an absolute path | its first byte is not zero; it ends at the first that is |
//! | 16 | 4 | N | 1 to 512, and N + 16 no more than the journal has |
//! | 12 | 4 | sum of the bytes of the name, as C's `char`, modulo 2^32 | |
//! | 8 | 8 | magic, that of the journal header | |
//!
//! The super-journal itself is the names of these journals, each followed by a zero byte. A journal that names
//! a super-journal which is gone belongs to a transaction that was committed.

use core::ffi::c_char;

use super::byte_reader::ByteReader;
use super::damage::Damage;
use super::journal_header::JOURNAL_MAGIC;

/// The longest name of a super-journal in bytes.
pub const LONGEST_NAME_BYTES: u32 = 512;

/// How many bytes of the end of a journal [`super_journal_name`] needs, where the journal has as many.
pub const TAIL_BYTES: usize = LONGEST_NAME_BYTES as usize + FOOTER_BYTES;

const FOOTER_BYTES: usize = 16;

/// The name of the super-journal that a journal of `journal_bytes` bytes names, given its last bytes.
///
/// `tail` is the last [`TAIL_BYTES`] of the journal, or all of a shorter one. `None` is for a journal that
/// names none. [journal.md#super-journal](crate::notes::journal#super-journal)
///
/// # Errors
/// [`Damage::SuperJournalNameLength`], [`Damage::SuperJournalNameChecksum`], [`Damage::SuperJournalNameEmpty`] and
/// [`Damage::SuperJournalNameForm`] for a record that SQLite takes for none: it rolls back such a journal as
/// one of a single database. [`Damage::Short`] when `tail` is shorter than it had to be.
///
/// ```
/// use litecopy::format::super_journal::super_journal_name;
///
/// // A journal with one segment and nothing behind it names no super-journal.
/// assert_eq!(super_journal_name(&[0; 512], 512)?, None);
/// # Ok::<(), litecopy::format::Damage>(())
/// ```
pub fn super_journal_name(tail: &[u8], journal_bytes: u64) -> Result<Option<&[u8]>, Damage> {
    if journal_bytes < FOOTER_BYTES as u64 {
        return Ok(None);
    }
    let Some((before, footer)) = tail.split_last_chunk::<FOOTER_BYTES>() else {
        return Err(Damage::Short { offset: 0, needed: FOOTER_BYTES, available: tail.len() });
    };
    let mut reader = ByteReader::new(footer);
    let length = reader.be_u32()?;
    let stored = reader.be_u32()?;
    if reader.array::<8>()? != JOURNAL_MAGIC {
        return Ok(None);
    }
    let room = journal_bytes.saturating_sub(FOOTER_BYTES as u64);
    if length == 0 || length > LONGEST_NAME_BYTES || u64::from(length) > room {
        return Err(Damage::SuperJournalNameLength { found: length });
    }
    let name_bytes = length as usize;
    let short = Damage::Short { offset: 0, needed: name_bytes, available: before.len() };
    let start = before.len().checked_sub(name_bytes).ok_or(short)?;
    let name = before.get(start..).ok_or(short)?;
    let computed = name_checksum(name);
    if stored != computed {
        return Err(Damage::SuperJournalNameChecksum { stored, computed });
    }
    // A string of C: SQLite sums all bytes of it, and then looks no further than its first zero.
    let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
    if name.is_empty() {
        return Err(Damage::SuperJournalNameEmpty);
    }
    if !is_name_of_super_journal(name) {
        return Err(Damage::SuperJournalNameForm);
    }
    Ok(Some(name))
}

/// The names of the journals that a super-journal lists.
///
/// Whatever follows the last zero byte counts as a name too, as it does to SQLite; empty names are left out.
///
/// ```
/// use litecopy::format::super_journal::super_journal_children;
///
/// let names: Vec<_> = super_journal_children(b"/srv/a.db-journal\0/srv/b.db-journal\0").collect();
/// assert_eq!(names, [b"/srv/a.db-journal", b"/srv/b.db-journal"]);
/// ```
pub fn super_journal_children(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&byte| byte == 0).filter(|name| !name.is_empty())
}

/// Whether the name ends as SQLite makes them: `-mj`, six hexadecimal digits, `9`, two hexadecimal digits.
///
/// SQLite looks at this since 3.54; before, it took any name, also one that a hostile journal gave to some other file.
fn is_name_of_super_journal(name: &[u8]) -> bool {
    let Some(&[b'-', b'm', b'j', ref digits @ ..]) = name.last_chunk::<12>() else { return false };
    digits.get(6) == Some(&b'9') && digits.iter().all(u8::is_ascii_hexdigit)
}

/// The sum of the bytes as C's `char`, which is signed on some machines and unsigned on others: SQLite sums
/// as the machine does, so names beyond ASCII have the sum of the kind of machine that wrote them.
fn name_checksum(name: &[u8]) -> u32 {
    name.iter().fold(0_u32, |sum, &byte| {
        let char_value = i32::from(c_char::from_ne_bytes([byte]));
        sum.wrapping_add(char_value.cast_unsigned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tail(name: &[u8], checksum: u32) -> Vec<u8> {
        let mut bytes = vec![0x00, 0x04, 0x00, 0x01]; // page 262145: the lock-byte page
        bytes.extend(name);
        bytes.extend(u32::try_from(name.len()).unwrap().to_be_bytes());
        bytes.extend(checksum.to_be_bytes());
        bytes.extend(JOURNAL_MAGIC);
        bytes
    }

    #[test]
    fn a_name_is_read() {
        let name = b"/a.db-mj0123AB9CD";
        // 2f 61 2e 64 62 2d 6d 6a, 30 31 32 33 41 42, 39, 43 44
        let bytes = tail(name, 0x288 + 0x149 + 0x39 + 0x87);
        assert_eq!(super_journal_name(&bytes, bytes.len() as u64), Ok(Some(&name[..])));
    }

    #[test]
    fn a_name_of_another_form_is_none() {
        for name in ["/etc/passwd", "/a-mj01234589C", "/a-mj012345ZCD", "/a-mj012345ACD", "mj0123459CD"] {
            let bytes = tail(name.as_bytes(), name_checksum(name.as_bytes()));
            let found = super_journal_name(&bytes, bytes.len() as u64);
            assert_eq!(found, Err(Damage::SuperJournalNameForm), "{name}");
        }
    }

    /// The sum is over all bytes, the name ends at the first zero.
    #[test]
    fn a_name_is_a_string_of_c() {
        for name in [&b"-mj0123459CD\0"[..], b"-mj0123459CD\0more"] {
            let bytes = tail(name, name_checksum(name));
            assert_eq!(super_journal_name(&bytes, bytes.len() as u64), Ok(Some(&b"-mj0123459CD"[..])));
        }
    }

    #[test]
    fn most_journals_name_none() {
        assert_eq!(super_journal_name(&[7; 100], 100), Ok(None));
        assert_eq!(super_journal_name(&[7; 15], 15), Ok(None));
        assert_eq!(super_journal_name(&[], 0), Ok(None));
    }

    #[test]
    fn what_sqlite_takes_for_no_name_is_told_apart() {
        let good = tail(b"/a", 0x2f + 0x61);
        let size = good.len() as u64;
        assert_eq!(
            super_journal_name(&tail(b"/a", 1), size),
            Err(Damage::SuperJournalNameChecksum { stored: 1, computed: 0x90 })
        );
        assert_eq!(super_journal_name(&tail(b"\0\0", 0), size), Err(Damage::SuperJournalNameEmpty));
        assert_eq!(super_journal_name(&tail(b"", 0), size), Err(Damage::SuperJournalNameLength { found: 0 }));
        assert_eq!(super_journal_name(&good, 17), Err(Damage::SuperJournalNameLength { found: 2 }));
        let long = tail(&[b'x'; 513], 513 * u32::from(b'x'));
        assert_eq!(
            super_journal_name(&long, long.len() as u64),
            Err(Damage::SuperJournalNameLength { found: 513 })
        );
        let name = [&[b'x'; 500][..], b"-mj0000009AA"].concat();
        let longest = tail(&name, name_checksum(&name));
        let last = &longest[longest.len() - TAIL_BYTES..];
        assert_eq!(super_journal_name(last, 9999), Ok(Some(&name[..])));
        assert!(matches!(super_journal_name(&last[1..], 9999), Err(Damage::Short { .. })));
        assert!(matches!(super_journal_name(&last[last.len() - 8..], 9999), Err(Damage::Short { .. })));
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn bytes_above_127_are_negative_where_char_is_signed() {
        assert_eq!(name_checksum(&[0xff, 0x01]), 0);
        assert_eq!(name_checksum(&[0x80]), 0xffff_ff80);
    }

    #[test]
    fn children_are_separated_by_zero_bytes() {
        let names: Vec<&[u8]> = super_journal_children(b"/a-journal\0/b-journal\0\0tail").collect();
        assert_eq!(names, [&b"/a-journal"[..], b"/b-journal", b"tail"]);
        assert_eq!(super_journal_children(b"").count(), 0);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), size in any::<u64>()) {
            let _ = super_journal_name(&bytes, size);
            let _ = super_journal_name(&tail(&bytes, 0), bytes.len() as u64);
            let _ = super_journal_children(&bytes).count();
        }
    }
}
