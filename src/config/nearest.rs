//! The nearest known name to one that is unknown, for advice in messages.

/// Returns the name in `known` that is nearest to `written`, if one is near.
pub(super) fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let close = (written.chars().count() / 3).max(1);
    let ranked = known.map(|name| (distance(written, name), name));
    ranked.filter(|(distance, _)| *distance <= close).min().map(|(_, name)| name)
}

/// Counts the letters that are inserted, left out, replaced or exchanged with their neighbour between `a` and `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &right) in b.iter().enumerate() {
            let mut least = (last[j + 1] + 1).min(row[j] + 1).min(last[j] + usize::from(left != right));
            if i > 0 && j > 0 && left == b[j - 1] && a[i - 1] == right {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_count_once_each() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("path", "paht"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(nearest("publik", ["public", "admin"].into_iter()), Some("public"));
        assert_eq!(nearest("elephant", ["public", "admin"].into_iter()), None);
    }
}
