//! The folder of an export as one archive, made as it is taken.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::sync::mpsc;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::downloads::Download;

/// Bytes gathered before they are handed on.
const PIECE: usize = 256 * 1024;

/// Makes the archive, all in a folder called `name`, until it is complete or nobody takes it. Ends with an error if not all
/// of it could be made. Blocks. The download counts until then.
pub fn archive(download: Download, name: &str, to: &mpsc::Sender<io::Result<Bytes>>) {
    let mut out = ZipWriter::new_stream(Pieces {
        to: to.clone(),
        piece: Vec::with_capacity(PIECE),
    });
    let written = add(&mut out, &download.files, name).and_then(|()| {
        let mut rest = out.finish()?.into_inner();
        rest.hand_on()
    });
    if let Err(error) = written {
        // Nobody may be there any more.
        let _ = to.blocking_send(Err(error));
    }
    drop(download);
}

fn add<W: Write + io::Seek>(out: &mut ZipWriter<W>, folder: &Path, name: &str) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    entries.sort();
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1))
        .last_modified_time(DateTime::default())
        .large_file(true);
    for path in entries {
        let own = path.file_name().unwrap_or_default().to_string_lossy();
        let own = format!("{name}/{own}");
        if path.is_dir() {
            add(out, &path, &own)?;
        } else {
            out.start_file(own, options)?;
            io::copy(&mut File::open(&path)?, out)?;
        }
    }
    Ok(())
}

/// Hands on what is written.
struct Pieces {
    to: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Pieces {
    fn hand_on(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        let sent = self.to.blocking_send(Ok(piece.into()));
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.hand_on()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::downloads::Downloads;
    use super::*;

    #[test]
    fn a_download_counts_until_its_archive_is_taken() {
        let scratch = tempfile::tempdir().unwrap();
        // More than fits into what is handed on at once, and made so that it does not become small.
        let mut state = 1_u64;
        let random = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state.to_be_bytes()[0]
        });
        let bytes: Vec<u8> = random.take(4 * PIECE).collect();
        std::fs::write(scratch.path().join("data"), bytes).unwrap();
        let downloads = Downloads::default();
        let download = || downloads.begin("one".into(), scratch.path().to_owned());
        let mut others: Vec<_> = std::iter::from_fn(download).collect();
        let this = others.pop().unwrap();
        let (to, mut pieces) = mpsc::channel(1);
        let made = std::thread::spawn(move || archive(this, "export", &to));
        let first = pieces.blocking_recv().unwrap();
        assert!(first.is_ok(), "it is under way");
        assert!(download().is_none(), "while it is, no other begins");
        while pieces.blocking_recv().is_some() {}
        made.join().unwrap();
        assert!(download().is_some(), "once it has ended, another does");
    }
}
