//! The page, embedded. Its files are looked up by name, never joined into paths.

use crate::auth::hex;
use crate::guard::refuse;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::sync::OnceLock;

/// Name, content and compressed content of each file.
const FILES: &[(&str, &[u8], &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

struct File {
    name: &'static str,
    content: &'static [u8],
    /// The same, compressed.
    gzip: &'static [u8],
    tag: HeaderValue,
    kind: &'static str,
}

fn files() -> &'static [File] {
    static MADE: OnceLock<Vec<File>> = OnceLock::new();
    MADE.get_or_init(|| {
        let file = |&(name, content, gzip): &(&'static str, &'static [u8], &'static [u8])| {
            let tag = format!("\"{}\"", &hex(&Sha256::digest(content))[..32]);
            let tag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""));
            File { name, content, gzip, tag, kind: kind(name) }
        };
        FILES.iter().map(file).collect()
    })
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// The file that a path names, or that there is none.
pub(crate) async fn answer(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let name = match uri.path() {
        "/" => "index.html",
        path => path.strip_prefix('/').unwrap_or(path),
    };
    let Some(file) = files().iter().find(|file| file.name == name) else {
        return refuse(StatusCode::NOT_FOUND, "there is nothing here");
    };
    if method != Method::GET && method != Method::HEAD {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, "no such method here");
    }
    let common = [
        (header::CONTENT_TYPE, HeaderValue::from_static(file.kind)),
        (header::ETAG, file.tag.clone()),
        // Asked for each time, sent again only where it is another.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::VARY, HeaderValue::from_static("Accept-Encoding")),
    ];
    if headers.get(header::IF_NONE_MATCH) == Some(&file.tag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let takes_gzip = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let takes_gzip =
        takes_gzip.is_some_and(|value| value.split(',').any(|one| one.trim().starts_with("gzip")));
    match takes_gzip {
        true => (common, [(header::CONTENT_ENCODING, "gzip")], file.gzip).into_response(),
        false => (common, file.content).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_takes_nothing_from_elsewhere_and_is_small() {
        let index = files().iter().find(|file| file.name == "index.html").unwrap();
        let html = std::str::from_utf8(index.content).unwrap();
        for outside in
            ["src=\"http", "href=\"http", "src=\"//", "href=\"//", "<style", "onclick=", "style=\""]
        {
            assert!(!html.contains(outside), "{outside}");
        }
        assert!(!html.contains("<script>"));
        let bytes: usize =
            files().iter().filter(|file| file.name != "coastline.json").map(|file| file.gzip.len()).sum();
        assert!(bytes < 400_000, "{bytes} bytes compressed");
    }
}
