//! A disk that is full while the views commit. It is made full by a limit on the size of files, which this test binary runs
//! itself under, and has room again when the limit is lifted. The log is in memory: nothing but the views is in the way.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::testing::{post, posted};
use domain::{Event, MessageId};
use eventstore::EventStore as _;
use projections::{Ended, Health, Task, Wish};

use super::scene::Scene;

/// Set for the process that is under the limit.
const ROLE: &str = "HANSARD_TEST_FULL_DISK";

/// How many messages are said: more than fit into a file under the limit, whether the shell counts in 512 bytes or 1,024.
const MANY: usize = 2000;

fn said(number: usize) -> Event {
    let text = "long ".repeat(1000);
    let at = 10_000 + i64::try_from(number).unwrap();
    posted(post(&format!("m{number}"), "general", "anna", &text, at))
}

fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Waits for the views to be so.
async fn until(scene: &Scene, is_so: impl Fn(&Health) -> bool) -> Health {
    loop {
        let health = scene.views.health();
        if is_so(&health) {
            return health;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_limit() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let scene = Scene::new().await;
    scene.say(20_000, [said(0)]).await;
    // Whoever asks has it committed.
    scene.message("m0").await;
    for number in 1..MANY {
        scene.log.say(20_000, [said(number)]);
    }
    let failing = until(&scene, |health| matches!(health, Health::Failing(_))).await;
    tell(&format!("failing {failing:?}"));
    let first = scene.views.message(&MessageId::new("m0")).await;
    assert!(
        first.is_ok_and(|first| first.is_some()),
        "what was committed is shown"
    );
    until(&scene, |health| *health == Health::Ready).await;
    scene.settle().await;
    scene.say(30_000, [said(MANY)]).await;
    for number in [0, MANY / 2, MANY - 1, MANY] {
        scene.message(&format!("m{number}")).await;
    }
    let begun = scene.views.begin(Wish {
        task: Task::Verify,
        ..Wish::rebuild("a test")
    });
    let ended = begun.await.unwrap().ended().await.unwrap();
    let head = scene.log.head().await.unwrap();
    assert_eq!(ended, Ended::Equal(head), "nothing is missing, or twice");
    scene.views.close().await;
    tell("whole");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_everything_is_there_once_it_has_room() {
    let mut child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -S -f 6000; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "full_disk::under_a_limit", "--nocapture"])
        .env(ROLE, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (mut failed, mut whole) = (None, false);
    for line in output.lines().map(Result::unwrap) {
        if let Some(reason) = line.strip_prefix("failing ") {
            failed = Some(reason.to_owned());
            let lifted = Command::new("prlimit")
                .args(["--pid", &child.id().to_string(), "--fsize=unlimited:"])
                .status()
                .unwrap();
            assert!(lifted.success(), "prlimit (util-linux) lifts the limit");
        }
        whole |= line == "whole";
    }
    assert!(child.wait().unwrap().success());
    assert!(
        failed
            .as_ref()
            .is_some_and(|reason| reason.contains("disk")),
        "the fault is told: {failed:?}"
    );
    assert!(whole, "it goes on when there is room");
}
