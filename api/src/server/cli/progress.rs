//! How far long work is, shown to whoever waits at the terminal.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use super::print;
use crate::documents::views::WorkReport;

/// Characters of the bar.
const WIDTH: u64 = 24;

/// How often a line is written where there is no terminal.
const QUIETLY: Duration = Duration::from_secs(10);

/// On a terminal one line that is overwritten; elsewhere a line now and then.
pub(super) struct Bar {
    begun: Instant,
    is_terminal: bool,
    shown: Option<Instant>,
}

impl Bar {
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            is_terminal: std::io::stdout().is_terminal(),
            shown: None,
        }
    }

    /// Shows how far the work of a server is.
    pub(super) fn show(&mut self, work: &WorkReport) {
        let pause = if self.is_terminal {
            Duration::ZERO
        } else {
            QUIETLY
        };
        // It is not known yet how much there is to do.
        if work.head == 0 || self.shown.is_some_and(|at| at.elapsed() < pause) {
            return;
        }
        self.shown = Some(Instant::now());
        // Progress that cannot be shown must not stop the work.
        let _ = if self.is_terminal {
            // What was longer before is wiped out.
            print(&format!("\r{}\u{1b}[K", line(work)))
        } else {
            print(&format!("{}\n", line(work)))
        };
    }

    /// Shows how far work of this process is.
    pub(super) fn reached(&mut self, position: u64, head: u64) {
        if self.is_terminal
            && self
                .shown
                .is_some_and(|at| at.elapsed() < Duration::from_millis(100))
        {
            return;
        }
        let rate = float(position) / self.begun.elapsed().as_secs_f64().max(0.001);
        let left = Duration::try_from_secs_f64(float(head.saturating_sub(position)) / rate);
        self.show(&WorkReport {
            task: String::new(),
            view: None,
            by: String::new(),
            position,
            head,
            rate,
            remaining_seconds: left.ok().map(|left| left.as_secs()),
            paused: false,
            throttled_by: None,
            max_rate: None,
        });
    }

    /// Ends the line that is overwritten.
    pub(super) fn end(&self) {
        if self.is_terminal && self.shown.is_some() {
            let _ = print("\n");
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of events are far below 2^52"
)]
fn float(count: u64) -> f64 {
    count as f64
}

/// How far the work is, in one line.
pub(super) fn line(work: &WorkReport) -> String {
    let percent = (work.position * 100)
        .checked_div(work.head)
        .unwrap_or(100)
        .min(100);
    let full = usize::try_from(percent * WIDTH / 100).unwrap_or(0);
    let bar: String = (0..usize::try_from(WIDTH).unwrap_or(0))
        .map(|place| if place < full { '#' } else { '.' })
        .collect();
    let (position, head) = (work.position, work.head);
    let mut line = format!("[{bar}] {percent:>3} %  {position} of {head} events");
    if work.paused {
        line.push_str("  paused");
        return line;
    }
    // Writing to a string cannot fail.
    let _ = write!(line, "  {:.0} events/s", work.rate);
    if let Some(left) = work.remaining_seconds {
        let _ = write!(line, "  {} left", time(left));
    }
    match work.throttled_by.as_deref() {
        Some("max-rate") => line.push_str("  (held back by --max-rate)"),
        Some(_) => line.push_str("  (steps back for live traffic)"),
        None => {}
    }
    line
}

/// A time in hours, minutes and seconds.
fn time(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_how_far_it_is_how_long_it_takes_and_what_holds_it_back() {
        let work = WorkReport {
            task: "rebuild".to_owned(),
            view: None,
            by: "ann".to_owned(),
            position: 50,
            head: 200,
            rate: 12.4,
            remaining_seconds: Some(3_725),
            paused: false,
            throttled_by: Some("live-traffic".to_owned()),
            max_rate: None,
        };
        let said = line(&work);
        assert_eq!(
            said,
            "[######..................]  25 %  50 of 200 events  12 events/s  1:02:05 left  (steps back for live traffic)"
        );
        let paused = WorkReport {
            paused: true,
            ..work.clone()
        };
        assert!(
            line(&paused).ends_with("events  paused"),
            "{}",
            line(&paused)
        );
        let empty = WorkReport {
            position: 0,
            head: 0,
            ..work
        };
        assert!(line(&empty).contains("100 %"), "{}", line(&empty));
    }
}
