//! Just enough HTTP/1.1 to read the answers of a server we started: status line, length, chunks, `connection: close`.
//!
//! Pure: it is given what has arrived so far and says either "not all of it yet" or where the answer lies.

use std::ops::Range;

/// A whole answer at the start of the buffer it was parsed from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// Where the body lies in the buffer.
    pub(crate) body: Range<usize>,
    /// Bytes the answer took on the wire.
    pub(crate) total: usize,
    /// The server will close the connection after it.
    pub(crate) close: bool,
}

/// Not an answer this client understands.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not HTTP/1.1 with a length: {0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Parses the answer at the start of `buffer`; `None` if not all of it is there. A chunked body is made contiguous
/// in place, which is why the buffer is mutable.
pub(crate) fn parse(buffer: &mut [u8]) -> Result<Option<Answer>, Malformed> {
    let Some(head_len) = find(buffer, b"\r\n\r\n").map(|at| at + 4) else {
        return Ok(None);
    };
    let head = &buffer[..head_len];
    let status = status(head)?;
    let (mut length, mut chunked, mut close) = (None, false, false);
    for line in head[..head_len - 4].split(|&byte| byte == b'\n').skip(1) {
        let colon = line.iter().position(|&byte| byte == b':').ok_or(Malformed("a header line without a colon"))?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            length = Some(number(value, 10).ok_or(Malformed("content-length is not a number"))?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            chunked = value.eq_ignore_ascii_case(b"chunked");
        } else if name.eq_ignore_ascii_case(b"connection") {
            close = value.eq_ignore_ascii_case(b"close");
        }
    }
    if status == 204 || status == 304 {
        return Ok(Some(Answer { status, body: head_len..head_len, total: head_len, close }));
    }
    if chunked {
        return Ok(join_chunks(buffer, head_len)?.map(|(body, total)| Answer { status, body, total, close }));
    }
    let total = head_len + length.ok_or(Malformed("neither content-length nor chunked"))?;
    Ok((buffer.len() >= total).then_some(Answer { status, body: head_len..total, total, close }))
}

fn status(head: &[u8]) -> Result<u16, Malformed> {
    let digits = head.get(9..12).filter(|_| head.starts_with(b"HTTP/1."));
    digits
        .and_then(|digits| number(digits, 10))
        .and_then(|status| u16::try_from(status).ok())
        .ok_or(Malformed("no status line"))
}

/// Moves the chunks that start at `from` together; the range of the body and the end of the answer.
fn join_chunks(buffer: &mut [u8], from: usize) -> Result<Option<(Range<usize>, usize)>, Malformed> {
    let mut chunks = Vec::new();
    let mut at = from;
    loop {
        let Some(line_len) = find(&buffer[at..], b"\r\n") else { return Ok(None) };
        let line = &buffer[at..at + line_len];
        let digits = line.split(|&byte| byte == b';').next().unwrap_or(line).trim_ascii();
        let len = number(digits, 16).ok_or(Malformed("a chunk without a size"))?;
        let start = at + line_len + 2;
        if buffer.len() < start + len + 2 {
            return Ok(None);
        }
        at = start + len + 2;
        if len == 0 {
            // trailers are not asked for, so an empty line follows the last chunk
            break;
        }
        chunks.push(start..start + len);
    }
    let mut end = from;
    for chunk in chunks {
        let len = chunk.len();
        buffer.copy_within(chunk, end);
        end += len;
    }
    Ok(Some((from..end, at)))
}

/// The value of a JSON string member, found by its name: no escapes, which none of the members asked for can have.
pub(crate) fn string_member<'a>(body: &'a [u8], name: &str) -> Option<&'a str> {
    let mut rest = body;
    loop {
        let at = find(rest, name.as_bytes())?;
        let quoted = at > 0 && rest[at - 1] == b'"';
        rest = &rest[at + name.len()..];
        let Some(after) = rest.strip_prefix(b"\"").filter(|_| quoted) else { continue };
        let Some(value) = after.trim_ascii_start().strip_prefix(b":") else { continue };
        let value = value.trim_ascii_start().strip_prefix(b"\"")?;
        let end = value.iter().position(|&byte| byte == b'"')?;
        return std::str::from_utf8(&value[..end]).ok();
    }
}

/// Where `needle` first occurs.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let (&first, tail) = needle.split_first()?;
    let mut from = 0;
    loop {
        let at = from + haystack.get(from..)?.iter().position(|&byte| byte == first)?;
        if haystack[at + 1..].starts_with(tail) {
            return Some(at);
        }
        from = at + 1;
    }
}

fn number(digits: &[u8], radix: u32) -> Option<usize> {
    usize::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}
