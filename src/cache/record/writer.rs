//! Puts numbers and texts in a row.

/// What was written so far.
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn u8(&mut self, number: u8) {
        self.0.push(number);
    }

    pub(super) fn u16(&mut self, number: u16) {
        self.bytes(&number.to_be_bytes());
    }

    pub(super) fn u32(&mut self, number: u32) {
        self.bytes(&number.to_be_bytes());
    }

    pub(super) fn u64(&mut self, number: u64) {
        self.bytes(&number.to_be_bytes());
    }

    /// The number of parts that follow; `None` if there are too many.
    pub(super) fn count(&mut self, parts: usize) -> Option<()> {
        self.u16(u16::try_from(parts).ok()?);
        Some(())
    }

    /// A short text behind its length; `None` if it is too long.
    pub(super) fn text(&mut self, text: &str) -> Option<()> {
        self.count(text.len())?;
        self.bytes(text.as_bytes());
        Some(())
    }
}
