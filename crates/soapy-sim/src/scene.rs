//! A scene that a thread makes ahead of the reader, into a bounded ring of blocks.

use crate::content::{Piece, Ready};
use rangegate_core::{IqBlock, Source};
use rangegate_scene::{Scene, SceneSource};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const BLOCK_SAMPLES: usize = 1 << 14;
/// How long a stream waits at its start for the ring to fill.
const START: Duration = Duration::from_secs(1);

/// A block and its position in the stream.
type Placed = (u64, IqBlock);

pub(crate) struct Making {
    scene: Arc<Scene>,
    looped: bool,
    /// What the reader is at.
    held: Placed,
    running: Option<Running>,
}

struct Running {
    full: Receiver<Placed>,
    free: SyncSender<IqBlock>,
    made: Arc<Made>,
    thread: JoinHandle<()>,
}

/// How far the thread is.
#[derive(Default)]
struct Made {
    /// Position one past the last sample.
    to: AtomicU64,
    /// Nothing comes behind it.
    ended: AtomicBool,
}

impl Making {
    pub(crate) fn new(scene: Arc<Scene>, looped: bool) -> Self {
        Self { scene, looped, held: (0, IqBlock::default()), running: None }
    }

    pub(crate) fn begin(&mut self, ahead: u64) -> Result<(), String> {
        self.stop();
        let n_blocks = (2 * ahead).div_ceil(BLOCK_SAMPLES as u64) as usize + 4;
        let (to_reader, full) = sync_channel(n_blocks);
        let (free, from_reader) = sync_channel(n_blocks);
        for _ in 0..n_blocks {
            // The lane has room for all of them.
            let _ = free.try_send(IqBlock::default());
        }
        let made = Arc::new(Made::default());
        let (scene, looped, counter) = (Arc::clone(&self.scene), self.looped, Arc::clone(&made));
        let thread = std::thread::Builder::new()
            .name("rg-scene".to_owned())
            .spawn(move || make(&scene, looped, &from_reader, &to_reader, &counter))
            .map_err(|error| format!("no thread for the scene: {error}"))?;
        let begun = Instant::now();
        while made.to.load(Ordering::Acquire) < 2 * ahead && begun.elapsed() < START && !thread.is_finished()
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.running = Some(Running { full, free, made, thread });
        Ok(())
    }

    fn stop(&mut self) {
        self.held = (0, IqBlock::default());
        if let Some(Running { full, free, thread, .. }) = self.running.take() {
            drop((full, free)); // the thread ends at its next block
            let _ = thread.join(); // a scene that panicked has ended
        }
    }

    /// Goes on to the block that `at` lies in or before, as far as it was made.
    pub(crate) fn ready(&mut self, at: u64) -> Ready {
        let Some(running) = &self.running else { return Ready { to: 0, ended: true } };
        // In this order: what was made before the end was noted counts.
        let ended = running.made.ended.load(Ordering::Acquire);
        let to = running.made.to.load(Ordering::Acquire);
        while self.held.0 + self.held.1.n_samples() as u64 <= at {
            let Ok(placed) = running.full.try_recv() else { break };
            let (_, old) = std::mem::replace(&mut self.held, placed);
            let _ = running.free.try_send(old); // refused only after the end
        }
        Ready { to, ended }
    }

    pub(crate) fn piece(&mut self, at: u64, max: u64) -> Result<Piece<'_>, String> {
        self.ready(at);
        let (first, block) = &self.held;
        let end = first + block.n_samples() as u64;
        if *first > at {
            return Ok(Piece::Gap(max.min(first - at)));
        }
        if end <= at {
            return Err(format!("the scene has no sample {at}: made are {first} to {end}"));
        }
        let skipped = (at - first) as usize;
        Ok(Piece::Samples(block, skipped..skipped + (end - at).min(max) as usize))
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Makes blocks until the reader has gone or the scene has ended.
fn make(scene: &Arc<Scene>, looped: bool, free: &Receiver<IqBlock>, full: &SyncSender<Placed>, made: &Made) {
    let first = scene.info().first_sample;
    let mut end = 0;
    loop {
        let (begun_at, mut source) = (end, SceneSource::new(Arc::clone(scene), BLOCK_SAMPLES));
        let mut block = IqBlock::default();
        while source.next_block(&mut block).unwrap_or(false) {
            let at = begun_at + (block.header.first_sample - first);
            end = at + block.n_samples() as u64;
            let Ok(next) = free.recv() else { return };
            if full.send((at, std::mem::replace(&mut block, next))).is_err() {
                return;
            }
            made.to.store(end, Ordering::Release);
        }
        if !looped || end == begun_at {
            return made.ended.store(true, Ordering::Release);
        }
    }
}
