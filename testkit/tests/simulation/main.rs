//! The whole cluster in one thread, many times over; and that each rule of it is missed when it is not
//! kept.

use thrive_testkit::simulation::{self, Rules};

/// Runs in each of the eight parts: two thousand together. More: `cargo xtask simulate`.
const SEEDS: u64 = 250;
/// A rule that is not kept must be missed within so many runs. Most are within three.
const ENOUGH: u64 = 60;

fn all_is_well(part: u64) {
    let runs = SEEDS;
    let seeds = part * runs..(part + 1) * runs;
    let sum = simulation::many(seeds, Rules::default()).unwrap_or_else(|found| {
        panic!("{found}\nagain: cargo xtask simulate --seed {}", found.seed)
    });
    assert_eq!(sum.runs, runs);
    // A run in which nothing happens proves nothing.
    for (what, count, each) in [
        ("messages", sum.messages, 200),
        ("shown", sum.shown, 700),
        ("crashes", sum.crashes, 3),
        ("drains", sum.drains, 1),
        ("reconnects", sum.reconnects, 12),
        ("moves", sum.moves, 6),
        ("duplicates", sum.duplicates, 2),
        ("lost by the bus", sum.bus_lost, 50),
        ("overflows", sum.overflows, 0),
    ] {
        assert!(each * runs < count, "{what}: only {count} in {runs} runs");
    }
}

/// Without this rule, one of these promises is not kept.
fn is_missed(rules: Rules, promises: &[&str]) {
    let Err(found) = simulation::many(0..ENOUGH, rules) else {
        panic!("nobody noticed in {ENOUGH} runs");
    };
    let promise = found.what.split(':').next().unwrap_or_default();
    assert!(promises.contains(&promise), "{found}");
}

#[test]
fn whatever_happens_all_is_shown_to_everybody_once_and_in_one_order() {
    all_is_well(0);
}

#[test]
fn it_is_so_in_a_second_part_of_the_runs() {
    all_is_well(1);
}

#[test]
fn it_is_so_in_a_third_part_of_the_runs() {
    all_is_well(2);
}

#[test]
fn it_is_so_in_a_fourth_part_of_the_runs() {
    all_is_well(3);
}

#[test]
fn it_is_so_in_a_fifth_part_of_the_runs() {
    all_is_well(4);
}

#[test]
fn it_is_so_in_a_sixth_part_of_the_runs() {
    all_is_well(5);
}

#[test]
fn it_is_so_in_a_seventh_part_of_the_runs() {
    all_is_well(6);
}

#[test]
fn it_is_so_in_the_last_part_of_the_runs() {
    all_is_well(7);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..3 {
        let (first, told) = simulation::tell(seed, Rules::default());
        let (second, told_again) = simulation::tell(seed, Rules::default());
        assert_eq!(first.unwrap(), second.unwrap());
        assert_eq!(told, told_again);
        assert!(100 < told.len());
    }
}

#[test]
fn nodes_that_never_look_for_what_the_bus_lost_are_noticed() {
    is_missed(Rules { reconcile: false, ..Rules::default() }, &["I2", "I9", "I16"]);
}

#[test]
fn a_store_that_knows_no_duplicates_is_noticed() {
    is_missed(Rules { duplicate_check: false, ..Rules::default() }, &["I3", "I6"]);
}

#[test]
fn numbers_that_are_taken_without_a_lock_are_noticed() {
    is_missed(Rules { sequence_lock: false, ..Rules::default() }, &["I1", "I2", "I3", "I4", "I5"]);
}

#[test]
fn an_acknowledgment_before_the_commit_is_noticed() {
    is_missed(Rules { commit_first: false, ..Rules::default() }, &["I1", "I4", "I6"]);
}

#[test]
fn messages_that_overtake_one_that_failed_are_noticed() {
    is_missed(Rules { failure_holds_back: false, ..Rules::default() }, &["I8"]);
}

#[test]
fn a_client_whose_position_moves_over_a_gap_is_noticed() {
    is_missed(Rules { gap_waits: false, ..Rules::default() }, &["I2"]);
}

#[test]
fn a_client_that_does_not_repeat_what_has_no_answer_is_noticed() {
    is_missed(Rules { repeat: false, ..Rules::default() }, &["I8", "I16"]);
}

#[test]
fn a_client_that_trusts_a_silent_connection_is_noticed() {
    is_missed(Rules { doubt: false, ..Rules::default() }, &["I9", "I16", "I2", "I10"]);
}

#[test]
fn what_a_dead_process_said_and_still_counts_is_noticed() {
    is_missed(Rules { epochs: false, ..Rules::default() }, &["I10"]);
}

#[test]
fn an_old_status_that_wins_is_noticed() {
    is_missed(Rules { newest_status: false, ..Rules::default() }, &["I10"]);
}
