//! The suite of engines that several nodes share, through [`Rows`]: conflicts, lost answers, readers that are behind,
//! and random histories of two nodes.

pub mod conflicts;
mod faulty;
mod patient;
mod races;
pub mod stale;
mod subject;
pub mod unknown;

pub use faulty::{Act, Calls, Faulty, RowFault};
use patient::Patient;
pub use races::two_nodes_never_break_an_invariant;
pub use subject::{Forget, Node, SharedModel, SharedSubject};

/// Defines one test for each rule of a shared engine: `jeton::rows_contract!(MySubject);` in a module of its own,
/// beside `jeton::engine_contract!(Node<MySubject>);`. The tests need tokio with its macros.
#[macro_export]
macro_rules! rows_contract {
    ($subject:ty) => {
        $crate::rows_contract!($subject:
            conflicts: a_row_that_another_node_changed_is_stepped_again, strict_rotation_has_one_winner,
                a_code_that_another_node_redeemed_is_replayed, a_row_that_is_gone_is_stepped_again,
                a_new_row_is_never_taken_for_the_old_one, a_guess_leads_to_nothing_but_a_write,
                a_guess_loses_to_a_moment, what_saw_a_moment_is_not_written_before_it,
                a_moment_that_loses_is_raised_again, after_too_many_conflicts_nothing_is_done,
                one_damaged_row_fails_alone, a_batch_takes_as_few_trips_as_it_can;
            stale: a_reader_that_is_behind_answers_nothing, a_peek_is_fresh_or_fails,
                what_was_read_in_another_session_is_read_again, a_write_that_wins_nothing_confirms_nothing, what_is_pending_needs_no_confirmation,
                a_confirmation_without_an_answer_confirms_nothing;
            unknown: a_write_without_an_answer_is_done_once, a_refused_write_is_not_done,
                an_operation_that_is_asked_again_comes_to_the_same,
                a_write_that_was_overwritten_is_known_by_its_attempt;
        );

        #[test]
        fn two_nodes_never_break_an_invariant() {
            $crate::store::contract::shared::two_nodes_never_break_an_invariant::<$subject>();
        }
    };
    ($subject:ty: $($file:ident: $($name:ident),+;)+) => {
        $($(
            #[tokio::test]
            async fn $name() {
                $crate::store::contract::shared::$file::$name::<$subject>().await;
            }
        )+)+
    };
}
