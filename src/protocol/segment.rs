//! Names that stand in the path of a URL.

/// Whether `name` is a dot segment, which clients of HTTP take out of a path, percent-encoded or not (RFC 3986 section
/// 5.2.4, URL Standard section 3.5): no URL leads to what is called so.
pub fn is_dot_segment(name: &str) -> bool {
    matches!(name, "." | "..")
}
