//! Answers for a person: a table of rows, or one thing with its members.

use serde_json::Value;

use super::output::say;
use crate::clock::Time;

/// Prints rows under a header, columns as wide as their widest cell.
pub(super) fn rows<const N: usize>(header: [&str; N], rows: &[[String; N]]) {
    let mut widths = header.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    line(&header, &widths);
    for row in rows {
        line(&row.each_ref().map(String::as_str), &widths);
    }
}

fn line(cells: &[&str], widths: &[usize]) {
    let padded: Vec<String> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
    say(padded.join("  ").trim_end());
}

/// Prints the members of an object, one a line; members of members with a dot between the names.
pub(super) fn members(value: &Value) {
    let mut found = Vec::new();
    flatten("", value, &mut found);
    let width = found.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, text) in found {
        say(format_args!("{name:width$}  {text}"));
    }
}

fn flatten(name: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                let name = if name.is_empty() { member.clone() } else { format!("{name}.{member}") };
                flatten(&name, value, found);
            }
        }
        other => found.push((name.to_owned(), text(other))),
    }
}

/// Formats a value for a cell.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => printable(text),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(" "),
        other => printable(&other.to_string()),
    }
}

/// Control characters of a stored name could repaint the operator's terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Formats a time in seconds since the epoch; 0 is never.
pub(super) fn time(value: &Value) -> String {
    match value.as_u64() {
        None => String::new(),
        Some(0) => "never".to_owned(),
        Some(seconds) => Time::from_secs(seconds).to_rfc3339().unwrap_or_default(),
    }
}
