//! Clients that are slow, that stop reading, and many of them: whoever publishes never waits, and memory stays flat.

mod common;

use common::{PATIENCE, connect, server};
use rangegate_web::{Options, View};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tungstenite::{Message, WebSocket};

fn subscribe(address: SocketAddr) -> WebSocket<TcpStream> {
    let url = format!("ws://{address}/api/v1/live");
    let mut socket = tungstenite::client(url.as_str(), connect(address)).unwrap().0;
    let wanted =
        r#"{"type":"subscribe","views":["range_doppler"],"max_rows":512,"max_cols":2048,"max_fps":60}"#;
    socket.send(Message::Text(wanted.into())).unwrap();
    socket
}

/// Memory of this process, bytes.
fn memory() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

#[test]
fn who_stops_reading_is_cut_off_and_memory_stays_flat() {
    let (server, hub, _) = server(Options::default());
    let stalled = subscribe(server.address());
    let deadline = Instant::now() + PATIENCE;
    while !hub.is_watched(View::RangeDoppler) {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    let (mut most, mut longest, mut published) = (0, Duration::ZERO, 0_u64);
    let before = memory();
    // A gigabyte, if nobody stopped it.
    while hub.counts().clients > 0 {
        assert!(Instant::now() < deadline, "nobody cut it off");
        let began = Instant::now();
        hub.publish(View::RangeDoppler, 0, |rows, cols| vec![0; rows * cols]);
        longest = longest.max(began.elapsed());
        published += 1;
        most = most.max(memory().saturating_sub(before));
        std::thread::sleep(Duration::from_millis(5));
    }
    let counts = hub.counts();
    assert_eq!(counts.clients_cut_off, 1);
    assert!(counts.frames_dropped > 100, "{counts:?} of {published}");
    assert!(most < 64 << 20, "{most} bytes");
    // Frames are made here, which takes a while; nobody is waited for.
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    assert!(!hub.is_watched(View::RangeDoppler), "nobody looks on any more");
    drop(stalled);
}

#[test]
fn twenty_clients_get_the_same_frame_made_once() {
    let (server, hub, _) = server(Options::default());
    let mut clients: Vec<_> = (0..20).map(|_| subscribe(server.address())).collect();
    let deadline = Instant::now() + PATIENCE;
    let mut made = 0;
    let mut got = [false; 20];
    std::thread::scope(|scope| {
        let readers: Vec<_> = clients
            .iter_mut()
            .map(|client| {
                scope.spawn(|| {
                    let mut frames = 0;
                    while frames < 5 {
                        frames += usize::from(client.read().unwrap().is_binary());
                    }
                    // The rest is not read: it must not matter to the others.
                })
            })
            .collect();
        while !readers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            assert!(Instant::now() < deadline);
            hub.publish(View::RangeDoppler, 0, |_, _| {
                made += 1;
                vec![1; 1000]
            });
            std::thread::sleep(Duration::from_millis(10));
        }
        got.fill(true);
    });
    assert!(got.iter().all(|got| *got));
    let counts = hub.counts();
    assert!(counts.frames_sent >= 100 && counts.frames_sent <= made * 20, "{counts:?}, {made} made");
}
