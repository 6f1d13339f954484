//! The other side of `process`: this program, started again to do one job on one picture and end.
//!
//! The job is in the arguments, the picture comes on standard input, and the result goes to standard output: a line
//! with its kind, then the bytes. Before anything is read, the process gives up what it does not need. A picture that
//! exploits a decoder then finds nothing: no files, no secrets, and little memory and time.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::PictureError;
use super::kind::Kind;
use super::raster::{self, Made, Picture};

/// The argument that makes a worker of this program.
pub const COMMAND: &str = "picture-worker";

/// Memory of a worker beyond what the program itself takes, in bytes.
#[cfg(unix)]
const MEMORY: u64 = 400 << 20;

/// Processor time, in seconds. The largest allowed picture takes about two.
#[cfg(unix)]
const SECONDS: u64 = 10;

/// What is to be done with a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Job {
    /// Decode it completely and report its size.
    Measure,
    /// Make an avatar of it, with that many pixels a side, or in its own size.
    Avatar(Option<u32>),
    /// Make an emoji of it, no side longer than that many pixels.
    Emoji(u32),
    /// Encode it in another format, shrunk to the longest side allowed.
    Convert(Kind),
}

/// The result of a job, without the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Head {
    /// Width and height in pixels.
    Measured(u32, u32),
    /// The file stays as it is.
    Same(Kind),
    /// The bytes that follow are another picture.
    Other(Kind),
    /// No bytes follow.
    Refused(PictureError),
}

impl Job {
    fn run(self, file: Vec<u8>) -> (Head, Bytes) {
        let made = match self {
            Self::Measure => {
                let head = match raster::measure(file) {
                    Ok((width, height)) => Head::Measured(width, height),
                    Err(error) => Head::Refused(error),
                };
                return (head, Bytes::new());
            }
            Self::Avatar(side) => raster::avatar(file, side),
            Self::Emoji(side) => raster::emoji(file, side),
            Self::Convert(kind) => raster::convert(file, kind),
        };
        match made {
            Ok(Made::Same(kind)) => (Head::Same(kind), Bytes::new()),
            Ok(Made::Other(Picture { kind, bytes })) => (Head::Other(kind), bytes),
            Err(error) => (Head::Refused(error), Bytes::new()),
        }
    }
}

/// Does a worker's job, if this process was started as one.
pub fn run_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next()? != COMMAND {
        return None;
    }
    let job = arguments.next().unwrap_or_default();
    Some(match work(&job) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hansard: {error}");
            ExitCode::FAILURE
        }
    })
}

fn work(job: &str) -> std::io::Result<()> {
    confine()?;
    let job: Job = serde_json::from_str(job)?;
    let mut file = Vec::new();
    std::io::stdin().lock().read_to_end(&mut file)?;
    let (head, bytes) = job.run(file);
    let mut out = std::io::stdout().lock();
    let mut head = serde_json::to_vec(&head)?;
    head.push(b'\n');
    out.write_all(&head)?;
    out.write_all(&bytes)?;
    out.flush()
}

/// Gives up what a worker does not need: child processes, threads, files. It has none.
#[cfg(unix)]
fn confine() -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, nice, setrlimit};
    // The parent may die without telling.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // Requests of users come first.
    nice(10)?;
    let limit = |resource, most| {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit)
    };
    #[cfg(target_os = "linux")]
    limit(Resource::As, address_space()? + MEMORY)?;
    #[cfg(not(target_os = "linux"))]
    limit(Resource::Data, MEMORY)?;
    limit(Resource::Cpu, SECONDS)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    // Standard input, output and error are open; nothing else ever is.
    limit(Resource::Nofile, 3)?;
    #[cfg(target_os = "linux")]
    limit(Resource::Nproc, 0)?;
    Ok(())
}

#[cfg(not(unix))]
fn confine() -> std::io::Result<()> {
    Ok(())
}

/// What this process has mapped so far, in bytes: mainly the program.
#[cfg(target_os = "linux")]
fn address_space() -> std::io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kib = line.and_then(|size| {
        size.trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<u64>()
            .ok()
    });
    let kib = kib.ok_or_else(|| std::io::Error::other("/proc/self/status has no VmSize"))?;
    Ok(kib * 1024)
}
