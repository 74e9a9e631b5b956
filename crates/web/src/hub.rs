//! Who watches, and what is on its way to them. Whoever publishes never waits: each client has a bounded outbox, and what
//! finds no place there is dropped and counted.

use crate::frame::View;
use axum::extract::ws::{Message, Utf8Bytes};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Bytes that wait for one client at most.
const OUTBOX_BYTES: usize = 4 << 20;
/// Messages of one kind that wait for one client at most, but where only the newest counts.
const OUTBOX_MESSAGES: usize = 32;

/// What a client wants to see.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Subscription {
    /// Bits of [`View::bit`].
    pub views: u32,
    /// Rows and columns of maps at most.
    pub max_rows: usize,
    /// See `max_rows`.
    pub max_cols: usize,
    /// Frames of each view a second.
    pub max_fps: f64,
    /// Channel.
    pub channel: u32,
}

impl Default for Subscription {
    fn default() -> Self {
        Self { views: 0, max_rows: 256, max_cols: 1024, max_fps: 30.0, channel: 0 }
    }
}

/// What a message is, as far as its place in an outbox goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only the newest counts.
    Latest(&'static str),
    /// Each counts while there is room.
    Queued(&'static str),
}

struct Waiting {
    kind: Kind,
    is_frame: bool,
    message: Message,
}

#[derive(Default)]
struct Outbox {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    subscription: Subscription,
    /// When the next frame of each view is due.
    due: [Option<Instant>; 8],
    frames_sent: u64,
    frames_dropped: u64,
    messages_dropped: u64,
    is_closed: bool,
}

/// What became of one client's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ClientCounts {
    /// Frames handed to the network.
    pub frames_sent: u64,
    /// Frames that a newer one overtook, or that found no room.
    pub frames_dropped: u64,
    /// Other messages that found no room.
    pub messages_dropped: u64,
}

/// A browser, or whoever else listens.
pub(crate) struct Client {
    outbox: Mutex<Outbox>,
    pub(crate) wake: Notify,
}

fn size(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
        Message::Close(_) => 0,
    }
}

impl Client {
    fn lock(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, kind: Kind, is_frame: bool, message: Message) {
        let mut outbox = self.lock();
        if outbox.is_closed {
            return;
        }
        let most = if matches!(kind, Kind::Latest(_)) { 1 } else { OUTBOX_MESSAGES };
        outbox.bytes += size(&message);
        outbox.waiting.push_back(Waiting { kind, is_frame, message });
        while outbox.waiting.iter().filter(|other| other.kind == kind).count() > most {
            outbox.drop_oldest(|other| other.kind == kind);
        }
        // The newest stays, however large.
        while outbox.bytes > OUTBOX_BYTES && outbox.waiting.len() > 1 {
            outbox.drop_oldest(|_| true);
        }
        drop(outbox);
        self.wake.notify_one();
    }

    /// The next message; `None` where none waits.
    pub(crate) fn pop(&self) -> Option<(Message, bool)> {
        let mut outbox = self.lock();
        let next = outbox.waiting.pop_front()?;
        outbox.bytes -= size(&next.message);
        Some((next.message, next.is_frame))
    }

    pub(crate) fn has_more(&self) -> bool {
        !self.lock().waiting.is_empty()
    }

    pub(crate) fn sent(&self, is_frame: bool) {
        self.lock().frames_sent += u64::from(is_frame);
    }

    pub(crate) fn counts(&self) -> ClientCounts {
        let outbox = self.lock();
        let (frames_sent, frames_dropped) = (outbox.frames_sent, outbox.frames_dropped);
        ClientCounts { frames_sent, frames_dropped, messages_dropped: outbox.messages_dropped }
    }

    fn subscription(&self) -> Subscription {
        self.lock().subscription
    }

    /// Whether a frame of this view is due; the next is one interval later.
    fn is_due(&self, view: View, now: Instant) -> bool {
        let mut outbox = self.lock();
        let interval = Duration::from_secs_f64(1.0 / outbox.subscription.max_fps);
        let due = &mut outbox.due[view as usize];
        // A frame that comes a little early is as good as one that comes a whole frame late.
        if due.is_some_and(|due| now + interval / 4 < due) {
            return false;
        }
        // On the grid, where it kept to it.
        let next = due.map_or(now, |due| due.max(now - interval)) + interval;
        *due = Some(next);
        true
    }
}

impl Outbox {
    fn drop_oldest(&mut self, is_one: impl Fn(&Waiting) -> bool) {
        let Some(at) = self.waiting.iter().position(is_one) else { return };
        let Some(dropped) = self.waiting.remove(at) else { return };
        self.bytes -= size(&dropped.message);
        if dropped.is_frame {
            self.frames_dropped += 1;
        } else if matches!(dropped.kind, Kind::Queued(_)) {
            self.messages_dropped += 1;
        }
    }
}

/// All clients, and what they want.
#[derive(Default)]
pub struct Hub {
    clients: RwLock<Vec<Arc<Client>>>,
    watched: AtomicU32,
    /// Thousandths of a second between frames, for whoever wants most.
    interval_ms: AtomicU32,
    frames_sent: AtomicU64,
    frames_dropped: AtomicU64,
    cut_off: AtomicU64,
}

/// Clients and frames of a hub since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct HubCounts {
    /// Clients now.
    pub clients: usize,
    /// Frames handed to the network, of all clients that ever were.
    pub frames_sent: u64,
    /// Frames dropped, likewise.
    pub frames_dropped: u64,
    /// Clients that were cut off because they stopped reading.
    pub clients_cut_off: u64,
}

impl Hub {
    /// A hub without clients.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether anybody wants to see a view: asked in the run loop, which makes nothing that nobody wants.
    pub fn is_watched(&self, view: View) -> bool {
        self.watched.load(Relaxed) & view.bit() != 0
    }

    /// Time from frame to frame for whoever wants most.
    pub fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms.load(Relaxed).max(1).into())
    }

    fn clients(&self) -> Vec<Arc<Client>> {
        self.clients.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A new client, unless there are `most` already.
    pub(crate) fn join(&self, most: usize) -> Option<Arc<Client>> {
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= most {
            return None;
        }
        let client = Arc::new(Client { outbox: Mutex::default(), wake: Notify::new() });
        clients.push(Arc::clone(&client));
        Some(client)
    }

    /// A client that has gone, or that was cut off.
    pub(crate) fn leave(&self, client: &Arc<Client>, was_cut_off: bool) {
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        clients.retain(|other| !Arc::ptr_eq(other, client));
        drop(clients);
        let mut outbox = client.lock();
        outbox.is_closed = true;
        outbox.waiting = VecDeque::new();
        let (sent, dropped) = (outbox.frames_sent, outbox.frames_dropped);
        drop(outbox);
        self.frames_sent.fetch_add(sent, Relaxed);
        self.frames_dropped.fetch_add(dropped, Relaxed);
        self.cut_off.fetch_add(was_cut_off.into(), Relaxed);
        self.recount();
    }

    pub(crate) fn subscribe(&self, client: &Client, subscription: Subscription) {
        client.lock().subscription = subscription;
        self.recount();
    }

    fn recount(&self) {
        let subscriptions: Vec<Subscription> =
            self.clients().iter().map(|client| client.subscription()).collect();
        let fps = subscriptions.iter().filter(|s| s.views != 0).map(|s| s.max_fps).fold(1.0, f64::max);
        self.interval_ms.store((1000.0 / fps) as u32, Relaxed);
        self.watched.store(subscriptions.iter().fold(0, |views, s| views | s.views), Relaxed);
    }

    /// Sends a frame of a view to everybody who wants it and for whom one is due. `make` makes it for a number of rows and
    /// columns, once for all clients that want the same.
    pub fn publish(&self, view: View, channel: u32, mut make: impl FnMut(usize, usize) -> Vec<u8>) {
        let now = Instant::now();
        let mut made: Vec<((usize, usize), Message)> = Vec::new();
        for client in self.clients() {
            let wanted = client.subscription();
            if wanted.views & view.bit() == 0 || wanted.channel != channel {
                continue;
            }
            // Waterfalls are made of all rows: they have no rate of their own.
            if view != View::RangeTime && !client.is_due(view, now) {
                continue;
            }
            let shape = (wanted.max_rows, wanted.max_cols);
            let message = match made.iter().find(|(other, _)| *other == shape) {
                Some((_, message)) => message.clone(),
                None => {
                    let message = Message::Binary(make(shape.0, shape.1).into());
                    made.push((shape, message.clone()));
                    message
                }
            };
            let kind = match view {
                View::RangeTime => Kind::Queued(view.name()),
                _ => Kind::Latest(view.name()),
            };
            client.push(kind, true, message);
        }
    }

    /// Sends text to everybody: JSON whose member `type` is `name`. Of what is `latest` only the newest counts.
    pub fn tell(&self, name: &'static str, is_latest: bool, text: String) {
        let text = Utf8Bytes::from(text);
        let kind = if is_latest { Kind::Latest(name) } else { Kind::Queued(name) };
        for client in self.clients() {
            client.push(kind, false, Message::Text(text.clone()));
        }
    }

    /// Sends each client text of its own.
    pub(crate) fn tell_each(&self, name: &'static str, make: impl Fn(ClientCounts) -> String) {
        for client in self.clients() {
            client.push(Kind::Latest(name), false, Message::Text(make(client.counts()).into()));
        }
    }

    /// Clients and frames so far.
    pub fn counts(&self) -> HubCounts {
        let clients = self.clients();
        let mut counts = HubCounts {
            clients: clients.len(),
            frames_sent: self.frames_sent.load(Relaxed),
            frames_dropped: self.frames_dropped.load(Relaxed),
            clients_cut_off: self.cut_off.load(Relaxed),
        };
        for client in clients {
            let ClientCounts { frames_sent, frames_dropped, .. } = client.counts();
            counts.frames_sent += frames_sent;
            counts.frames_dropped += frames_dropped;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> u32 {
        View::ALL.into_iter().fold(0, |views, view| views | view.bit())
    }

    #[test]
    fn of_maps_only_the_newest_waits_and_the_rest_is_counted() {
        let hub = Hub::new();
        let client = hub.join(1).unwrap();
        assert!(hub.join(1).is_none());
        assert!(!hub.is_watched(View::RangeDoppler));
        hub.subscribe(&client, Subscription { views: all(), max_fps: 1e6, ..Subscription::default() });
        assert!(hub.is_watched(View::RangeDoppler));
        for k in 0..5_u8 {
            std::thread::sleep(Duration::from_micros(10));
            hub.publish(View::RangeDoppler, 0, |_, _| vec![k]);
            hub.publish(View::RangeDoppler, 1, |_, _| unreachable!("nobody wants this channel"));
        }
        assert_eq!(client.pop(), Some((Message::Binary(vec![4].into()), true)));
        assert_eq!(client.pop(), None);
        client.sent(true);
        let counts = client.counts();
        assert_eq!((counts.frames_sent, counts.frames_dropped, counts.messages_dropped), (1, 4, 0));
        hub.leave(&client, false);
        assert!(!hub.is_watched(View::RangeDoppler));
        let counts = hub.counts();
        assert_eq!((counts.clients, counts.frames_sent, counts.frames_dropped), (0, 1, 4));
    }

    #[test]
    fn an_outbox_stays_small_whatever_is_pushed_into_it() {
        let hub = Hub::new();
        let client = hub.join(1).unwrap();
        hub.subscribe(&client, Subscription { views: all(), ..Subscription::default() });
        for _ in 0..1000 {
            hub.publish(View::RangeTime, 0, |_, _| vec![0; 300_000]);
            hub.tell("detections", false, "x".repeat(1000));
        }
        let (mut frames, mut texts, mut bytes) = (0, 0, 0);
        while let Some((message, is_frame)) = client.pop() {
            bytes += size(&message);
            *(if is_frame { &mut frames } else { &mut texts }) += 1_u64;
        }
        assert!(bytes <= OUTBOX_BYTES + 300_000, "{bytes}");
        let counts = client.counts();
        assert_eq!((counts.frames_dropped, counts.messages_dropped), (1000 - frames, 1000 - texts));
    }

    #[test]
    fn one_frame_serves_all_who_want_the_same_and_each_at_its_own_rate() {
        let hub = Hub::new();
        let fast: Vec<_> = (0..3).map(|_| hub.join(9).unwrap()).collect();
        let slow = hub.join(9).unwrap();
        for client in &fast {
            hub.subscribe(client, Subscription { views: all(), ..Subscription::default() });
        }
        hub.subscribe(&slow, Subscription { views: all(), max_fps: 0.001, ..Subscription::default() });
        assert_eq!(hub.interval(), Duration::from_millis(33));
        let mut made = 0;
        for _ in 0..2 {
            hub.publish(View::Spectrum, 0, |_, _| {
                made += 1;
                vec![1]
            });
            std::thread::sleep(Duration::from_millis(70));
        }
        assert_eq!(made, 2);
        assert_eq!(slow.lock().waiting.len(), 1);
        assert_eq!((slow.counts().frames_dropped, fast[0].counts().frames_dropped), (0, 1));
    }
}
