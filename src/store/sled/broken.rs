//! Conversion of sled's errors.

use crate::store::StoreError;

/// Converts an error of sled into one of the store.
pub(super) fn broken(error: sled::Error) -> StoreError {
    match error {
        // writes are refused while the file system has room for them, so this comes from below it: a thin volume whose
        // pool is full answers some writes so and others by an I/O error
        sled::Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => StoreError::Fatal(format!(
            "the disk failed ({error}): what it stands on, a thin volume or a quota, is full; make room there or check \
             it, then start jeton again"
        )),
        sled::Error::Io(error) => {
            StoreError::Fatal(format!("the disk failed ({error}); check it, then start jeton again"))
        }
        sled::Error::Corruption { .. } => StoreError::Corrupt(
            "the data directory is damaged; stop the node and restore it from a backup, or move it away".to_owned(),
        ),
        sled::Error::CollectionNotFound(_) | sled::Error::Unsupported(_) | sled::Error::ReportableBug(_) => {
            StoreError::Fatal(format!("sled failed: {error}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn e13_a_disk_that_fails_says_so_whichever_way_it_answers() {
        for kind in [ErrorKind::StorageFull, ErrorKind::Other, ErrorKind::ReadOnlyFilesystem] {
            let StoreError::Fatal(why) = broken(sled::Error::Io(Error::from(kind))) else { panic!("{kind} is no end") };
            assert!(why.starts_with("the disk failed (") && why.ends_with("check it, then start jeton again"), "{why}");
        }
    }
}
