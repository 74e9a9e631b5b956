//! REST: what can be asked for and done, by address.
#![allow(clippy::result_large_err, reason = "a refusal is an answer, as large as answers are")]

use crate::backend::{Backend, Command, Format, Query, Refusal, Rows, Stretch};
use crate::guard::{self, LIVE, refuse};
use crate::server::State;
use crate::{aircraft, live, metrics, page};
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Query as Ask, State as Extract};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

/// Largest body of a request, bytes.
const MAX_BODY: usize = 1 << 20;
/// Rows that one answer holds at most, and unless more are asked for.
const MAX_ROWS: usize = 100_000;
const DEFAULT_ROWS: usize = 1_000;
/// Largest number of a track: what a page's numbers hold exactly.
const MAX_TRACK: i64 = 1 << 53;
/// Bins of a time line at most, and unless others are asked for.
const MAX_BINS: usize = 2_000;
const DEFAULT_BINS: usize = 200;

/// What the API is, for programs.
pub(crate) const OPENAPI: &str = include_str!("openapi.json");

/// Paths and their methods, as [`OPENAPI`] has them.
pub(crate) const ROUTES: [(&str, &str); 16] = [
    ("get", LIVE),
    ("get", "/api/v1/status"),
    ("get", "/api/v1/config"),
    ("get", "/api/v1/station"),
    ("get", "/api/v1/detections"),
    ("get", "/api/v1/tracks"),
    ("get", "/api/v1/timeline"),
    ("get", "/api/v1/exchange"),
    ("get", "/api/v1/coverage"),
    ("get", "/api/v1/session"),
    ("get", "/api/v1/openapi.json"),
    ("post", "/api/v1/ticket"),
    ("post", "/api/v1/replay"),
    ("post", "/api/v1/trigger"),
    ("get", "/metrics"),
    ("get", "/data/aircraft.json"),
];

pub(crate) fn router(state: Arc<State>) -> Router {
    let mut router = Router::new();
    for (_, path) in ROUTES {
        router = router.route(
            path,
            match path {
                LIVE => get(live::open),
                "/api/v1/status" => get(status),
                "/api/v1/config" => get(config),
                "/api/v1/station" => get(station),
                "/api/v1/detections" => get(detections),
                "/api/v1/tracks" => get(tracks),
                "/api/v1/timeline" => get(timeline),
                "/api/v1/exchange" => get(exchange),
                "/api/v1/coverage" => get(coverage),
                "/api/v1/session" => get(session),
                "/api/v1/openapi.json" => get(openapi),
                "/api/v1/ticket" => post(ticket),
                "/api/v1/replay" => post(replay),
                "/api/v1/trigger" => post(trigger),
                "/metrics" => get(metrics_text),
                _ => get(aircraft_json),
            },
        );
    }
    router
        .fallback(page::answer)
        .method_not_allowed_fallback(async || refuse(StatusCode::METHOD_NOT_ALLOWED, "no such method here"))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&state), guard::guard))
        .with_state(state)
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Impossible(_) => StatusCode::CONFLICT,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        refuse(status, &self.to_string())
    }
}

/// Asks the backend where it may take its time; few at once.
pub(crate) async fn ask<T: Send + 'static>(
    state: &Arc<State>,
    question: impl FnOnce(&dyn Backend) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let failed = |what: &str| Refusal::Failed(what.to_owned());
    let _turn = state.questions.acquire().await.map_err(|_| failed("the server ends"))?;
    let backend = Arc::clone(&state.backend);
    let answered = tokio::task::spawn_blocking(move || question(&*backend)).await;
    answered.map_err(|_| failed("the question failed"))?
}

async fn status(Extract(state): Extract<Arc<State>>) -> Result<Response, Refusal> {
    Ok(Json(status_of(&state).await?).into_response())
}

/// How radar and server are.
pub(crate) async fn status_of(state: &Arc<State>) -> Result<Value, Refusal> {
    let asked = ask(state, |backend| Ok((backend.status(), backend.about(), backend.replay())));
    let (status, about, replay) = asked.await?;
    let mut all = serde_json::to_value(status).unwrap_or_default();
    if let (Value::Object(all), Ok(Value::Object(hub))) = (&mut all, serde_json::to_value(state.hub.counts()))
    {
        all.extend(hub);
        all.insert("mode".to_owned(), serde_json::to_value(about.mode).unwrap_or_default());
        all.insert("archive".to_owned(), about.archive.into());
        all.insert("uptime_s".to_owned(), state.started.elapsed().as_secs_f64().into());
        all.insert("replay".to_owned(), serde_json::to_value(replay).unwrap_or_default());
    }
    Ok(all)
}

async fn config(Extract(state): Extract<Arc<State>>) -> Result<Response, Refusal> {
    Ok(Json(ask(&state, |backend| Ok(backend.configuration())).await?).into_response())
}

async fn station(Extract(state): Extract<Arc<State>>) -> Result<Response, Refusal> {
    Ok(Json(about(&state).await?).into_response())
}

/// What there is to be seen, of the backend and of the server.
pub(crate) async fn about(state: &Arc<State>) -> Result<Value, Refusal> {
    let mut about =
        serde_json::to_value(ask(state, |backend| Ok(backend.about())).await?).unwrap_or_default();
    about["coverage"] = state.coverage.is_some().into();
    Ok(about)
}

async fn exchange(Extract(state): Extract<Arc<State>>) -> Result<Response, Refusal> {
    let exchange = ask(&state, |backend| Ok(backend.exchange())).await?;
    let exchange = exchange.ok_or_else(|| Refusal::Impossible("nothing is exchanged here".to_owned()))?;
    Ok(Json(exchange).into_response())
}

async fn coverage(Extract(state): Extract<Arc<State>>) -> Result<Response, Refusal> {
    let coverage = state.coverage.clone();
    let coverage =
        coverage.ok_or_else(|| Refusal::Impossible("no coverage was given (--coverage)".to_owned()))?;
    Ok(([(header::CONTENT_TYPE, "application/geo+json")], coverage).into_response())
}

async fn session(Extract(state): Extract<Arc<State>>) -> Response {
    let auth = if state.gate.is_closed() { "token" } else { "session" };
    Json(json!({
        "session": state.session,
        "version": env!("CARGO_PKG_VERSION"),
        "auth": auth,
        "token": state.gate.session_token(),
    }))
    .into_response()
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

async fn ticket(Extract(state): Extract<Arc<State>>) -> Response {
    match state.gate.ticket() {
        Ok(ticket) => Json(json!({"ticket": ticket, "valid_s": 30})).into_response(),
        Err(error) => Refusal::Failed(error.to_string()).into_response(),
    }
}

async fn replay(
    Extract(state): Extract<Arc<State>>,
    command: Result<Json<Command>, JsonRejection>,
) -> Result<Response, Response> {
    let Json(command) = command.map_err(|rejection| {
        let status = match rejection.status() {
            // A body that is JSON but no command is as bad as one that is none.
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            other => other,
        };
        refuse(status, &rejection.body_text())
    })?;
    let now =
        ask(&state, move |backend| backend.command(command)).await.map_err(IntoResponse::into_response)?;
    state.hub.tell("replay", true, live::replay_text(&now));
    Ok(Json(now).into_response())
}

async fn trigger(Extract(state): Extract<Arc<State>>) -> Result<Response, Refusal> {
    ask(&state, |backend| backend.trigger()).await?;
    Ok(Json(json!({"triggered": true})).into_response())
}

type Asked<T> = Result<Ask<T>, QueryRejection>;

fn asked<T>(query: Asked<T>) -> Result<T, Response> {
    let Ask(query) = query.map_err(|rejection| refuse(StatusCode::BAD_REQUEST, &rejection.body_text()))?;
    Ok(query)
}

async fn detections(Extract(state): Extract<Arc<State>>, query: Asked<Query>) -> Result<Response, Response> {
    rows(&state, query, &DETECTION_COLUMNS, "detections", |backend, query| backend.detections(query)).await
}

async fn tracks(Extract(state): Extract<Arc<State>>, query: Asked<Query>) -> Result<Response, Response> {
    rows(&state, query, &TRACK_COLUMNS, "tracks", |backend, query| backend.tracks(query)).await
}

async fn rows(
    state: &Arc<State>,
    query: Asked<Query>,
    columns: &'static [&'static str],
    name: &'static str,
    read: impl FnOnce(&dyn Backend, &Query) -> Result<Rows, Refusal> + Send + 'static,
) -> Result<Response, Response> {
    let mut query = asked(query)?;
    let numbers = [query.from, query.to, query.min_snr_db, query.min_range_m, query.max_range_m];
    if numbers.into_iter().flatten().any(|number| !number.is_finite()) {
        return Err(refuse(StatusCode::BAD_REQUEST, "numbers are expected to be finite"));
    }
    if query.track.is_some_and(|track| !(0..=MAX_TRACK).contains(&track)) {
        return Err(refuse(StatusCode::BAD_REQUEST, &format!("track is expected to be 0 to {MAX_TRACK}")));
    }
    let limit = query.limit.unwrap_or(DEFAULT_ROWS);
    if limit > MAX_ROWS {
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            &format!("limit is {limit}, expected at most {MAX_ROWS}"),
        ));
    }
    query.limit = Some(limit);
    let format = query.format.unwrap_or_default();
    let answer = ask(state, move |backend| {
        let rows = read(backend, &query)?;
        Ok(match format {
            Format::Json => {
                serde_json::to_string(&rows).map_err(|error| Refusal::Failed(error.to_string()))?
            }
            Format::Csv => csv(columns, &rows.items),
        })
    });
    let body = answer.await.map_err(IntoResponse::into_response)?;
    Ok(match format {
        Format::Json => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Format::Csv => {
            let file = format!("attachment; filename=\"{name}.csv\"");
            (
                [
                    (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
                    (header::CONTENT_DISPOSITION, file),
                ],
                body,
            )
                .into_response()
        }
    })
}

const DETECTION_COLUMNS: [&str; 17] = [
    "time_s",
    "station",
    "run",
    "time",
    "cpi",
    "sample",
    "sample_fraction",
    "channel",
    "template",
    "delay_s",
    "range_m",
    "doppler_hz",
    "velocity_mps",
    "azimuth_deg",
    "snr_db",
    "power_db",
    "after_gap",
];

const TRACK_COLUMNS: [&str; 15] = [
    "time_s",
    "station",
    "run",
    "time",
    "track",
    "cpi",
    "range_m",
    "range_rate_mps",
    "azimuth_deg",
    "elevation_deg",
    "latitude_deg",
    "longitude_deg",
    "hits",
    "quality",
    "coasting",
];

/// Rows under the names of their columns. Text that a table program would take for a formula is made harmless.
fn csv(columns: &[&str], rows: &[Value]) -> String {
    let mut text = columns.join(",") + "\n";
    for row in rows {
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            match &row[*column] {
                Value::Null => {}
                Value::String(cell) => {
                    let safe = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
                    let _ = write!(text, "\"{safe}{}\"", cell.replace('"', "\"\""));
                }
                other => {
                    let _ = write!(text, "{other}");
                }
            }
        }
        text.push('\n');
    }
    text
}

async fn timeline(Extract(state): Extract<Arc<State>>, query: Asked<Stretch>) -> Result<Response, Response> {
    let stretch = asked(query)?;
    let (from, to, bins) = (stretch.from, stretch.to, stretch.bins.unwrap_or(DEFAULT_BINS));
    let wrong = |message: &str| Err(refuse(StatusCode::BAD_REQUEST, message));
    if !(1..=MAX_BINS).contains(&bins) {
        return wrong(&format!("bins is {bins}, expected 1 to {MAX_BINS}"));
    }
    if [from, to].into_iter().flatten().any(|time_s| !time_s.is_finite()) {
        return wrong("numbers are expected to be finite");
    }
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return wrong("from is expected to lie before to");
    }
    let timeline = ask(&state, move |backend| backend.timeline(&stretch, bins)).await;
    Ok(Json(timeline.map_err(IntoResponse::into_response)?).into_response())
}

async fn metrics_text(Extract(state): Extract<Arc<State>>) -> Result<Response, Refusal> {
    let status = ask(&state, |backend| Ok(backend.status())).await?;
    let text = metrics::text(&status, state.hub.counts(), state.refusals());
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

async fn aircraft_json(Extract(state): Extract<Arc<State>>) -> Result<Response, Refusal> {
    let query = Query { limit: Some(MAX_ROWS), ..Query::default() };
    let file = ask(&state, move |backend| {
        let status = backend.status();
        Ok(aircraft::json(&backend.tracks(&query)?.items, status.time_s, status.detections))
    });
    let headers = [(HeaderName::from_static("content-type"), "application/json")];
    Ok((headers, file.await?).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_every_route_and_no_other() {
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        let mut written: Vec<(String, String)> = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                assert!(
                    operation["summary"].is_string() && operation["responses"].is_object(),
                    "{method} {path}"
                );
                written.push((method.clone(), path.clone()));
            }
        }
        let mut routed: Vec<(String, String)> =
            ROUTES.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
        written.sort();
        routed.sort();
        assert_eq!(written, routed);
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn cells_are_quoted_and_formulas_are_none() {
        let rows = [json!({"template": "=1+\"1\"", "snr_db": -3.5, "time": null})];
        assert_eq!(
            csv(&["template", "snr_db", "time"], &rows),
            "template,snr_db,time\n\"'=1+\"\"1\"\"\",-3.5,\n"
        );
    }
}
