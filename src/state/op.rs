//! The operations without their types, as they travel to an engine and back: the one place that lists them all.

use super::{
    ConsumeDevice, CountMiss, DecideDevice, Key, NameUserCode, Operation, RaiseNotBefore, RedeemCode, RevokeFamily,
    RevokeToken, Rotate, Row, Seen, SpendAssertion, StartDevice, Transition,
};

/// An operation whose answer comes back as the [`Outcome`] of its own variant.
pub trait Ask: Operation + Into<Op> {
    /// The answer in `outcome`; `None` if that is another operation's.
    fn answer(outcome: Outcome) -> Option<Result<Self::Done, Self::Refusal>>;
}

macro_rules! operations {
    ($($name:ident),+ $(,)?) => {
        /// An operation on one row, whichever it is.
        #[derive(Clone, Debug)]
        pub enum Op {
            $(#[doc = concat!("[`", stringify!($name), "`]")] $name(Box<$name>),)+
        }

        /// What an operation came to. `Err` is a refusal, not a failure: the engine is fine.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Outcome {
            $(
                #[doc = concat!("Of [`", stringify!($name), "`].")]
                $name(Result<<$name as Operation>::Done, <$name as Operation>::Refusal>),
            )+
        }

        impl Op {
            /// The names of all operations in metrics, in the order of [`Op::index`].
            pub const NAMES: &'static [&'static str] = &[$($name::NAME),+];

            /// The row that the operation touches.
            pub fn key(&self) -> Key {
                match self { $(Self::$name(op) => op.key(),)+ }
            }

            /// Whether its row is usually absent, see [`Operation::BEGINS`].
            pub fn begins(&self) -> bool {
                match self { $(Self::$name(_) => $name::BEGINS,)+ }
            }

            /// The not-before moments that decide over it, see [`Operation::not_before`].
            pub fn not_before(&self, row: Option<&Row>) -> Option<[Key; 3]> {
                match self { $(Self::$name(op) => op.not_before(row),)+ }
            }

            /// Bytes that a row made by it can have beyond its fixed part.
            pub fn size(&self) -> usize {
                match self { $(Self::$name(op) => op.size(),)+ }
            }

            /// The transition.
            pub fn step(&self, row: Option<&Row>, seen: Seen) -> Transition<Outcome> {
                match self { $(Self::$name(op) => op.step(row, seen).map(Outcome::$name),)+ }
            }
        }

        impl Outcome {
            /// Whether the operation was refused.
            pub fn is_refused(&self) -> bool {
                match self { $(Self::$name(answer) => answer.is_err(),)+ }
            }
        }

        $(
            impl From<$name> for Op {
                fn from(op: $name) -> Self {
                    Self::$name(Box::new(op))
                }
            }

            impl Ask for $name {
                fn answer(outcome: Outcome) -> Option<Result<Self::Done, Self::Refusal>> {
                    if let Outcome::$name(answer) = outcome { Some(answer) } else { None }
                }
            }
        )+

        #[repr(usize)]
        enum Index { $($name),+ }

        impl Op {
            /// The place of the operation in [`Op::NAMES`].
            pub fn index(&self) -> usize {
                match self { $(Self::$name(_) => Index::$name as usize,)+ }
            }
        }
    };
}

operations!(
    RedeemCode,
    CountMiss,
    Rotate,
    RevokeFamily,
    RevokeToken,
    SpendAssertion,
    RaiseNotBefore,
    StartDevice,
    NameUserCode,
    DecideDevice,
    ConsumeDevice,
);
