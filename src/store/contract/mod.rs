//! The suite that every engine passes, including those written outside the crate: the rules of [`Engine`]'s parts one
//! by one, each with the data reopened between steps, and random histories of operations, time, sweeps and restarts
//! that must give the same answers as the model.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed")]

mod histories;
pub mod nodes;
mod ops;
pub mod registry;
pub mod rows;
pub mod shared;
mod steps;
mod subject;
#[cfg(test)]
mod tests;

pub use histories::every_history_comes_to_what_the_model_says;
pub use ops::{GRACE, LIFETIMES, family, redeem, rotate};
pub use subject::{Model, START, Subject, ask, outcomes};

/// Defines one test for each rule of an engine: `jeton::engine_contract!(MySubject);` in a module of its own. The tests
/// need tokio with its macros.
#[macro_export]
macro_rules! engine_contract {
    ($subject:ty) => {
        $crate::engine_contract!($subject:
            rows: a_code_is_redeemed_once, outcomes_come_in_order_and_rows_see_each_other,
                rotation_survives_a_restart, a_mark_is_set_once, a_device_becomes_a_family_once,
                a_not_before_moment_voids_what_came_before, a_not_before_moment_counts_within_its_batch,
                nothing_is_swept_early, a_rotated_family_outlives_its_first_deadline,
                a_sweep_keeps_its_budget, what_is_too_large_fails_alone;
            nodes: of_two_that_redeem_a_code_one_wins, two_that_rotate_get_one_successor,
                a_follower_misses_no_change_of_eight_writers;
            registry: keys_are_published_once, keys_are_dropped_up_to_a_generation, documents_are_given_page_by_page,
                documents_change_by_compare_and_set, changes_come_in_order, a_document_is_read_by_its_name,
                users_change_by_comparison_though_nobody_follows_them,
                documents_of_another_kind_are_passed_over, a_closed_store_says_so;
        );

        #[test]
        fn every_history_comes_to_what_the_model_says() {
            $crate::store::contract::every_history_comes_to_what_the_model_says::<$subject>();
        }
    };
    ($subject:ty: $($file:ident: $($name:ident),+;)+) => {
        $($(
            #[tokio::test]
            async fn $name() {
                $crate::store::contract::$file::$name::<$subject>().await;
            }
        )+)+
    };
}
