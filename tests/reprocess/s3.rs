//! Recordings in S3, of a real server on loopback (`tests/python/s3_server.py`): what comes out is what comes of the same
//! files in a folder.

use super::Case;
use crate::common::{rangegate, repository, run_ok, stderr, text};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

/// Long enough that it is not read as a whole to know it.
const LONG_S: f64 = 3.0;

/// The server, which ends with the test.
struct Server {
    process: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    endpoint: String,
    key: String,
    secret: String,
}

impl Server {
    /// `None`, loudly, where nobody installed it.
    fn start() -> Option<Self> {
        let Some(python) = std::env::var_os("RANGEGATE_S3_PYTHON") else {
            println!(
                "SKIPPED 1 case: RANGEGATE_S3_PYTHON names no Python with a server (scripts/test installs one)"
            );
            return None;
        };
        let mut command = Command::new(python);
        command.arg(repository("tests/python/s3_server.py")).stderr(Stdio::null());
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let commands = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().unwrap());
        let mut said = String::new();
        answers.read_line(&mut said).unwrap();
        let words: Vec<_> = said.split_whitespace().map(str::to_owned).collect();
        let [endpoint, key, secret] = words.try_into().unwrap();
        Some(Self { process, commands, answers, endpoint, key, secret })
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn tell(&mut self, command: &str) -> String {
        writeln!(self.commands.as_mut().unwrap(), "{command}").unwrap();
        self.line()
    }

    /// Puts all files of a folder into the bucket.
    fn put(&mut self, folder: &Path, prefix: &str) {
        for (name, path) in files(folder) {
            assert_eq!(self.tell(&format!("put {} {prefix}/{name}", text(&path))), "done");
        }
    }

    /// How often objects were read since this was asked last.
    fn reads(&mut self) -> u64 {
        self.tell("reads").parse().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = rangegate();
        command.args(arguments).arg("--quiet");
        command.envs([
            ("AWS_ENDPOINT_URL", &*self.endpoint),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ALLOW_HTTP", "true"),
        ]);
        command.envs([("AWS_ACCESS_KEY_ID", &self.key), ("AWS_SECRET_ACCESS_KEY", &self.secret)]);
        command.output().unwrap()
    }

    /// Reprocesses what is at an address; exit code and standard error.
    fn reprocess(&self, case: &Case, address: &str, out: &str, more: &[&str]) -> (i32, String) {
        let out = case.at(out);
        let mut arguments = vec!["reprocess", address, "--config", text(&case.config), "--out", text(&out)];
        arguments.extend(more);
        let output = self.run(&arguments);
        let said = stderr(&output);
        assert!(!said.contains("panicked") && !said.contains(&self.secret), "{said}");
        (output.status.code().unwrap(), said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.commands = None;
        let _ = self.process.wait();
    }
}

/// Names of all files in a folder, from there, with their paths.
fn files(folder: &Path) -> BTreeMap<String, PathBuf> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(path) = folders.pop() {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(text(path.strip_prefix(folder).unwrap()).to_owned(), path);
            }
        }
    }
    found
}

/// Names of pieces.
fn pieces(out: &Path) -> Vec<String> {
    let names = files(&out.join("pieces")).into_keys();
    names.filter(|name| name.ends_with(".piece")).collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A long recording as SigMF in the folder `archive`.
fn long_sigmf() -> Case {
    let case = Case::new("recordings/chirps/scene.toml", LONG_S, "configs/chirps.toml", "");
    std::fs::create_dir_all(case.at("archive")).unwrap();
    run_ok(&["convert", text(&case.recording), "--quiet", text(&case.at("archive/long.sigmf-meta"))]);
    case
}

/// Chunks of an object of which the mirror says that they are there, and all of them.
fn chunks(cache: &Path, key: &str) -> (usize, usize) {
    let record = std::fs::read(cache.join("records/archive").join(key)).unwrap();
    let head = record.iter().position(|octet| *octet == b'\n').unwrap();
    let marks = &record[head + 1..];
    (marks.iter().filter(|mark| **mark == b'x').count(), marks.len())
}

#[test]
fn what_comes_of_objects_is_what_comes_of_files() {
    let Some(mut server) = Server::start() else { return };
    let case = Case::burst();
    let archive = case.at("archive");
    std::fs::create_dir_all(&archive).unwrap();
    for name in ["a.sigmf-meta", "rf", "plain.h5"] {
        run_ok(&["convert", text(&case.recording), "--quiet", "--fill-gaps", text(&archive.join(name))]);
    }
    std::fs::write(archive.join("notes.txt"), "is no recording").unwrap();
    server.put(&archive, "2026/june");
    let arguments = ["reprocess", text(&archive), "--config", text(&case.config), "--quiet", "--pieces", "5"];
    run_ok(&[&arguments[..], &["--out", text(&case.at("local"))]].concat());
    let (code, said) = server.reprocess(&case, "s3://archive/2026", "remote", &["--pieces", "5"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(pieces(&case.at("remote")), pieces(&case.at("local")));
    assert!(pieces(&case.at("remote")).len() == 15);
    for name in ["a", "rf", "plain"] {
        let read = |out: &str| std::fs::read(case.at(out).join(name).join("detections.jsonl")).unwrap();
        assert!(read("remote") == read("local"), "{name}");
        assert!(name == "plain" || read("remote") == case.detections, "{name}");
    }
    let address = "s3://archive/2026/june/a.sigmf-meta";
    assert_eq!(json(&case.at("remote/reprocess.json"))["recordings"][0]["path"], address);
    assert_eq!(json(&case.at("remote/a/run.json"))["recording"]["path"], address);
    assert!(!case.at("remote/pieces/s3").exists());
    // One that is named, by one of its halves.
    let (code, said) = server.reprocess(&case, address, "one", &["--pieces", "2"]);
    assert_eq!(code, 0, "{said}");
    assert!(std::fs::read(case.at("one/a/detections.jsonl")).unwrap() == case.detections);
}

#[test]
fn of_an_object_only_what_is_needed_is_fetched_and_only_once() {
    let Some(mut server) = Server::start() else { return };
    let case = long_sigmf();
    server.put(&case.at("archive"), "x");
    let cache = case.at("cache");
    let more = ["--pieces", "8", "--workers", "2", "--cache", text(&cache)];
    let shard = [&more[..], &["--shard", "0/8"]].concat();
    let (code, said) = server.reprocess(&case, "s3://archive/x", "out", &shard);
    assert_eq!(code, 0, "{said}");
    let (there, all) = chunks(&cache, "x/long.sigmf-data");
    println!("{there} of {all} chunks for a piece of 8, in {} reads", server.reads());
    // An eighth, both ends, and what chunks are larger than that.
    assert!(all >= 40 && there <= all.div_ceil(8) + 3, "{there} of {all}");
    let (code, said) = server.reprocess(&case, "s3://archive/x", "out", &shard);
    assert_eq!((code, server.reads()), (0, 0), "{said}");
    let (code, said) = server.reprocess(&case, "s3://archive/x", "out", &more);
    assert_eq!(code, 0, "{said}");
    assert!(std::fs::read(case.at("out/long/detections.jsonl")).unwrap() == case.detections);
    assert!(server.reads() > 0);
    // Elsewhere, all is done again, and nothing fetched.
    let (code, said) = server.reprocess(&case, "s3://archive/x", "elsewhere", &more);
    assert_eq!((code, server.reads()), (0, 0), "{said}");
    assert!(std::fs::read(case.at("elsewhere/long/detections.jsonl")).unwrap() == case.detections);
}

#[test]
fn an_object_that_changes_or_goes_under_way_is_set_aside() {
    let Some(mut server) = Server::start() else { return };
    let case = long_sigmf();
    let (data, other) = (case.at("archive/long.sigmf-data"), case.at("other"));
    let mut bytes = std::fs::read(&data).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&other, bytes).unwrap();
    // Two reads of its ends tell which it is; the third is a worker's.
    let more = ["--pieces", "4", "--workers", "1"];
    for (command, reason) in [
        (format!("change {} KEY 2", text(&other)), "is not what it was when it was listed"),
        ("remove KEY 2".to_owned(), "is not there any more"),
        ("remove KEY 0".to_owned(), "is not there any more"),
    ] {
        server.put(&case.at("archive"), "y");
        assert_eq!(server.tell(&command.replace("KEY", "y/long.sigmf-data")), "done");
        let out = command.split(' ').next().unwrap().to_owned() + &command[command.len() - 1..];
        let (code, said) = server.reprocess(&case, "s3://archive/y", &out, &more);
        assert_eq!(code, 1, "{said}");
        let aside = json(&case.at(&out).join("reprocess.json"))["set_aside"].clone();
        assert_eq!(aside[0]["recording"], "s3://archive/y/long.sigmf-meta");
        let said = aside[0]["reason"].as_str().unwrap();
        assert_eq!(said, format!("s3://archive/y/long.sigmf-data {reason}"));
        // The next start takes it as it now is.
        server.put(&case.at("archive"), "y");
        let (code, said) = server.reprocess(&case, "s3://archive/y", &out, &more);
        assert_eq!(code, 0, "{said}");
        assert!(std::fs::read(case.at(&out).join("long/detections.jsonl")).unwrap() == case.detections);
    }
}

#[test]
fn what_the_server_refuses_is_told() {
    let Some(mut server) = Server::start() else { return };
    let case = Case::burst();
    let fails = |server: &Server, address: &str, told: &str| {
        let (code, said) = server.reprocess(&case, address, "refused", &[]);
        assert!(code == 2 && said.contains(told), "{address}: {code} {said}");
    };
    assert_eq!(server.tell(&format!("put {} z/config.toml", text(&case.config))), "done");
    fails(&server, "s3://archive/z", "no recording is in what was named");
    fails(&server, "s3://nowhere/z", "s3://nowhere/z: there is no such bucket");
    fails(&server, "s3://archive/nothing", "s3://archive/nothing does not exist");
    fails(&server, "s3://", "names no bucket");
    let key = std::mem::replace(&mut server.key, "AKIAWRONG".to_owned());
    fails(&server, "s3://archive/z", "the server refuses the key");
    server.key = key;
    let secret = std::mem::replace(&mut server.secret, "wrong-secret".to_owned());
    fails(&server, "s3://archive/z", "SignatureDoesNotMatch");
    server.secret = secret;
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    server.endpoint = format!("http://{free}");
    fails(&server, "s3://archive/z", "s3://archive/z: the server cannot be asked: ");
}
