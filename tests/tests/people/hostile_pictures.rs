//! Pictures that are made to hurt: small files that are huge in memory, that take for ever, that read what they must
//! not. And what becomes of work that nobody waits for any more.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use image::{ImageFormat, Rgba, RgbaImage};
use reqwest::Method;
use tests::client::Client;
use tests::pictures::{jpeg, measure, picture, png};
use tests::server::{Server, ServerOptions};

/// What the server and its workers may take together, in bytes.
const MOST_MEMORY: u64 = 1 << 30;

/// Longest time that one picture may take, its wait and a slow machine included.
const PATIENCE: Duration = Duration::from_secs(45);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Shown,
    Refused,
}
use Fate::{Refused, Shown};

struct Attack {
    name: &'static str,
    file: Vec<u8>,
    fate: Fate,
}

fn attack(name: &'static str, file: impl Into<Vec<u8>>, fate: Fate) -> Attack {
    let file = file.into();
    Attack { name, file, fate }
}

/// A PNG that goes on after its head with these chunks.
fn png_with(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    const HEAD: usize = 33;
    let whole = png(4, 4);
    let mut file = whole[..HEAD].to_vec();
    for (name, content) in chunks {
        file.extend_from_slice(&u32::try_from(content.len()).unwrap().to_be_bytes());
        file.extend_from_slice(*name);
        file.extend_from_slice(content);
        file.extend_from_slice(&crc32(&[&name[..], content.as_slice()].concat()).to_be_bytes());
    }
    file.extend_from_slice(&whole[HEAD..]);
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    let table: Vec<u32> = (0..256)
        .map(|byte| {
            (0..8).fold(byte, |crc, _| {
                (crc >> 1) ^ (0xedb8_8320 & (0_u32.wrapping_sub(crc & 1)))
            })
        })
        .collect();
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        table[usize::from(crc.to_le_bytes()[0] ^ byte)] ^ (crc >> 8)
    })
}

/// Zlib data that becomes 160 times as much, all zeros: one literal, then one match of 258 bytes after the other.
fn zeros(length: usize) -> Vec<u8> {
    // A last block, in the code that needs no table; the literal zero.
    let head = [1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0];
    let of_match = [1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0];
    let bits: Vec<u8> = head.into_iter().chain(of_match.repeat(16)).collect();
    let bytes: Vec<u8> = bits
        .chunks_exact(8)
        .map(|byte| byte.iter().rev().fold(0, |byte, bit| byte << 1 | bit))
        .collect();
    // Eight matches are thirteen bytes, wherever they begin.
    let matches = bytes[2..15].repeat(length / 13);
    [&[0x78, 0x01][..], &bytes[..2], matches.as_slice()].concat()
}

fn profile() -> Vec<u8> {
    [&b"profile\0\0"[..], zeros(8 << 20).as_slice()].concat()
}

/// A GIF of `side` by `side` pixels with as many frames as wanted, each of one pixel.
fn gif(side: u16, frames: usize) -> Vec<u8> {
    let mut file = b"GIF89a".to_vec();
    file.extend_from_slice(&side.to_le_bytes());
    file.extend_from_slice(&side.to_le_bytes());
    file.extend_from_slice(&[0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
    for _ in 0..frames {
        file.extend_from_slice(&[0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0]);
    }
    file.push(0x3b);
    file
}

/// A picture in which every pixel is another one.
fn colourful(side: u32, format: ImageFormat) -> Vec<u8> {
    let picture = RgbaImage::from_fn(side, side, |x, y| {
        let mixed = (x * 7919 + y * 104_729).wrapping_mul(2_654_435_761);
        let [red, green, blue, _] = mixed.to_le_bytes();
        Rgba([red, green, blue, 255])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::DynamicImage::ImageRgba8(picture);
    let written = match format {
        ImageFormat::Jpeg => picture.to_rgb8().write_to(&mut bytes, format),
        _ => picture.write_to(&mut bytes, format),
    };
    written.expect("a picture");
    bytes.into_inner()
}

/// The same file with other bytes somewhere.
fn patched(mut file: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

fn pixels() -> Vec<Attack> {
    let jpeg_size = |file: Vec<u8>| {
        let at = file.windows(2).position(|marker| marker == [0xff, 0xc0]);
        patched(file, at.expect("a frame") + 5, &[0xff; 4])
    };
    let mut icon = picture(48, 48, [1, 2, 3, 255], ImageFormat::Ico);
    let inner = png_with(&[(b"iCCP", profile())]);
    icon.truncate(6);
    icon.extend_from_slice(&[4, 4, 0, 0, 1, 0, 32, 0]);
    icon.extend_from_slice(&u32::try_from(inner.len()).unwrap().to_le_bytes());
    icon.extend_from_slice(&22_u32.to_le_bytes());
    icon.extend_from_slice(&inner);
    vec![
        attack("a strip of 60,000 × 1", png(60_000, 1), Shown),
        attack("a strip of 1 × 60,000", png(1, 60_000), Shown),
        attack("a strip of 2,000 × 1", png(2_000, 1), Shown),
        attack("an opaque strip", jpeg(60_000, 1), Shown),
        attack(
            "a profile of a gigabyte",
            png_with(&[(b"iCCP", profile())]),
            Shown,
        ),
        attack(
            "a text of a gigabyte",
            png_with(&[(b"zTXt", profile())]),
            Shown,
        ),
        attack("an icon with such a profile", icon, Shown),
        attack("ten thousand frames", gif(1, 10_000), Refused),
        attack("a thousand large frames", gif(5_000, 1_000), Refused),
        attack("a GIF of 65,535 × 65,535", gif(65_535, 1), Refused),
        attack(
            "a PNG of 60,000 × 60,000",
            patched(png(1, 1), 16, &[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]),
            Refused,
        ),
        attack("a JPEG of 65,535 × 65,535", jpeg_size(jpeg(8, 8)), Refused),
        attack(
            "a WebP of 16,384 × 16,384",
            patched(
                picture(4, 4, [1; 4], ImageFormat::WebP),
                21,
                &[0xff, 0xff, 0xff, 0x1f],
            ),
            Refused,
        ),
        attack(
            "a BMP of 2³¹ × 2³¹",
            patched(
                picture(4, 4, [1; 4], ImageFormat::Bmp),
                18,
                &[0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f],
            ),
            Refused,
        ),
        attack(
            "a BMP of 30,000 × 1,000",
            patched(
                picture(4, 4, [1; 4], ImageFormat::Bmp),
                18,
                &[0x30, 0x75, 0, 0, 0xe8, 3, 0, 0],
            ),
            Refused,
        ),
    ]
}

fn svg(inside: &str) -> Vec<u8> {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:x='http://www.w3.org/2000/svg' \
         xmlns:xlink='http://www.w3.org/1999/xlink' width='1024' height='1024'>\
         <rect width='9' height='9' fill='red'/>{inside}</svg>"
    )
    .into_bytes()
}

fn shapes(fifo: &str) -> Vec<Attack> {
    let whole = "<rect width='1e5' height='1e5'/>";
    let nested =
        |open: &str, times: usize| format!("{}{whole}{}", open.repeat(times), "</g>".repeat(times));
    let doubling = |refer: &dyn Fn(usize) -> String| {
        let levels = (1..30).map(|level| {
            let twice = refer(level - 1).repeat(2);
            format!("<mask id='l{level}'>{twice}</mask>")
        });
        format!(
            "<g id='l0'/>{}<g mask='url(#l29)'/>",
            levels.collect::<String>()
        )
    };
    let laughs = (1..10).fold("<!ENTITY l0 'ha'>".to_owned(), |laughs, level| {
        let ten = format!("&l{};", level - 1).repeat(10);
        format!("{laughs}<!ENTITY l{level} '{ten}'>")
    });
    let turbulence = "<x:filter id='f'><x:feTurbulence baseFrequency='1' numOctaves='90000000'/></x:filter>\
                      <rect width='999' height='999' filter='url(#f)'/>";
    let circle = |from: &str, to: &str| format!("<radialGradient id='{from}' href='#{to}'/>");
    vec![
        attack("filters under another prefix", svg(turbulence), Shown),
        attack(
            "/dev/zero",
            svg("<image href='/dev/zero' width='9' height='9'/>"),
            Shown,
        ),
        attack(
            "/dev/zero under another prefix",
            svg("<x:image xlink:href='/dev/zero' width='9' height='9'/>"),
            Shown,
        ),
        attack(
            "a pipe nobody writes to",
            svg(&format!("<image href='{fifo}' width='9' height='9'/>")),
            Shown,
        ),
        attack(
            "a pipe, painted with",
            svg(&format!(
                "<rect style='fill:url({fifo})' width='99' height='99'/>"
            )),
            Shown,
        ),
        attack(
            "a pipe, as a style sheet",
            svg(&format!(
                "<style>@import url({fifo}); rect{{mask:url('{fifo}#a')}}</style>"
            )),
            Shown,
        ),
        attack(
            "layers in layers",
            svg(&nested("<g opacity='.9'>", 60)),
            Refused,
        ),
        attack(
            "masks in masks",
            svg(&format!(
                "<mask id='m'>{whole}</mask>{}",
                nested("<g mask='url(#m)'>", 60)
            )),
            Refused,
        ),
        attack(
            "thousands of layers",
            svg(&nested("<g opacity='.9'>", 1).repeat(1_500)),
            Refused,
        ),
        attack(
            "thousands of large shapes",
            svg(&whole.repeat(4_500)),
            Refused,
        ),
        attack(
            "2,000 dashed lines",
            svg(
                &"<path d='M0 0C9999 0 0 9999 1024 1024' stroke='red' stroke-dasharray='.05'/>"
                    .repeat(2_000),
            ),
            Refused,
        ),
        attack(
            "references that double",
            svg(&doubling(&|level| format!("<use href='#l{level}'/>"))),
            Refused,
        ),
        attack(
            "masks that double",
            svg(&doubling(&|level| format!("<g mask='url(#l{level})'/>"))),
            Refused,
        ),
        attack(
            "a circle of gradients",
            svg(&[circle("a", "b"), circle("b", "c"), circle("c", "b")].concat()),
            Refused,
        ),
        attack(
            "nesting",
            svg(&("<g>".repeat(120) + &"</g>".repeat(120))),
            Refused,
        ),
        attack("nesting without end", svg(&"<g>".repeat(60_000)), Refused),
        attack(
            "a billion laughs",
            format!("<!DOCTYPE svg [{laughs}]><svg xmlns='http://www.w3.org/2000/svg'>&l9;</svg>"),
            Refused,
        ),
        attack(
            "an entity that is a file",
            "<!DOCTYPE svg [<!ENTITY a SYSTEM '/etc/passwd'>]><svg>&a;</svg>",
            Refused,
        ),
        attack(
            "a style sheet for every element",
            svg(&format!(
                "<style>{}</style>{}",
                "g g g g{fill:red}".repeat(5_000),
                "<g/>".repeat(4_000)
            )),
            Refused,
        ),
    ]
}

async fn upload(client: &Client, file: &[u8]) -> tests::client::Answer {
    let upload = client.upload("users.setAvatar", ("image", "image/png", file), &[]);
    tokio::time::timeout(PATIENCE, upload)
        .await
        .expect("an answer in time")
}

/// Looks at the server for as long as it is let: it answers, and takes no more memory than it may.
async fn watch(server: &Server) {
    let client = server.client();
    loop {
        let asked = Instant::now();
        assert_eq!(client.load(Method::GET, "/livez", &[]).await.status, 200);
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(5), "/livez took {took:?}");
        let memory = server.resident_bytes_of_all();
        assert!(memory < MOST_MEMORY, "{memory} bytes of memory");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Uploads everything and looks at what becomes of it, and of the server meanwhile.
async fn stand(server: &Server, client: &Client, attacks: Vec<Attack>) {
    let attacking = std::pin::pin!(async {
        for Attack { name, file, fate } in attacks {
            let answer = upload(client, &file).await;
            let refused = ["error-file-too-large", "error-invalid-file-type"];
            let kind = answer.body["errorType"].as_str().unwrap_or_default();
            let seen = match answer.status.as_u16() {
                200 => Shown,
                400 if refused.contains(&kind) => Refused,
                status => panic!("{name}: {status} {}", answer.body),
            };
            assert_eq!(seen, fate, "{name}: {}", answer.body);
            if seen == Shown {
                let shown = client.load(Method::GET, "/avatar/ada", &[]).await;
                assert_eq!(
                    (measure(&shown.bytes).0, measure(&shown.bytes).1),
                    (200, 200),
                    "{name}"
                );
            }
        }
    });
    tokio::select! {
        () = attacking => {}
        () = watch(server) => unreachable!("it watches for ever"),
    }
    upload(client, &png(30, 20)).await.ok();
}

#[tokio::test]
async fn small_files_do_not_become_huge() {
    let server = Server::start().await;
    let ada = server.admin().await.new_user("ada").await;
    stand(&server, &ada, pixels()).await;
}

#[tokio::test]
async fn shapes_neither_multiply_nor_read() {
    let server = Server::start().await;
    let ada = server.admin().await.new_user("ada").await;
    let fifo = server.data().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.is_ok_and(|status| status.success()));
    stand(&server, &ada, shapes(&fifo.display().to_string())).await;
}

#[tokio::test]
async fn what_is_cut_off_is_refused() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Gif,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Ico,
    ] {
        let whole = colourful(64, format);
        upload(&ada, &whole).await.ok();
        for part in [300, 500, 800, 950, 1_000] {
            let cut = &whole[..(whole.len() * part / 1_000).min(whole.len() - 1)];
            let refusal = upload(&ada, cut).await.refused(400);
            assert_eq!(
                refusal["errorType"], "error-invalid-file-type",
                "{format:?}, {part} ‰"
            );
        }
        let cut = &whole[..whole.len() - 1];
        let file = ("emoji", "image/png", cut);
        let refusal = admin
            .upload("emoji-custom.create", file, &[("name", "cut")])
            .await;
        let refusal = refusal.refused(400);
        assert_eq!(refusal["errorType"], "emoji-is-not-image", "{format:?}");
        let file = ("logo", "image/png", cut);
        let refusal = admin.upload("assets.setAsset", file, &[]).await;
        refusal.refused(400);
    }
}

/// A picture as large as pictures may be, which takes a while.
fn large() -> Vec<u8> {
    png(5_600, 5_600)
}

/// Sends an upload and leaves the connection open.
fn send(server: &Server, client: &Client, file: &[u8]) -> TcpStream {
    let part = "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\
                Content-Type: image/png\r\n\r\n";
    let body = [part.as_bytes(), file, &b"\r\n--b--\r\n"[..]].concat();
    let head = format!(
        "POST /api/v1/users.setAvatar HTTP/1.1\r\nHost: h\r\nX-User-Id: {}\r\nX-Auth-Token: {}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n",
        client.user_id,
        client.token,
        body.len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("a connection");
    stream.write_all(head.as_bytes()).expect("the head is sent");
    stream.write_all(&body).expect("the body is sent");
    stream
}

/// The first worker that is seen, stopped where it is: as if it computed for ever.
async fn stopped_worker(server: &Server) -> u32 {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let children = server.children();
        if let Some(worker) = children.into_iter().find(|child| is_worker(*child)) {
            let stopped = std::process::Command::new("kill")
                .args(["-STOP", &worker.to_string()])
                .status();
            if stopped.is_ok_and(|status| status.success()) && server.children().contains(&worker) {
                return worker;
            }
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("no worker was seen");
}

/// Not before it runs the program of a worker: stopped earlier, it would hold the thread that starts it, and nothing
/// would be left to kill it.
fn is_worker(child: u32) -> bool {
    let arguments = std::fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
    let mut arguments = arguments.split(|byte| *byte == 0);
    arguments.any(|argument| argument == b"picture-worker")
}

/// A worker ends with its server.
async fn ends(worker: u32) {
    let started = Instant::now();
    let runs = || {
        let stat = std::fs::read_to_string(format!("/proc/{worker}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    while runs() {
        assert!(started.elapsed() < PATIENCE, "the worker is left");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn none_left(server: &Server) {
    let started = Instant::now();
    while !server.children().is_empty() {
        assert!(
            started.elapsed() < PATIENCE,
            "{:?} go on",
            server.children()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn work_ends_when_nobody_waits_for_it() {
    let mut server = Server::start().await;
    let ada = server.admin().await.new_user("ada").await;
    let file = large();
    let waiting = send(&server, &ada, &file);
    stopped_worker(&server).await;
    drop(waiting);
    none_left(&server).await;

    let uploads: Vec<TcpStream> = (0..10).map(|_| send(&server, &ada, &file)).collect();
    stopped_worker(&server).await;
    drop(uploads);
    none_left(&server).await;
    upload(&ada, &png(4, 4)).await.ok();

    let uploads: Vec<TcpStream> = (0..10).map(|_| send(&server, &ada, &file)).collect();
    let worker = stopped_worker(&server).await;
    drop(uploads);
    let asked = Instant::now();
    let status = server.stop().await;
    assert!(status.success(), "{status}");
    assert!(
        asked.elapsed() < Duration::from_secs(20),
        "{:?}",
        asked.elapsed()
    );
    ends(worker).await;
}

#[tokio::test]
async fn a_worker_has_its_time_and_no_more() {
    let server = Server::start().await;
    let ada = server.admin().await.new_user("ada").await;
    let file = large();
    let upload = async {
        let refusal = upload(&ada, &file).await.refused(400);
        assert_eq!(refusal["errorType"], "error-file-too-large");
    };
    tokio::join!(upload, stopped_worker(&server));
    assert_eq!(server.children(), Vec::<u32>::new());
}

#[tokio::test]
async fn an_idle_server_has_given_back_what_pictures_took() {
    let server = Server::start().await;
    let ada = server.admin().await.new_user("ada").await;
    upload(&ada, &png(4, 4)).await.ok();
    let before = server.resident_bytes();
    let file = colourful(2_200, ImageFormat::Png);
    for _ in 0..4 {
        upload(&ada, &file).await.ok();
    }
    let most = before + (48 << 20);
    let started = Instant::now();
    while server.resident_bytes() > most {
        let now = server.resident_bytes();
        assert!(
            started.elapsed() < PATIENCE,
            "{before} bytes before, {now} after"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(server.children(), Vec::<u32>::new());
}

#[tokio::test]
async fn a_stop_is_bounded_whatever_hangs() {
    let mut server = ServerOptions::default()
        .env("SHUTDOWN_TIMEOUT", "1s")
        .start()
        .await;
    let ada = server.admin().await.new_user("ada").await;
    let waiting = send(&server, &ada, &large());
    let worker = stopped_worker(&server).await;
    let asked = Instant::now();
    server.stop().await;
    assert!(
        asked.elapsed() < Duration::from_secs(15),
        "{:?}",
        asked.elapsed()
    );
    drop(waiting);
    ends(worker).await;
}

#[tokio::test]
async fn a_second_signal_ends_the_server_at_once() {
    let mut server = ServerOptions::default()
        .env("SHUTDOWN_TIMEOUT", "50s")
        .start()
        .await;
    let ada = server.admin().await.new_user("ada").await;
    // Half a request keeps the first stop waiting.
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("a connection");
    let half = format!(
        "POST /api/v1/users.setAvatar HTTP/1.1\r\nHost: h\r\nX-User-Id: {}\r\nX-Auth-Token: {}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\r\n--b",
        ada.user_id, ada.token
    );
    stream
        .write_all(half.as_bytes())
        .expect("half a request is sent");
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.signal("TERM");
    let started = Instant::now();
    while !server.output().contains("stopping") {
        assert!(started.elapsed() < PATIENCE, "{}", server.output());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let status = server.stop().await;
    assert!(!status.success(), "not a clean end");
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "{:?}",
        started.elapsed()
    );
    drop(stream);
}
