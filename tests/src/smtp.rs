//! A real mail server for tests: it keeps what it is sent in a folder, where the test reads it.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::server::ServerOptions;
use crate::{ports, tools};

/// How long a mail may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A mail that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// As it came over the wire, headers and all, with encoded bodies decoded.
    pub source: String,
    /// Whom the mail server was told to give it to.
    pub recipient: String,
    /// The subject, when it is plain ASCII.
    pub subject: String,
    /// The body in text form, decoded.
    pub text: String,
}

impl Received {
    fn parse(raw: &str) -> Self {
        let raw = raw.replace("\r\n", "\n");
        let source = decode_quoted_printable(&raw);
        let header = |name: &str| {
            let start = format!("{name}: ");
            let line = raw.lines().find(|line| line.starts_with(&start));
            line.map_or("", |line| &line[start.len()..])
                .trim()
                .to_owned()
        };
        let text = source
            .split_once("text/plain")
            .and_then(|(_, rest)| rest.split_once("\n\n"))
            .map_or("", |(_, body)| body)
            .split("\n--")
            .next()
            .unwrap_or_default()
            .to_owned();
        Self {
            recipient: header("X-RcptTo"),
            subject: header("Subject"),
            text,
            source,
        }
    }

    /// A header, unfolded lines only.
    pub fn header(&self, name: &str) -> String {
        let start = format!("{name}: ");
        let line = self.source.lines().find(|line| line.starts_with(&start));
        line.map_or("", |line| &line[start.len()..]).to_owned()
    }

    /// The path of the first link that contains `part`, without the site.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn link(&self, part: &str) -> String {
        let start = self.text.find(part).expect("a link in the mail");
        self.text[start..]
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned()
    }
}

/// `=3D` and lines that go on.
fn decode_quoted_printable(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let mut bytes = Vec::with_capacity(joined.len());
    let mut rest = joined.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let hex = others.get(..2).and_then(|hex| str::from_utf8(hex).ok());
        let decoded = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let (b'=', Some(byte)) = (first, decoded) {
            bytes.push(byte);
            rest = &others[2..];
        } else {
            bytes.push(*first);
            rest = others;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A mail server, running or not; its mails stay.
pub struct SmtpSink {
    folder: tempfile::TempDir,
    port: u16,
    arguments: Vec<String>,
    running: Option<(Child, ChildStdin)>,
}

impl SmtpSink {
    /// One that takes mail from anybody, in the clear.
    pub fn start() -> Self {
        Self::prepare(Vec::new()).started()
    }

    /// One that is not running yet.
    pub fn stopped() -> Self {
        Self::prepare(Vec::new())
    }

    /// One that insists on STARTTLS and on this login. Its certificate is signed by [`Self::authority`].
    pub fn with_tls(user: &str, password: &str) -> Self {
        let mut sink = Self::prepare(Vec::new());
        let (certificate, key) = make_certificates(sink.folder.path());
        let path = |path: &Path| path.display().to_string();
        sink.arguments = vec![
            "--tls".to_owned(),
            path(&certificate),
            path(&key),
            "--login".to_owned(),
            user.to_owned(),
            password.to_owned(),
        ];
        sink.started()
    }

    fn prepare(arguments: Vec<String>) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a scratch folder"),
            port: ports::free_port(),
            arguments,
            running: None,
        }
    }

    fn started(mut self) -> Self {
        self.restart();
        self
    }

    /// Starts it (again), on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.stop();
        let mut child = Command::new(tools::python())
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/smtp_sink.py"))
            .arg(self.maildir())
            .arg(self.port.to_string())
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start the mail server");
        let lifeline = child.stdin.take().expect("its input");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("its first line");
        assert_eq!(line.trim(), "listening", "the mail server did not start");
        self.running = Some((child, lifeline));
    }

    /// Takes it down.
    pub fn stop(&mut self) {
        if let Some((mut child, lifeline)) = self.running.take() {
            drop(lifeline);
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// From now on it takes mail for `defer...` addresses too.
    pub fn open(&self) {
        std::fs::write(self.maildir().join("open"), "").expect("write");
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn maildir(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    /// The certificate that says who it is, as PEM in a file.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// A server that sends its mail here.
    pub fn server(&self) -> ServerOptions {
        self.configure(ServerOptions::default())
    }

    /// These options, and mail sent here.
    pub fn configure(&self, options: ServerOptions) -> ServerOptions {
        options
            .env("OVERWRITE_SETTING_SMTP_Host", "127.0.0.1")
            .env("OVERWRITE_SETTING_SMTP_Port", self.port.to_string())
            .env("OVERWRITE_SETTING_From_Email", "chat@example.org")
    }

    /// Everything that arrived.
    pub fn mails(&self) -> Vec<Received> {
        let Ok(entries) = std::fs::read_dir(self.maildir().join("new")) else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| std::fs::read(entry.ok()?.path()).ok())
            .map(|raw| Received::parse(&String::from_utf8_lossy(&raw)))
            .collect()
    }

    /// Mails to this address whose subject contains this.
    pub fn to(&self, recipient: &str, subject: &str) -> Vec<Received> {
        let mut mails = self.mails();
        mails.retain(|mail| mail.recipient == recipient && mail.subject.contains(subject));
        mails
    }

    /// How many different mails there are to this address whose subject contains this; a repetition, as after a
    /// crash, has the same `Message-ID`.
    pub fn count(&self, recipient: &str, subject: &str) -> usize {
        let mails = self.to(recipient, subject);
        let ids: BTreeSet<String> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
        ids.len()
    }

    /// The first mail to this address whose subject contains this, once it is there.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn wait_for(&self, recipient: &str, subject: &str) -> Received {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(mail) = self.to(recipient, subject).into_iter().next() {
                return mail;
            }
            assert!(
                Instant::now() < deadline,
                "no mail to {recipient} about {subject}; there are {:#?}",
                self.mails()
                    .iter()
                    .map(|mail| (mail.recipient.clone(), mail.subject.clone()))
                    .collect::<Vec<_>>()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A throwaway authority and a certificate of its for this machine, as files; answers certificate and key.
fn make_certificates(folder: &Path) -> (PathBuf, PathBuf) {
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().expect("a key");
    let signed = authority.self_signed(&authority_key).expect("an authority");
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("write");
        path
    };
    write("authority.pem", signed.pem());
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let server = CertificateParams::new(names).expect("parameters");
    let key = KeyPair::generate().expect("a key");
    let issuer = Issuer::new(authority, authority_key);
    let certificate = server.signed_by(&key, &issuer).expect("a certificate");
    (
        write("server.pem", certificate.pem()),
        write("server.key", key.serialize_pem()),
    )
}
