//! Notices what hyper forgives: both `Content-Length` and `Transfer-Encoding`, two lengths, a fragment in the target.
//!
//! RFC 9112 sections 3.2, 6.1, 6.3 and 11.2, CHECKLIST 12. hyper drops what it does not use before anyone can see it, so
//! the raw head is watched as it is read, line by line, keeping only the start of the line in progress.

use std::io::BufRead;

const LENGTH: &[u8] = b"content-length:";
const ENCODING: &[u8] = b"transfer-encoding:";

/// Watches one request head.
#[derive(Debug, Default)]
pub(super) struct Framing {
    /// The first bytes of the line in progress, enough to tell the two names.
    start: [u8; ENCODING.len()],
    len: usize,
    lines: usize,
    lengths: usize,
    encodings: usize,
    /// The request line has a `#`.
    fragment: bool,
    done: bool,
}

impl Framing {
    /// Takes the next bytes of the connection; what follows the end of the head is ignored.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while !self.done && !bytes.is_empty() {
            let mut rest = bytes;
            // a slice never fails to be read; this is the standard library's vectorised search
            let taken = rest.skip_until(b'\n').unwrap_or(bytes.len());
            let ended = bytes[taken - 1] == b'\n';
            let line = &bytes[..taken - usize::from(ended)];
            self.fragment |= self.lines == 0 && line.contains(&b'#');
            let room = (self.start.len() - self.len).min(line.len());
            self.start[self.len..self.len + room].copy_from_slice(&line[..room]);
            self.len += room;
            if ended {
                self.end_of_line();
            }
            bytes = &bytes[taken..];
        }
    }

    /// Whether this head says in two ways where its body ends, or asks for a fragment.
    pub(super) fn is_malformed(&self) -> bool {
        self.lengths > 1 || self.encodings > 1 || (self.lengths > 0 && self.encodings > 0) || self.fragment
    }

    fn end_of_line(&mut self) {
        let start = &self.start[..self.len];
        match start.first() {
            // hyper skips empty lines before the request line
            None | Some(b'\r') => self.done = self.lines > 0,
            Some(first) => {
                self.lines += 1;
                match first.to_ascii_lowercase() {
                    b'c' if named(start, LENGTH) => self.lengths += 1,
                    b't' if named(start, ENCODING) => self.encodings += 1,
                    _ => {}
                }
            }
        }
        self.len = 0;
    }
}

fn named(start: &[u8], name: &[u8]) -> bool {
    start.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &[u8] = b"\r\nPOST / HTTP/1.1\r\nHost: a\r\ncontent-LENGTH: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
    const ONE: &[u8] = b"POST / HTTP/1.1\r\nContent-Length: 40\r\n\r\nContent-Length: 1\nTransfer-Encoding: x\n";

    fn ambiguous(bytes: &[u8], step: usize) -> bool {
        let mut framing = Framing::default();
        bytes.chunks(step).for_each(|chunk| framing.feed(chunk));
        framing.is_malformed()
    }

    #[test]
    fn rfc9112_3_2_sees_a_fragment_in_the_request_line_only() {
        for step in 1..20 {
            assert!(ambiguous(b"\r\nGET /a?b#c HTTP/1.1\r\nHost: a\r\n\r\n", step), "step {step}");
            assert!(!ambiguous(b"\r\nGET /a?b HTTP/1.1\r\nHost: a\r\nX: #\r\n\r\nGET /#", step), "step {step}");
        }
    }

    #[test]
    fn sees_both_however_the_head_is_cut() {
        for step in 1..BOTH.len() {
            assert!(ambiguous(BOTH, step), "step {step}");
            assert!(!ambiguous(ONE, step), "step {step}");
        }
    }

    #[test]
    fn sees_a_second_length_even_if_equal() {
        assert!(ambiguous(b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 7));
    }
}
