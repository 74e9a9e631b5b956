//! The WebSocket: views, detections and status as they come.

use crate::api;
use crate::backend::Replay;
use crate::frame::View;
use crate::guard::refuse;
use crate::hub::{Client, ClientCounts, Subscription};
use crate::server::{MAX_CLIENTS, State};
use axum::extract::State as Extract;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Largest message of a client, bytes.
const MAX_MESSAGE: usize = 64 << 10;
/// Messages of a client a second; more is no page of ours.
const MAX_RATE: u32 = 100;
/// How long a client may take to read one message.
const SEND_TIME: Duration = Duration::from_secs(10);
/// How often a silent client is asked whether it is there, and after how many such times it is not.
const PING_EVERY: Duration = Duration::from_secs(10);
const MAX_SILENCE: Duration = Duration::from_secs(30);
/// How often clients are told the status.
const STATUS_EVERY: Duration = Duration::from_millis(250);

/// What a client may say.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Said {
    Subscribe {
        views: Vec<String>,
        #[serde(default)]
        max_rows: Option<u32>,
        #[serde(default)]
        max_cols: Option<u32>,
        #[serde(default)]
        max_fps: Option<f64>,
        #[serde(default)]
        channel: u32,
    },
    Ping {
        n: i64,
    },
}

/// Opens a WebSocket.
pub(crate) async fn open(
    Extract(state): Extract<Arc<State>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => {
            let mut response = refuse(rejection.status(), &rejection.body_text());
            response.headers_mut().insert("upgrade", axum::http::HeaderValue::from_static("websocket"));
            return response;
        }
    };
    let Some(client) = state.hub.join(MAX_CLIENTS) else {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "too many live views: try again later");
    };
    // Whatever becomes of the upgrade, the place is given back.
    let seat = Seat { state: Arc::clone(&state), client, was_cut_off: false };
    let upgrade =
        upgrade.max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE).max_write_buffer_size(16 << 20);
    upgrade.on_upgrade(move |socket| converse(socket, seat)).into_response()
}

struct Seat {
    state: Arc<State>,
    client: Arc<Client>,
    was_cut_off: bool,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.state.hub.leave(&self.client, self.was_cut_off);
    }
}

async fn converse(socket: WebSocket, mut seat: Seat) {
    let (mut sink, mut stream) = socket.split();
    let (state, client) = (Arc::clone(&seat.state), Arc::clone(&seat.client));
    let mut greetings: Vec<String> = hello(&state).await.into_iter().collect();
    greetings.extend(state.backend.replay().map(|replay| replay_text(&replay)));
    for text in greetings {
        client.push(crate::hub::Kind::Queued("hello"), false, Message::Text(text.into()));
    }
    let mut asked = tokio::time::interval(PING_EVERY);
    let mut heard = Instant::now();
    let (mut window, mut messages) = (Instant::now(), 0);
    loop {
        // One message, then whoever has something to say.
        if let Some((message, is_frame)) = client.pop() {
            match tokio::time::timeout(SEND_TIME, sink.send(message)).await {
                Ok(Ok(())) => client.sent(is_frame),
                Ok(Err(error)) => {
                    tracing::debug!("a live view is gone: {error}");
                    seat.was_cut_off = is_stall(&error);
                    return;
                }
                Err(_) => {
                    tracing::info!("a live view reads nothing any more: cut off");
                    seat.was_cut_off = true;
                    return;
                }
            }
        }
        tokio::select! {
            biased;
            said = stream.next() => {
                let Some(Ok(message)) = said else { return };
                heard = Instant::now();
                if window.elapsed() > Duration::from_secs(1) {
                    (window, messages) = (heard, 0);
                }
                messages += 1;
                let code = match message {
                    _ if messages > MAX_RATE => Some((close_code::POLICY, "too many messages")),
                    Message::Text(text) => { answer(&state, &client, &text); None }
                    Message::Binary(_) => Some((close_code::UNSUPPORTED, "expected text")),
                    Message::Close(_) => return,
                    Message::Ping(_) | Message::Pong(_) => None,
                };
                if let Some((code, reason)) = code {
                    let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
                    let _ = tokio::time::timeout(SEND_TIME, sink.send(close)).await;
                    return;
                }
            }
            () = client.wake.notified() => {}
            _ = asked.tick() => {
                if heard.elapsed() > MAX_SILENCE {
                    seat.was_cut_off = true;
                    return;
                }
                client.push(crate::hub::Kind::Latest("ping"), false, Message::Ping(Vec::new().into()));
            }
            () = std::future::ready(()), if client.has_more() => {}
        }
    }
}

fn is_stall(error: &axum::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::TimedOut) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Does what a client says, or says why not.
fn answer(state: &State, client: &Arc<Client>, text: &str) {
    let error = |message: String| json!({"type": "error", "message": message}).to_string();
    let reply = match serde_json::from_str(text) {
        Ok(Said::Ping { n }) => Some(json!({"type": "pong", "n": n}).to_string()),
        Ok(Said::Subscribe { views, max_rows, max_cols, max_fps, channel }) => {
            let mut wanted = Subscription { channel, ..Subscription::default() };
            let unknown = views.iter().find(|name| View::named(name).is_none());
            wanted.views =
                views.iter().filter_map(|name| View::named(name)).fold(0, |bits, view| bits | view.bit());
            // Few shapes, so that clients share frames.
            wanted.max_rows = max_rows.map_or(wanted.max_rows, |n| shape(n, 512));
            wanted.max_cols = max_cols.map_or(wanted.max_cols, |n| shape(n, 2048));
            wanted.max_fps = max_fps.unwrap_or(wanted.max_fps);
            match (unknown, (0.1..=60.0).contains(&wanted.max_fps)) {
                (Some(name), _) => Some(error(format!("there is no view {name:?}"))),
                (_, false) => Some(error(format!("max_fps is {}, expected 0.1 to 60", wanted.max_fps))),
                _ => {
                    state.hub.subscribe(client, wanted);
                    None
                }
            }
        }
        Err(problem) => Some(error(format!("not understood: {problem}"))),
    };
    if let Some(reply) = reply {
        client.push(crate::hub::Kind::Queued("reply"), false, Message::Text(reply.into()));
    }
}

/// The next lower power of two, from 16 to `most`.
fn shape(n: u32, most: usize) -> usize {
    let n = usize::try_from(n).unwrap_or(most).clamp(16, most);
    1 << n.ilog2()
}

async fn hello(state: &Arc<State>) -> Option<String> {
    let about = api::about(state).await.ok()?;
    let mut hello = json!({
        "type": "hello",
        "version": env!("CARGO_PKG_VERSION"),
        "session": state.session,
    });
    merge(&mut hello, &about);
    Some(hello.to_string())
}

fn merge(into: &mut Value, from: &impl Serialize) {
    if let (Value::Object(into), Ok(Value::Object(from))) = (into, serde_json::to_value(from)) {
        into.extend(from);
    }
}

/// How a replay stands, as clients are told.
pub fn replay_text(replay: &Replay) -> String {
    let mut text = json!({"type": "replay"});
    merge(&mut text, replay);
    text.to_string()
}

/// Tells clients the status, again and again.
pub(crate) async fn tell_status(state: Arc<State>) {
    let mut every = tokio::time::interval(STATUS_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        every.tick().await;
        if state.hub.counts().clients == 0 {
            continue;
        }
        let Ok(mut status) = api::status_of(&state).await else { continue };
        status["type"] = "status".into();
        state.hub.tell_each("status", |counts: ClientCounts| {
            let mut own = status.clone();
            merge(&mut own, &counts);
            own.to_string()
        });
        if let Some(replay) = state.backend.replay() {
            state.hub.tell("replay", true, replay_text(&replay));
        }
    }
}
