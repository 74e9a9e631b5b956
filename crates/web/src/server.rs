//! The server: its address, its limits, its threads.

use crate::auth::{Gate, TokenError, Tokens};
use crate::backend::Backend;
use crate::hub::Hub;
use crate::{api, live};
use axum::Router;
use axum::http::StatusCode;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant as Deadline, Sleep};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// Connections at once.
const MAX_CONNECTIONS: usize = 256;
/// Connections beyond them that are told so at once.
const MAX_TURNED_AWAY: usize = 64;
/// Clients of the live view at once.
pub(crate) const MAX_CLIENTS: usize = 64;
/// How long a request's head may take, and so how long a connection may be idle.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// How long TLS may take to agree.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long whoever is written to may read nothing.
const WRITE_TIME: Duration = Duration::from_secs(10);
/// Largest head of a request, bytes.
const MAX_HEAD: usize = 64 << 10;
/// Bytes that the system holds for a connection: what a client does not read piles up in the server's memory no further.
const SEND_BUFFER: u32 = 512 << 10;

/// Where and for whom to serve.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Address; port 0 is any that is free.
    pub listen: Option<SocketAddr>,
    /// Certificate chain and private key, PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Who may do what; none: this machine alone.
    pub tokens: Tokens,
    /// Names that this server is called by, besides addresses and `localhost`.
    pub hosts: Vec<String>,
    /// What stations should see, as `rangegate coverage` writes it: GeoJSON that has been looked at.
    pub coverage: Option<String>,
}

/// Where the page is, unless somebody says otherwise.
pub const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8073);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Others could listen in, or interfere.
    #[error(
        "{0} is not this machine alone: expected a certificate with its key (--tls-cert, --tls-key) and tokens (--tokens; \
         `rangegate token` makes them)"
    )]
    Unsafe(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// Certificate or key cannot be used.
    #[error("{path}: {message}")]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// No random numbers.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The system gives no thread.
    #[error("cannot start the web server's threads: {0}")]
    Threads(io::Error),
}

/// What all requests share.
pub(crate) struct State {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) gate: Gate,
    pub(crate) hosts: Vec<String>,
    pub(crate) is_loopback: bool,
    /// Tells one start of the server from another.
    pub(crate) session: String,
    pub(crate) started: Instant,
    pub(crate) requests: AtomicU64,
    pub(crate) refused: AtomicU64,
    /// Questions to the backend that may wait at once.
    pub(crate) questions: Semaphore,
    /// GeoJSON, as it is sent.
    pub(crate) coverage: Option<axum::body::Bytes>,
}

/// A server that runs; dropping it ends it.
pub struct Server {
    runtime: Option<tokio::runtime::Runtime>,
    address: SocketAddr,
    is_tls: bool,
}

/// How far this thread stands behind those of the radar (nice(2)).
const BEHIND: i32 = 10;

/// Lets the radar's threads go before the calling one where cores are short: who looks on then sees fewer frames, and the
/// radar loses nothing. Without effect where a thread has no priority of its own (other systems than Linux).
pub fn give_way() {
    #[cfg(target_os = "linux")]
    {
        // The thread that asks, in spite of the name: Linux keeps this number for each.
        let now = rustix::process::getpriority_process(None).unwrap_or(0);
        let _ = rustix::process::setpriority_process(None, now.saturating_add(BEHIND).min(19));
    }
}

impl Server {
    /// Starts serving, in threads of its own.
    ///
    /// # Errors
    /// The address is no loopback and TLS or tokens are missing, or it cannot be had.
    pub fn start(options: &Options, backend: Arc<dyn Backend>, hub: Arc<Hub>) -> Result<Self, ServeError> {
        let address = options.listen.unwrap_or(DEFAULT_ADDRESS);
        let is_loopback = address.ip().to_canonical().is_loopback();
        if !is_loopback && (options.tls.is_none() || options.tokens.is_empty()) {
            return Err(ServeError::Unsafe(address));
        }
        let tls = options.tls.as_ref().map(|(cert, key)| acceptor(cert, key)).transpose()?;
        let state = Arc::new(State {
            backend,
            hub,
            gate: Gate::new(options.tokens.clone())?,
            hosts: options.hosts.clone(),
            is_loopback,
            session: crate::auth::random_hex(8)?,
            started: Instant::now(),
            requests: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            questions: Semaphore::new(4),
            coverage: options.coverage.clone().map(Into::into),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(8)
            .thread_name("web")
            .on_thread_start(give_way)
            .enable_all()
            .build()
            .map_err(ServeError::Threads)?;
        let listen = |source| ServeError::Listen { address, source };
        let listener = {
            let _inside = runtime.enter();
            bind(address).map_err(listen)?
        };
        let (address, is_tls) = (listener.local_addr().map_err(listen)?, tls.is_some());
        let router = api::router(Arc::clone(&state));
        runtime.spawn(live::tell_status(state));
        runtime.spawn(accept(listener, router, tls));
        Ok(Self { runtime: Some(runtime), address, is_tls })
    }

    /// The address, with the port that was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a browser finds it.
    pub fn url(&self) -> String {
        format!("http{}://{}/", if self.is_tls { "s" } else { "" }, self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    // Connections take it over.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(1024)
}

fn acceptor(cert: &Path, key: &Path) -> Result<TlsAcceptor, ServeError> {
    let wrong = |path: &Path, error: &dyn std::fmt::Display| ServeError::Tls {
        path: path.to_owned(),
        message: error.to_string(),
    };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(cert, &error))?;
    if chain.is_empty() {
        return Err(wrong(cert, &"holds no certificate, expected PEM"));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| wrong(cert, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(listener: TcpListener, router: Router, tls: Option<TlsAcceptor>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let turned_away = Arc::new(Semaphore::new(MAX_TURNED_AWAY));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // Out of files, or it was gone again.
            Err(error) => {
                tracing::debug!("accept: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        match (Arc::clone(&places).try_acquire_owned(), Arc::clone(&turned_away).try_acquire_owned()) {
            (Ok(place), _) => drop(tokio::spawn(serve(stream, router.clone(), tls.clone(), place))),
            (Err(_), Ok(place)) if tls.is_none() => drop(tokio::spawn(turn_away(stream, place))),
            // Even that would be too much.
            (Err(_), _) => drop(stream),
        }
    }
}

/// Says that there is no room.
async fn turn_away(mut stream: TcpStream, _place: OwnedSemaphorePermit) {
    let body = r#"{"error":{"message":"too many connections: try again later","status":503}}"#;
    let answer = format!(
        "HTTP/1.1 {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nRetry-After: 5\r\nConnection: close\r\n\r\n{body}",
        StatusCode::SERVICE_UNAVAILABLE,
        body.len()
    );
    let told = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        // What is not read would make the system take back what was said.
        let mut rest = [0; 4096];
        while stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = tokio::time::timeout(Duration::from_secs(2), told).await;
}

async fn serve(stream: TcpStream, router: Router, tls: Option<TlsAcceptor>, _place: OwnedSemaphorePermit) {
    match tls {
        None => speak(Patient::new(stream), router).await,
        Some(tls) => {
            let agreed = tokio::time::timeout(HANDSHAKE_TIME, tls.accept(Patient::new(stream))).await;
            match agreed {
                Ok(Ok(stream)) => speak(stream, router).await,
                Ok(Err(error)) => tracing::debug!("TLS: {error}"),
                Err(_) => tracing::debug!("TLS: no handshake within {HANDSHAKE_TIME:?}"),
            }
        }
    }
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!("connection: {error}");
    }
}

/// A connection that fails where nothing of what is written is read for a while.
struct Patient {
    stream: TcpStream,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn new(stream: TcpStream) -> Self {
        Self { stream, waiting: None }
    }

    fn poll_patiently<T>(
        &mut self,
        context: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(done) = poll(Pin::new(&mut self.stream), context) {
            self.waiting = None;
            return Poll::Ready(done);
        }
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Deadline::now() + WRITE_TIME)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the other side reads nothing")))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buf)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_patiently(context, |stream, context| stream.poll_write(context, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_patiently(context, |stream, context| stream.poll_write_vectored(context, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl State {
    pub(crate) fn refusals(&self) -> u64 {
        self.refused.load(Relaxed)
    }
}
