//! A radio on another computer, through SoapySDRServer.

use super::common::{rangegate, text};
use super::noise::{noise_radio, runs_of_noise};
use super::{captured, module, with_radio};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A program that listens on loopback, ended when dropped.
struct Server(std::process::Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What SoapySDRServer announces itself through, where it does not run yet: without it the server ends.
fn name_service(folder: &Path) -> Vec<Server> {
    let answers = |socket: &str| std::os::unix::net::UnixStream::connect(socket).is_ok();
    let start = |program: &str, arguments: &[&str], socket: &str| {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = command.spawn().map(Server).ok();
        let deadline = Instant::now() + Duration::from_secs(5);
        while started.is_some() && !answers(socket) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        started
    };
    let (bus, avahi) = ("/run/dbus/system_bus_socket", "/run/avahi-daemon/socket");
    if answers(avahi) {
        return Vec::new();
    }
    let mut started = Vec::new();
    if !answers(bus) {
        // A socket that nobody answers would be in the way.
        let _ = std::fs::create_dir_all("/run/dbus").and_then(|()| std::fs::remove_file(bus));
        started.extend(start("dbus-daemon", &["--system", "--nofork", "--nopidfile"], bus));
    }
    // On loopback alone.
    let config = folder.join("avahi.conf");
    let _ = std::fs::write(&config, "[server]\nallow-interfaces=lo\nuse-ipv6=no\n");
    started.extend(start("avahi-daemon", &["--no-drop-root", "--no-rlimits", "-f", text(&config)], avahi));
    started
}

#[test]
fn a_radio_on_another_computer_is_heard_through_soapy_remote() {
    let Some(module) = module() else { return };
    let skip = |why: &str| println!("SKIPPED 1 case: {why}");
    if !Path::new("/usr/bin/SoapySDRServer").exists() {
        return skip("soapyremote-server is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let _daemons = name_service(folder.path());
    let device = noise_radio(folder.path(), "native=CS16,paced=false");
    let mut command = with_radio(Command::new("SoapySDRServer"), &module);
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let bind = format!("tcp://{port}");
    let server = command.arg(format!("--bind={bind}")).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Ok(server) = server else { return skip("SoapySDRServer does not start") };
    let mut server = Server(server);
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(port).is_err() {
        if server.0.try_wait().is_ok_and(|ended| ended.is_some()) || Instant::now() > deadline {
            return skip("SoapySDRServer ended: it needs dbus-daemon and avahi-daemon");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let out = folder.path().join("remote.sigmf-meta");
    let remote =
        device.replace("driver=rangegate", &format!("driver=remote,remote={bind},remote:driver=rangegate"));
    // The client module is the system's own: the simulated radio lives in the server alone.
    let output = rangegate()
        .args(["capture", "--device", &remote, "--freq", "1G", "--rate", "1M", "--duration", "1", "--json"])
        .args(["--stream-arg", "remote:prot=tcp", "--out", text(&out)])
        .output()
        .unwrap();
    let report = captured(&output, 0);
    assert_eq!(report["samples"], 1_000_000);
    let runs = runs_of_noise(&out);
    assert_eq!((runs.len(), runs[0].1 - runs[0].0), (1, 1_000_000));
}
