//! Lines of a file that another thread still writes.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Reads whole lines as they come.
pub struct Tail {
    path: PathBuf,
    file: Option<BufReader<File>>,
    line: String,
}

impl Tail {
    /// Of a file that need not be there yet.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), file: None, line: String::new() }
    }

    /// The next line, or `None` while there is no whole one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_line(&mut self) -> io::Result<Option<String>> {
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(file) => self.file = Some(BufReader::new(file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let Some(file) = &mut self.file else { return Ok(None) };
        file.read_line(&mut self.line)?;
        if self.line.ends_with('\n') {
            let mut line = std::mem::take(&mut self.line);
            line.pop();
            return Ok(Some(line));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::Tail;
    use std::io::Write;

    #[test]
    fn lines_come_when_they_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut tail = Tail::new(&path);
        assert_eq!(tail.next_line().unwrap(), None);
        let mut file = std::fs::File::create(&path).unwrap();
        write!(file, "one\ntw").unwrap();
        assert_eq!(tail.next_line().unwrap().as_deref(), Some("one"));
        assert_eq!(tail.next_line().unwrap(), None);
        write!(file, "o\n\nthree\n").unwrap();
        for expected in ["two", "", "three"] {
            assert_eq!(tail.next_line().unwrap().as_deref(), Some(expected));
        }
        assert_eq!(tail.next_line().unwrap(), None);
    }
}
