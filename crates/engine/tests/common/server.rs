//! A NATS server of the test's own, on a port that was free.
#![allow(dead_code, reason = "each test uses some of it")]

use super::PATIENCE;
use rangegate_engine::nats::{NatsConfig, server_config::ServerConfig};
use rangegate_engine::{Exchange, Nats};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The server's program; without it tests say so.
pub fn program() -> Option<PathBuf> {
    std::env::var_os("RANGEGATE_NATS_SERVER").map(PathBuf::from)
}

pub struct Server {
    child: Option<Child>,
    address: SocketAddr,
    file: PathBuf,
}

impl Server {
    /// A server with whatever else its configuration is to hold; it keeps all below the folder.
    pub fn start(folder: &Path, text: impl Fn(SocketAddr) -> String) -> Self {
        let begun = Instant::now();
        loop {
            // Free a moment ago; another may take it meanwhile.
            let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let file = folder.join("nats.conf");
            std::fs::write(&file, text(address)).unwrap();
            let mut server = Self { child: None, address, file };
            if server.run() {
                return server;
            }
            assert!(begun.elapsed() < PATIENCE, "{}", server.log());
        }
    }

    /// One without accounts, as a user has it at home.
    pub fn plain(folder: &Path) -> Self {
        let store = folder.join("store");
        Self::start(folder, |address| {
            format!(
                "listen: \"{address}\"\nmax_payload: 300000\njetstream {{ store_dir: \"{}\", sync_interval: always }}\n",
                store.display()
            )
        })
    }

    pub fn of(folder: &Path, config: impl Fn(SocketAddr) -> ServerConfig) -> Self {
        Self::start(folder, |address| config(address).text().unwrap())
    }

    /// Starts it (again); false if it ended at once.
    pub fn run(&mut self) -> bool {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.file.with_extension("log"));
        let child = Command::new(program().unwrap())
            .arg("-c")
            .arg(&self.file)
            .stdout(Stdio::null())
            .stderr(log.unwrap())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                return false;
            }
            if TcpStream::connect(self.address).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the server does not listen: {}", self.log());
    }

    /// `kill -9`
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.file.with_extension("log")).unwrap_or_default()
    }

    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn config(url: &str) -> NatsConfig {
    // A machine that stalls is none that is down.
    let (timeout, handover) = (Duration::from_secs(20), Duration::from_secs(2));
    NatsConfig { timeout, handover, ..NatsConfig::new(url) }
}

pub fn connect(url: &str) -> Box<dyn Exchange> {
    Box::new(super::patiently(|| Nats::connect(config(url))))
}
