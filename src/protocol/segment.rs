//! Names that stand in the path of a URL.

/// Returns whether `name` is a dot segment, which HTTP clients remove from a path, percent-encoded or not (RFC 3986
/// section 5.2.4, URL Standard section 3.5), so that no URL leads to it.
pub(crate) fn is_dot_segment(name: &str) -> bool {
    matches!(name, "." | "..")
}
