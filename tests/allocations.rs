//! The run loop allocates nothing: a counting allocator watches a whole run, from the recording to the log.
#![allow(clippy::print_stdout, reason = "tests say what they measured and what they skipped")]
#![allow(unsafe_code, reason = "an allocator that counts")]

use rangegate::assemble::{self, Destination};
use rangegate::{config, plan::Plan};
use rangegate_pipeline::Stop;
use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

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
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let done = assemble::run(&plan, source, destination, None, &stop, true).unwrap();
    assert!(done.report.detections > 40 * u64::from(times));
    ALLOCATIONS.load(Ordering::Relaxed) - before
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
