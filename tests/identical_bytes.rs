//! The same recording and configuration give the same bytes, however the work is spread and the file is read.

mod common;

use common::{replay, repository, text};

#[test]
fn any_runner_any_number_of_workers_mapped_or_not() {
    let cases = [
        ("recordings/barker/barker.sigmf-meta", "configs/barker.toml"),
        ("recordings/chirps/chirps", "configs/chirps.toml"),
        ("recordings/gold/gold.sigmf-meta", "configs/gold-code.toml"),
    ];
    let out = tempfile::tempdir().unwrap();
    for (recording, config) in cases {
        let (recording, config) = (repository(recording), repository(config));
        let once = |how: &[&str]| replay(&recording, &config, out.path(), how);
        let first = once(&["--runner", "inline"]);
        assert!(!first.is_empty(), "{}: nothing detected", text(&recording));
        for threads in ["1", "2", "4"] {
            assert_eq!(first, once(&["--runner", "threads", "--threads", threads]), "{threads} workers");
            assert_eq!(first, once(&["--threads", threads, "--no-mmap"]), "{threads} workers, not mapped");
        }
        assert_eq!(first, once(&["--runner", "inline", "--no-mmap"]), "inline, not mapped");
        assert_eq!(first, once(&["--speed", "8"]), "paced");
    }
}
