//! Before anything else: who is at the other end.

use application::caller::Caller;
use projections::live::Resume;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::live::Shared;
use crate::live::access::authenticate;
use crate::live::end::{End, WRITE_TIMEOUT};
use crate::live::frame::{Authenticate, ClientFrame, Close, Format, ServerFrame};
use crate::live::socket::Socket;

/// Finds out who is there: by the handshake's headers, or by the first frame. Also returns that frame's reference.
pub(super) async fn introduce(
    shared: &Shared,
    socket: &mut Socket,
    format: Format,
    caller: Option<Caller>,
) -> Result<(Caller, Option<String>), End> {
    if let Some(caller) = caller {
        return Ok((caller, None));
    }
    let frame = tokio::select! {
        () = shared.stop.cancelled() => return Err(End::Close(Close::TryLater)),
        frame = timeout(shared.limits.auth_timeout, first_frame(socket)) => match frame {
            Ok(frame) => frame?,
            Err(_) => return Err(End::Close(Close::AuthenticationTimeout)),
        },
    };
    let Ok(ClientFrame::Authenticate(Authenticate {
        token,
        user,
        reference,
    })) = ClientFrame::decode(&frame, format)
    else {
        let text = "the first frame must be `authenticate`";
        return Err(unauthenticated(socket, format, "not-authenticated", text, None).await);
    };
    match authenticate(&shared.state, user.as_deref(), &token).await {
        Ok(Some(caller)) => Ok((caller, reference)),
        Ok(None) => Err(unauthenticated(
            socket,
            format,
            "wrong-credentials",
            "the token is not valid",
            reference.as_deref(),
        )
        .await),
        Err(_) => Err(End::Close(Close::TryLater)),
    }
}

async fn first_frame(socket: &mut Socket) -> Result<Message, End> {
    loop {
        match socket.recv().await.ok_or(End::Gone)?? {
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            Message::Close(_) => return Err(End::Gone),
            message => return Ok(message),
        }
    }
}

async fn unauthenticated(
    socket: &mut Socket,
    format: Format,
    code: &'static str,
    text: &'static str,
    reference: Option<&str>,
) -> End {
    // An unknown client learns no position.
    let frame = ServerFrame::error(Resume::START, code, text)
        .answering(reference)
        .encode(format);
    match timeout(WRITE_TIMEOUT, socket.send(frame)).await {
        Ok(Ok(())) => End::Close(Close::Unauthenticated),
        _ => End::Stuck,
    }
}
