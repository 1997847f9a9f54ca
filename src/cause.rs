//! An error with its causes, in one line.

use std::error::Error;

/// Returns the message of `error` and of each of its causes, except causes whose message the text has already.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    #[derive(Debug, thiserror::Error)]
    enum Broken {
        #[error("cannot open: {0}")]
        Said(#[source] std::io::Error),
        #[error("cannot open")]
        Silent(#[source] std::io::Error),
        #[error("cannot start")]
        Outer(#[source] Box<Self>),
    }

    #[test]
    fn each_cause_stands_there_once() {
        let io = || std::io::Error::other("the disk is full");
        for error in [Broken::Said(io()), Broken::Silent(io())] {
            assert_eq!(super::chain(&error), "cannot open: the disk is full");
            assert_eq!(super::chain(&Broken::Outer(error.into())), "cannot start: cannot open: the disk is full");
        }
    }
}
