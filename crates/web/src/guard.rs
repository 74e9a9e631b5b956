//! What stands before every answer: Host, Origin and token are looked at, and the headers that keep a page to itself are
//! set.
#![allow(clippy::result_large_err, reason = "a refusal is an answer, as large as answers are")]

use crate::auth::Scope;
use crate::server::State;
use axum::Json;
use axum::extract::{Request, State as Extract};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The page is of one origin: nothing from elsewhere, nothing inline, no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src \
                      'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The longest that an answer may take, but for a WebSocket.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// An answer that refuses.
pub(crate) fn refuse(status: StatusCode, message: &str) -> Response {
    let body = Json(serde_json::json!({"error": {"message": message, "status": status.as_u16()}}));
    let mut response = (status, body).into_response();
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Looks at each request before anything else does.
pub(crate) async fn guard(Extract(state): Extract<Arc<State>>, mut request: Request, next: Next) -> Response {
    state.requests.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let is_socket = request.uri().path() == LIVE;
    let mut response = match admit(&state, &mut request) {
        Err(refusal) => {
            state.refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            refusal
        }
        Ok(()) if is_socket => next.run(request).await,
        Ok(()) => match tokio::time::timeout(ANSWER_TIME, next.run(request)).await {
            Ok(response) => response,
            Err(_) => refuse(StatusCode::SERVICE_UNAVAILABLE, "the answer took too long: ask for less"),
        },
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The WebSocket.
pub(crate) const LIVE: &str = "/api/v1/live";

fn admit(state: &State, request: &mut Request) -> Result<(), Response> {
    let host = host(request.headers(), request.uri());
    let Some(host) = host.filter(|host| is_ours(host, state)) else {
        return Err(refuse(
            StatusCode::MISDIRECTED_REQUEST,
            "the Host header is none of this server's: name it with --host",
        ));
    };
    if !is_same_origin(request.headers(), &host) {
        return Err(refuse(StatusCode::FORBIDDEN, "the Origin is not this server"));
    }
    let Some(needed) = needed(state.gate.is_closed(), request.method(), request.uri().path()) else {
        return Ok(());
    };
    let is_socket = request.uri().path() == LIVE;
    let scope = match bearer(request.headers()) {
        Err(()) => Err(()),
        Ok(None) if is_socket && state.gate.is_closed() => {
            let ticket =
                request.uri().query().unwrap_or("").split('&').find_map(|pair| pair.strip_prefix("ticket="));
            Ok(ticket.filter(|ticket| state.gate.redeem(ticket)).map(|_| Scope::Read))
        }
        Ok(token) => state.gate.scope(token),
    };
    match scope {
        Err(()) => Err(refuse(StatusCode::UNAUTHORIZED, "the token is none of this server's")),
        Ok(None) => Err(refuse(StatusCode::UNAUTHORIZED, "a token is needed: Authorization: Bearer TOKEN")),
        Ok(Some(scope)) if scope < needed => {
            let status =
                if state.gate.is_closed() { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
            Err(refuse(status, &format!("the scope is {}, expected {}", scope.name(), needed.name())))
        }
        Ok(Some(_)) => Ok(()),
    }
}

/// The scope that a request needs; `None` for the page itself, which holds no data, and its session.
fn needed(is_closed: bool, method: &Method, path: &str) -> Option<Scope> {
    let is_data = path.starts_with("/api/") || path.starts_with("/data/") || path == "/metrics";
    match path {
        "/api/v1/openapi.json" => None,
        "/api/v1/ticket" => Some(Scope::Read),
        // It may name folders of this machine.
        "/api/v1/config" if is_closed => Some(Scope::Admin),
        _ if is_data && (method == Method::GET || method == Method::HEAD) => Some(Scope::Read),
        _ if is_data => Some(Scope::Operate),
        _ => None,
    }
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ()> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let value = value.to_str().map_err(drop)?;
    let (scheme, token) = value.split_once(' ').ok_or(())?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(Some(token.trim())) } else { Err(()) }
}

/// Name and port that the request is for.
fn host(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok()?.to_owned(),
        (None, _) => uri.authority()?.to_string(),
        _ => return None,
    };
    Some(host.to_ascii_lowercase())
}

/// Whether a name is one that this server is called by. A name that somebody else made to point here is not: their page
/// would be of the same origin (DNS rebinding). A bare address cannot be made to point anywhere.
fn is_ours(host: &str, state: &State) -> bool {
    let name = name_of(host);
    if state.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(name) || ours.eq_ignore_ascii_case(host)) {
        return true;
    }
    match name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) => address.is_loopback() || !state.is_loopback,
        Err(_) => name == "localhost",
    }
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|c| c.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

/// Whether a page of another origin asks. Programs send no Origin; browsers do where it matters.
fn is_same_origin(headers: &HeaderMap, host: &str) -> bool {
    let is_cross_site = |value: &HeaderValue| !matches!(value.as_bytes(), b"same-origin" | b"none");
    match headers.get(header::ORIGIN) {
        Some(origin) => {
            origin.to_str().ok().and_then(|origin| origin.split_once("://")).is_some_and(|(scheme, name)| {
                matches!(scheme, "http" | "https") && name.eq_ignore_ascii_case(host)
            })
        }
        // A link from elsewhere to the page is fine, and to data harmless: whoever linked cannot read it. But it is not
        // asked for by this page.
        None => headers.get("sec-fetch-site").is_none_or(|site| {
            !is_cross_site(site) || headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lose_their_port_and_nothing_else() {
        for (host, name) in [
            ("localhost:80", "localhost"),
            ("localhost", "localhost"),
            ("[::1]:8073", "[::1]"),
            ("[::1]", "[::1]"),
            ("127.0.0.1:1", "127.0.0.1"),
            ("evil.example:80", "evil.example"),
            ("", ""),
        ] {
            assert_eq!(name_of(host), name, "{host}");
        }
    }

    #[test]
    fn only_the_page_itself_is_of_the_same_origin() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            is_same_origin(&headers, "localhost:8073")
        };
        assert!(
            of(&[]) && of(&[("origin", "http://localhost:8073")]) && of(&[("sec-fetch-site", "same-origin")])
        );
        assert!(of(&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")]));
        for origin in [
            "null",
            "http://localhost",
            "http://evil.example",
            "http://localhost:8073.evil.example",
            "file://localhost:8073",
        ] {
            assert!(!of(&[("origin", origin)]), "{origin}");
        }
        assert!(!of(&[("sec-fetch-site", "cross-site")]));
    }
}
