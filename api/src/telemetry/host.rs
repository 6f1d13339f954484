//! What the machine says about itself.

/// What is known of the machine; what is unknown is zero or empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// Version of the operating system.
    pub release: String,
    /// Seconds since the machine was started.
    pub uptime: f64,
    /// Average number of programs that wanted to run, over one, five and fifteen minutes.
    pub load: Vec<f64>,
    /// Total memory, in bytes.
    pub memory: u64,
    /// Memory available to programs, in bytes.
    pub free_memory: u64,
    pub processors: usize,
}

impl Machine {
    pub async fn look() -> Self {
        tokio::task::spawn_blocking(Self::read)
            .await
            .unwrap_or_default()
    }

    fn read() -> Self {
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let numbers = |path: &str| -> Vec<f64> {
            text(path)
                .split_whitespace()
                .map_while(|word| word.parse().ok())
                .collect()
        };
        let memory = text("/proc/meminfo");
        Self {
            release: text("/proc/sys/kernel/osrelease").trim().to_owned(),
            uptime: numbers("/proc/uptime").first().copied().unwrap_or(0.0),
            load: numbers("/proc/loadavg").into_iter().take(3).collect(),
            memory: kibibytes(&memory, "MemTotal:"),
            free_memory: kibibytes(&memory, "MemAvailable:"),
            processors: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
        }
    }
}

/// A line of `/proc/meminfo`, in bytes.
fn kibibytes(memory: &str, name: &str) -> u64 {
    let number = |line: &str| {
        let rest = line.strip_prefix(name)?;
        rest.split_whitespace().next()?.parse::<u64>().ok()
    };
    memory.lines().find_map(number).unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_told_in_bytes() {
        let memory = "MemTotal:        2048 kB\nMemFree:  1 kB\n";
        assert_eq!(kibibytes(memory, "MemTotal:"), 2048 * 1024);
        assert_eq!(kibibytes(memory, "MemAvailable:"), 0);
    }
}
