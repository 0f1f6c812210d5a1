//! Numbers and byte strings as bytes that are stored, and back.
//!
//! Owns the encoding only: numbers take as few bytes as they need, byte strings have their length before them. Reading
//! never trusts what it reads: it gives none where bytes are missing, and allocates nothing by their word.

use std::hash::Hasher;

/// Bytes under construction.
#[derive(Clone, Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Nothing yet.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// Adds a number: seven bits to a byte, the lowest first.
    pub fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// Adds a byte string with its length.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Whatever can be hashed can be written, in a form that no other value of its type has: numbers in full, not folded.
/// Keys of stored programs are made so.
impl Hasher for Writer {
    fn finish(&self) -> u64 {
        crate::signature::digest(&self.0) as u64
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn write_u8(&mut self, number: u8) {
        self.0.push(number);
    }

    fn write_u16(&mut self, number: u16) {
        self.number(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.number(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.number(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.number(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        // Numbers of variants come this way; they are small and not negative.
        self.number(number as u64);
    }
}

/// Bytes being read.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    /// From the start.
    pub fn new(bytes: &'b [u8]) -> Reader<'b> {
        Reader(bytes)
    }

    /// The next number.
    pub fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// The next number, as one that counts or indexes things.
    pub fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    /// The next byte string.
    pub fn bytes(&mut self) -> Option<&'b [u8]> {
        let len = self.count()?;
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    /// The next byte string, as text.
    pub fn text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// A list written as its length and its items.
    pub fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let len = self.count()?;
        // An item takes at least a byte, so a length beyond the bytes left is wrong, and nothing is reserved for it.
        if len > self.0.len() {
            return None;
        }
        (0..len).map(|_| item(self)).collect()
    }

    /// Whether everything has been read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Reader, Writer};

    #[test]
    fn what_is_written_is_read() {
        let numbers = [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX];
        let mut writer = Writer::new();
        numbers.iter().for_each(|number| writer.number(*number));
        writer.bytes(b"");
        writer.bytes("text".as_bytes());
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes);
        for number in numbers {
            assert_eq!(reader.number(), Some(number));
        }
        assert_eq!((reader.bytes(), reader.text()), (Some(&b""[..]), Some("text")));
        assert!(reader.is_empty());
        assert_eq!(reader.number(), None);
    }

    #[test]
    fn bytes_that_are_wrong_give_nothing() {
        assert_eq!(Reader::new(&[0x80]).number(), None, "it ends within a number");
        assert_eq!(Reader::new(&[0xff; 11]).number(), None, "more than 64 bits");
        assert_eq!(Reader::new(&[5, b'a']).bytes(), None, "fewer bytes than it says");
        assert_eq!(Reader::new(&[1, 0xff]).text(), None, "no UTF-8");
        let many = [0xff, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(Reader::new(&many).list(|reader| reader.number()), None, "a length that cannot be");
    }
}
