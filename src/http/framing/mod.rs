//! Finds the heads among the bytes of an HTTP/1 connection and notices what hyper forgives: both `Content-Length` and
//! `Transfer-Encoding`, two lengths, a fragment in the target.
//!
//! RFC 9112 sections 3.2, 6.1, 6.3, 7.1 and 11.2, CHECKLIST 12. hyper drops what it does not use before anyone can see it,
//! so all bytes are watched as they are read, and bodies are stepped over: the next head may come in the same segment.
//!
//! Always true: a head counts as good only if it and everything before it was understood. After the first thing that is
//! not, nothing is, so whoever reads the bytes differently gets one refusal and a closed connection.

use std::io::BufRead;

const LENGTH: &[u8] = b"content-length:";
const ENCODING: &[u8] = b"transfer-encoding:";
/// Bytes kept of a line: enough for both names with their values, and for the size of a chunk.
const MOST: usize = 64;

/// Watches the requests of one connection.
#[derive(Debug)]
pub(super) struct Framing {
    /// The first bytes of the line in progress.
    start: [u8; MOST],
    len: usize,
    /// The last byte of the line in progress.
    last: u8,
    position: Position,
    head: HeadFraming,
    good: u32,
}

/// The part of a request that the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    Head,
    /// So many bytes before the next head.
    Body(u64),
    ChunkSize,
    /// So many bytes before the next chunk, with the end of line that follows them.
    Chunk(u64),
    Trailers,
    /// Something was not understood.
    Lost,
}

/// The framing headers of the head in progress.
#[derive(Debug, Default)]
struct HeadFraming {
    lines: usize,
    length: Option<u64>,
    chunked: bool,
}

impl Default for Framing {
    fn default() -> Self {
        Self { start: [0; MOST], len: 0, last: 0, position: Position::Head, head: HeadFraming::default(), good: 0 }
    }
}

impl Framing {
    /// Takes the next bytes of the connection.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = match self.position {
                Position::Lost => return,
                Position::Body(left) | Position::Chunk(left) => self.step_over(left, bytes.len()),
                Position::Head | Position::ChunkSize | Position::Trailers => self.line(bytes),
            };
            bytes = &bytes[taken..];
        }
    }

    /// The number of heads read whole that say unambiguously where their bodies end.
    pub(super) fn good(&self) -> u32 {
        self.good
    }

    fn step_over(&mut self, left: u64, available: usize) -> usize {
        let taken = usize::try_from(left).map_or(available, |left| left.min(available));
        let left = left - taken as u64;
        self.position = match self.position {
            Position::Chunk(_) if left == 0 => Position::ChunkSize,
            Position::Chunk(_) => Position::Chunk(left),
            _ if left == 0 => Position::Head,
            _ => Position::Body(left),
        };
        taken
    }

    fn line(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        // a slice never fails to be read; this is the standard library's vectorised search
        let taken = rest.skip_until(b'\n').unwrap_or(bytes.len());
        let ended = bytes[taken - 1] == b'\n';
        let line = &bytes[..taken - usize::from(ended)];
        let room = (self.start.len() - self.len).min(line.len());
        self.start[self.len..self.len + room].copy_from_slice(&line[..room]);
        self.len += room;
        self.last = line.last().copied().unwrap_or(self.last);
        if self.position == Position::Head && self.head.lines == 0 && line.contains(&b'#') {
            self.position = Position::Lost;
        } else if ended {
            self.end_of_line();
            (self.len, self.last) = (0, 0);
        }
        taken
    }

    fn end_of_line(&mut self) {
        let start = &self.start[..self.len];
        let position = match (self.position, start.first()) {
            // hyper skips empty lines before the request line
            (Position::Head, None | Some(b'\r')) if self.head.lines == 0 => Some(Position::Head),
            (Position::Head, None | Some(b'\r')) => {
                self.good += 1;
                Some(std::mem::take(&mut self.head).body())
            }
            (Position::Head, Some(_)) => self.head.take(start).then_some(Position::Head),
            (Position::ChunkSize, _) => chunk_size(start).and_then(|size| match size {
                0 => Some(Position::Trailers),
                size => size.checked_add(2).map(Position::Chunk),
            }),
            (_, Some(b'\r')) => Some(Position::Head),
            // to hyper a lone line feed ends no trailer
            _ => (self.last == b'\r').then_some(Position::Trailers),
        };
        self.position = position.unwrap_or(Position::Lost);
    }
}

impl HeadFraming {
    /// Takes a line, of which this is the start; false if it makes the end of the body uncertain.
    fn take(&mut self, start: &[u8]) -> bool {
        self.lines += 1;
        if let Some(value) = value(start, LENGTH) {
            let whole = self.length.is_none() && !self.chunked && start.len() < MOST;
            self.length = digits(value);
            whole && self.length.is_some()
        } else if let Some(value) = value(start, ENCODING) {
            let whole = self.length.is_none() && !self.chunked;
            self.chunked = value.eq_ignore_ascii_case(b"chunked");
            whole && self.chunked
        } else {
            true
        }
    }

    fn body(self) -> Position {
        match self.length {
            _ if self.chunked => Position::ChunkSize,
            None | Some(0) => Position::Head,
            Some(length) => Position::Body(length),
        }
    }
}

/// The value of the field if the line is one of that name.
fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

fn digits(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The size of a chunk; what follows it in its line is an extension, which hyper reads to the same end of line.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let end = line.iter().position(|byte| !byte.is_ascii_hexdigit())?;
    u64::from_str_radix(std::str::from_utf8(&line[..end]).ok()?, 16).ok()
}

#[cfg(test)]
mod tests;
