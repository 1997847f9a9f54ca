//! What one connection asks for, request after request, and whether the answers are right.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::http::{find, string_member};
use crate::request::FormRequest;

/// How many users were made up for [`Workload::Guesses`].
static NAMES: AtomicU64 = AtomicU64::new(0);

/// The requests of one connection.
pub(crate) enum Workload {
    /// The same request every time.
    Same {
        /// The request.
        request: Vec<u8>,
        /// What a right answer contains.
        expect: &'static [u8],
    },
    /// Codes, each redeemed once.
    Codes {
        /// The redemption without its code.
        form: FormRequest,
        /// Codes not redeemed yet.
        codes: Vec<String>,
        /// Scratch.
        request: Vec<u8>,
    },
    /// Wrong passwords, each of another user.
    Guesses {
        /// The login without its name.
        form: FormRequest,
        /// Scratch.
        request: Vec<u8>,
    },
    /// Chains of refresh tokens, advanced in turn: each answer's token is the chain's next.
    Chains {
        /// The refresh without its token.
        form: FormRequest,
        /// The token to present next, for each chain that is alive.
        tokens: Vec<String>,
        /// Whose turn it is.
        turn: usize,
        /// Scratch.
        request: Vec<u8>,
    },
}

/// What an answer was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// What was asked for.
    Right,
    /// A status other than 200.
    Refused,
    /// 200, but not what was asked for.
    Wrong,
}

impl Workload {
    /// The same request every time; a right answer contains `expect`.
    pub(crate) fn same(request: Vec<u8>, expect: &'static [u8]) -> Self {
        Self::Same { request, expect }
    }

    /// Redeems each code once.
    pub(crate) fn codes(form: FormRequest, codes: Vec<String>) -> Self {
        Self::Codes { form, codes, request: Vec::new() }
    }

    /// A wrong password each time, of a user that nobody was before.
    pub(crate) fn guesses(form: FormRequest) -> Self {
        Self::Guesses { form, request: Vec::new() }
    }

    /// Advances each chain in turn.
    pub(crate) fn chains(form: FormRequest, tokens: Vec<String>) -> Self {
        Self::Chains { form, tokens, turn: 0, request: Vec::new() }
    }

    /// The next request; `None` if there is nothing left to ask.
    pub(crate) fn request(&mut self) -> Option<&[u8]> {
        match self {
            Self::Same { request, .. } => Some(request),
            Self::Codes { form, codes, request } => {
                form.complete(request, "code", &codes.pop()?);
                Some(request)
            }
            Self::Guesses { form, request } => {
                let name = format!("user-{}", NAMES.fetch_add(1, Ordering::Relaxed));
                form.complete(request, "username", &name);
                Some(request)
            }
            Self::Chains { form, tokens, turn, request } => {
                *turn = if *turn < tokens.len() { *turn } else { 0 };
                form.complete(request, "refresh_token", tokens.get(*turn)?);
                Some(request)
            }
        }
    }

    /// Judges the answer to the last request. A request that was never answered needs no call: its code is spent, its
    /// chain presents the same token again, as a client would.
    pub(crate) fn answered(&mut self, status: u16, body: &[u8]) -> Verdict {
        match self {
            Self::Chains { tokens, turn, .. } => match (status, string_member(body, "refresh_token")) {
                (200, Some(next)) => {
                    tokens[*turn].clear();
                    tokens[*turn].push_str(next);
                    *turn += 1;
                    Verdict::Right
                }
                (200, None) => {
                    *turn += 1;
                    Verdict::Wrong
                }
                // the chain is dead; anything else is worth another try
                (400 | 401, _) => {
                    tokens.swap_remove(*turn);
                    Verdict::Refused
                }
                _ => Verdict::Refused,
            },
            // it was looked at, and it is wrong
            Self::Guesses { .. } if status == 400 => Verdict::Right,
            Self::Guesses { .. } if status == 200 => Verdict::Wrong,
            _ if status != 200 => Verdict::Refused,
            Self::Same { expect, .. } => {
                if find(body, expect).is_some() {
                    Verdict::Right
                } else {
                    Verdict::Wrong
                }
            }
            Self::Guesses { .. } | Self::Codes { .. } => {
                if string_member(body, "access_token").is_some() {
                    Verdict::Right
                } else {
                    Verdict::Wrong
                }
            }
        }
    }
}
