//! A file that messages are appended to, line by line, with rotation by size.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::sink::FileTarget;

/// Opens on first use, so that a pipeline without events makes no file.
pub(super) struct FileWriter {
    path: PathBuf,
    target: FileTarget,
    file: Option<File>,
    size: u64,
    started: bool,
}

impl FileWriter {
    pub(super) fn new(path: PathBuf, target: FileTarget) -> Self {
        Self { path, target, file: None, size: 0, started: false }
    }

    /// Appends each message as a line, in one write per file.
    pub(super) fn append(&mut self, messages: &[Bytes]) -> io::Result<()> {
        if self.file.as_ref().is_some_and(|file| !is_at(file, &self.path)) {
            // Moved or deleted by somebody who rotates logs: what goes on into it would be lost.
            self.sync()?;
            self.file = None;
        }
        let mut lines = Vec::with_capacity(messages.iter().map(|message| message.len() + 1).sum());
        for message in messages {
            let size = message.len() as u64 + 1;
            if let Some(limit) = self.target.rotate_bytes
                && self.position()? + lines.len() as u64 + size > limit
                && self.position()? + lines.len() as u64 > 0
            {
                self.write(&lines)?;
                lines.clear();
                self.rotate()?;
            }
            lines.extend_from_slice(message);
            lines.push(b'\n');
        }
        self.write(&lines)
    }

    /// Makes what was written durable.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_data)
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.position()?;
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = file.write_all(lines);
        if written.is_err() {
            // A torn line would damage the next one: begin anew behind the last whole batch.
            let _ = file.set_len(self.size);
            self.file = None;
        } else {
            self.size += lines.len() as u64;
        }
        written
    }

    fn position(&mut self) -> io::Result<u64> {
        if self.file.is_none() {
            if let Some(parent) = self.path.parent() {
                fs::create_dir_all(parent)?;
            }
            let fresh = self.target.overwrite && !self.started;
            let file = OpenOptions::new().create(true).append(!fresh).write(true).truncate(fresh).open(&self.path)?;
            self.size = file.metadata()?.len();
            self.file = Some(file);
            self.started = true;
        }
        Ok(self.size)
    }

    /// Renames `x.ndjson` to `x.ndjson.1`, the one before to `.2`, and so on.
    fn rotate(&mut self) -> io::Result<()> {
        self.sync()?;
        self.file = None;
        for number in (1..self.target.rotate_keep.max(1)).rev() {
            let from = numbered(&self.path, number);
            if from.exists() {
                fs::rename(from, numbered(&self.path, number + 1))?;
            }
        }
        fs::rename(&self.path, numbered(&self.path, 1))
    }
}

/// Whether the path still names the open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |meta: &fs::Metadata| (meta.dev(), meta.ino());
    matches!((file.metadata(), fs::metadata(path)), (Ok(open), Ok(there)) if id(&open) == id(&there))
}

/// Elsewhere an open file can be neither moved nor deleted.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(overwrite: bool, rotate_bytes: Option<u64>) -> FileTarget {
        FileTarget { path: String::new(), overwrite, rotate_bytes, rotate_keep: 2 }
    }

    #[test]
    fn appends_lines_and_keeps_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out/x.ndjson");
        for _ in 0..2 {
            let mut writer = FileWriter::new(path.clone(), target(false, None));
            writer.append(&[Bytes::from_static(b"{}"), Bytes::from_static(b"[]")]).unwrap();
            writer.sync().unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "{}\n[]\n{}\n[]\n");
        let mut writer = FileWriter::new(path.clone(), target(true, None));
        writer.append(&[Bytes::from_static(b"1")]).unwrap();
        writer.append(&[Bytes::from_static(b"2")]).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n2\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_moved_or_deleted_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("x"), dir.path().join("moved"));
        let mut writer = FileWriter::new(path.clone(), target(true, None));
        writer.append(&[Bytes::from_static(b"1")]).unwrap();
        fs::rename(&path, &moved).unwrap();
        writer.append(&[Bytes::from_static(b"2")]).unwrap();
        assert_eq!(
            (fs::read_to_string(&moved).unwrap(), fs::read_to_string(&path).unwrap()),
            ("1\n".into(), "2\n".into())
        );
        fs::remove_file(&path).unwrap();
        writer.append(&[Bytes::from_static(b"3")]).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "3\n");
    }

    #[test]
    fn rotates_by_size_and_keeps_a_few() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let mut writer = FileWriter::new(path.clone(), target(false, Some(6)));
        for text in ["aa", "bb", "cc", "dd", "ee", "ff", "gg"] {
            writer.append(&[Bytes::copy_from_slice(text.as_bytes())]).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "gg\n");
        assert_eq!(fs::read_to_string(numbered(&path, 1)).unwrap(), "ee\nff\n");
        assert_eq!(fs::read_to_string(numbered(&path, 2)).unwrap(), "cc\ndd\n");
        assert!(!numbered(&path, 3).exists());
    }
}
