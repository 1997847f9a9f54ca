use super::*;

const BOTH: &[u8] = b"\r\nPOST / HTTP/1.1\r\nHost: a\r\ncontent-LENGTH: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
const ONE: &[u8] = b"POST / HTTP/1.1\r\nContent-Length: 40\r\n\r\nContent-Length: 1\nTransfer-Encoding: x\n";
const CHUNKS: &[u8] =
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x=\"y\"\r\n\n\n\r\n0A\r\n0123456789\r\n0\r\n";

fn good(bytes: &[u8], step: usize) -> u32 {
    let mut framing = Framing::default();
    bytes.chunks(step).for_each(|chunk| framing.feed(chunk));
    framing.good()
}

fn ambiguous(bytes: &[u8], step: usize) -> bool {
    good(bytes, step) == 0
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

/// Checks that of `before` with `next` behind it so many heads are good, however the bytes are cut in two or in steps.
fn check(before: &[u8], next: &[u8], expected: u32) {
    let all = [before, next].concat();
    for cut in 1..all.len() {
        let mut framing = Framing::default();
        framing.feed(&all[..cut]);
        framing.feed(&all[cut..]);
        assert_eq!((framing.good(), good(&all, cut)), (expected, expected), "{}", String::from_utf8_lossy(&all));
    }
}

#[test]
fn rfc9112_9_3_2_a_head_behind_another_request_is_watched_like_the_first() {
    let chunks = |end: &[u8]| [CHUNKS, end].concat();
    let plain = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec();
    let length = b"POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n\r\n\r\nab".to_vec();
    for before in [plain, length, ONE.to_vec(), chunks(b"\r\n"), chunks(b"X: y\r\nZ: \r\n\r\n")] {
        let before = [&before[..], if before == ONE { b"x" } else { b"" }].concat();
        check(&before, b"\r\nGET /good HTTP/1.1\r\nHost: a\r\n\r\n", 2);
        check(&before, BOTH, 1);
        check(&before, b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 1);
        check(&before, b"GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 1);
        // and nothing is good behind what is not
        check(&before, b"GET /#x HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 1);
    }
}

#[test]
fn rfc9112_7_1_nothing_is_good_behind_a_body_that_another_parser_could_end_elsewhere() {
    let next = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    // a lone line feed in the trailers, a size that is none or too large
    check(&[CHUNKS, b"X: y\n\r\n"].concat(), next, 1);
    check(&[CHUNKS, b"\n\r\n"].concat(), next, 1);
    for size in ["", ";", "+1", "10000000000000000", "ffffffffffffffff"] {
        let head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        check(&[&head[..], size.as_bytes(), b"\r\n\r\n"].concat(), next, 1);
    }
    for value in ["", "+1", "1, 1", "1x", "-1", "99999999999999999999"] {
        let head = format!("POST / HTTP/1.1\r\nContent-Length: {value}\r\n\r\n");
        check(head.as_bytes(), next, 0);
    }
    for value in ["", "xchunked", "chunked, identity", "gzip, chunked"] {
        let head = format!("POST / HTTP/1.1\r\nTransfer-Encoding: {value}\r\n\r\n0\r\n\r\n");
        check(head.as_bytes(), next, 0);
    }
}
