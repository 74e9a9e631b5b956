//! An allocator that counts: tests prove with it that run loops do not allocate. Only tests use it.
//!
//! ```
//! use rangegate_counting_alloc::{Counting, allocations_of_thread};
//!
//! #[global_allocator]
//! static ALLOCATOR: Counting = Counting;
//!
//! let before = allocations_of_thread();
//! drop(std::hint::black_box(vec![1_u8]));
//! assert_eq!(allocations_of_thread() - before, 1);
//! ```

// The only way to see every allocation is to be the allocator.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

static OF_PROCESS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static OF_THREAD: Cell<u64> = const { Cell::new(0) };
}

/// Allocations of all threads so far. The test harness allocates when it likes: a test of its own program, without it,
/// sees only its own.
pub fn allocations_of_process() -> u64 {
    OF_PROCESS.load(Ordering::Relaxed)
}

/// Allocations of this thread so far.
pub fn allocations_of_thread() -> u64 {
    OF_THREAD.get()
}

/// The system's allocator, counted.
#[derive(Debug)]
pub struct Counting;

fn count() {
    OF_PROCESS.fetch_add(1, Ordering::Relaxed);
    OF_THREAD.set(OF_THREAD.get() + 1);
}

// SAFETY: every call goes unchanged to the system's allocator, which keeps the contract. Counting neither allocates nor
// touches the memory: the thread's counter is initialised without allocating and has no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System` by the functions here, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as for `dealloc`; the caller promises that `size` is allowed.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
