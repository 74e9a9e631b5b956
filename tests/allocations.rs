//! The run loop allocates nothing: a counting allocator watches a whole run, from the recording to the log.
#![allow(clippy::print_stdout, reason = "tests say what they measured and what they skipped")]

use rangegate::assemble::{self, Destination};
use rangegate::{config, plan::Plan};
use rangegate_counting_alloc::{Counting, allocations_of_process};
use rangegate_pipeline::Stop;
use std::path::Path;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of a run of the Barker recording, played so many times.
fn allocations(times: u32) -> u64 {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = config::load(&root.join("configs/barker.toml")).unwrap();
    config.source.recording = Some(root.join("recordings/barker/barker.sigmf-meta"));
    config.source.repeat = times.to_string().parse().unwrap();
    config.run.runner = Some(rangegate::cli::RunnerKind::Inline);
    config.output.plots = false;
    config.output.sigmf_annotations = false;
    let stop = Stop::new();
    let (plan, source) = Plan::new(config, &stop).unwrap();
    let out = tempfile::tempdir().unwrap();
    let destination = Destination::open(Some(out.path())).unwrap();
    let before = allocations_of_process();
    let done = assemble::run(&plan, source, destination, None, &stop, true).unwrap();
    assert!(done.report.detections > 40 * u64::from(times));
    allocations_of_process() - before
}

/// What planning and reporting allocate is the same for any length; what is more would be the run loop's.
#[test]
fn a_run_of_any_length_allocates_the_same() {
    let short = allocations(5);
    let long = allocations(55);
    println!("{short} allocations for 5 rounds of the recording, {long} for 55");
    // The report's figures may need a buffer more where they have more digits.
    assert!(long <= short + 8, "{short} allocations for 5 rounds, {long} for 55");
}
