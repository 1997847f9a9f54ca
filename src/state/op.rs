//! The operations in type-erased form, as they travel to an engine and back: the one place that lists them all.

use super::{
    ConsumeDevice, CountMiss, DecideDevice, Key, NameUserCode, Operation, RaiseNotBefore, RedeemCode, RevokeFamily,
    RevokeToken, Rotate, Row, Seen, SpendAssertion, StartDevice, Transition,
};

/// An operation whose answer comes back as the [`Outcome`] of its own variant.
pub trait Ask: Operation + Into<Op> {
    /// Returns the answer in `outcome`; `None` if the outcome belongs to another operation.
    fn answer(outcome: Outcome) -> Option<Result<Self::Done, Self::Refusal>>;
}

macro_rules! operations {
    ($($name:ident),+ $(,)?) => {
        /// Any operation on one row.
        #[derive(Clone, Debug)]
        pub enum Op {
            $(#[doc = concat!("[`", stringify!($name), "`]")] $name(Box<$name>),)+
        }

        /// The outcome of any operation. `Err` is a refusal, not a failure: the engine is fine.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Outcome {
            $(
                #[doc = concat!("Outcome of [`", stringify!($name), "`].")]
                $name(Result<<$name as Operation>::Done, <$name as Operation>::Refusal>),
            )+
        }

        impl Op {
            /// The names of all operations in metrics, in the order of [`Op::index`].
            pub const NAMES: &'static [&'static str] = &[$($name::NAME),+];

            /// Returns the key of the row that the operation touches.
            pub fn key(&self) -> Key {
                match self { $(Self::$name(op) => op.key(),)+ }
            }

            /// Returns whether the row is usually absent, see [`Operation::BEGINS`].
            pub fn begins(&self) -> bool {
                match self { $(Self::$name(_) => $name::BEGINS,)+ }
            }

            /// Returns the keys of the not-before moments that apply to the operation, see [`Operation::not_before`].
            pub fn not_before(&self, row: Option<&Row>) -> Option<[Key; 3]> {
                match self { $(Self::$name(op) => op.not_before(row),)+ }
            }

            /// Returns the size, in bytes, that the row can have beyond its fixed part, see [`Operation::size`].
            pub fn size(&self) -> usize {
                match self { $(Self::$name(op) => op.size(),)+ }
            }

            /// Performs the transition, see [`Operation::step`].
            pub fn step(&self, row: Option<&Row>, seen: Seen) -> Transition<Outcome> {
                match self { $(Self::$name(op) => op.step(row, seen).map(Outcome::$name),)+ }
            }
        }

        impl Outcome {
            /// Returns whether the operation was refused.
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
            /// Returns the position of the operation in [`Op::NAMES`].
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
