//! What a process has used so far, as Linux counts it.

use std::ops::Sub;
use std::time::Duration;

/// Ticks per second of the times in `/proc/<pid>/stat`: the same on every Linux.
const TICKS: u64 = 100;

/// Processor time and written bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Time of all its threads, in the program and in the system.
    pub processor: Duration,
    /// Bytes of files it made differ from the disk; a page that is written twice before the disk has it counts once.
    pub to_disk: u64,
    /// Bytes it passed to system calls that write.
    pub written: u64,
}

impl Usage {
    /// Of a process.
    ///
    /// # Panics
    /// Where there is no `/proc`, or no such process.
    pub fn of(pid: u32) -> Self {
        let read =
            |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).expect("/proc");
        let (stat, io) = (read("stat"), read("io"));
        // The name, in parentheses, may contain anything. Behind it the times are the 12th and 13th field.
        let fields = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        let ticks: u64 = fields
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        let count = |name: &str| {
            let line = io.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|count| count.trim().parse().ok())
                .unwrap_or_default()
        };
        Self {
            processor: Duration::from_millis(ticks * 1000 / TICKS),
            to_disk: count("write_bytes:"),
            written: count("wchar:"),
        }
    }
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            processor: self.processor.saturating_sub(before.processor),
            to_disk: self.to_disk - before.to_disk,
            written: self.written - before.written,
        }
    }
}
