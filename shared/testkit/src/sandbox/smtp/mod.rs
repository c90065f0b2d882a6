//! The mail server: takes every mail and delivers none.

mod command;
mod input;
mod mail;
mod session;
mod tls;

use std::sync::Arc;

use tokio::io::BufStream;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::app::App;
use session::{End, Session};
pub(crate) use tls::Identity;

/// Accepts connections until the sandbox stops.
pub(crate) async fn listen(app: Arc<App>, listener: TcpListener, acceptor: Option<TlsAcceptor>) {
    loop {
        let accepted = tokio::select! {
            () = app.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((socket, _)) = accepted else {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let (app, acceptor) = (Arc::clone(&app), acceptor.clone());
        tokio::spawn(async move {
            let stop = app.stop.clone();
            tokio::select! {
                () = stop.cancelled() => {}
                // An error is the client's going away: nothing is lost that was not answered.
                _ = converse(app, socket, acceptor) => {}
            }
        });
    }
}

async fn converse(app: Arc<App>, socket: TcpStream, acceptor: Option<TlsAcceptor>) -> std::io::Result<()> {
    // Only latency is lost if the option cannot be set.
    let _ = socket.set_nodelay(true);
    let mut stream = BufStream::new(socket);
    let offers_tls = acceptor.is_some();
    let end = Session::new(Arc::clone(&app), offers_tls).run(&mut stream, true).await?;
    let Some(acceptor) = acceptor.filter(|_| end == End::StartTls) else {
        return if end == End::Cut { stream.get_ref().set_zero_linger() } else { Ok(()) };
    };
    // What a client sent in clear after STARTTLS stays in the buffer and is dropped with it, as RFC 3207 wants.
    let mut stream = BufStream::new(acceptor.accept(stream.into_inner()).await?);
    let end = Session::new(app, false).run(&mut stream, false).await?;
    if end == End::Cut { stream.get_ref().get_ref().0.set_zero_linger() } else { Ok(()) }
}
