//! The HTTP/1.1 server, over TLS where there is a certificate: bounded heads, bounded waits, and an end that finishes what is in hand.

use std::{io, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Most header lines in a request.
const MAX_HEADERS: usize = 64;
/// Largest head of a request, bytes (hyper's buffer).
const MAX_HEAD: usize = 32 * 1024;
/// How long to wait after the system refused a connection, such as for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// Where requests come in.
pub struct Entrance {
    /// Where to listen.
    pub listener: TcpListener,
    /// What shakes hands with who connects; without it there is no TLS.
    pub acceptor: Option<tls::Acceptor>,
    /// How long a handshake may take, and then the head of a request.
    pub head_timeout: Duration,
}

/// Serves until `stop`, then takes no more connections and finishes the requests in hand, until `abandon`.
pub async fn serve(entrance: Entrance, router: Router, stop: CancellationToken, abandon: CancellationToken) {
    let Entrance { listener, acceptor, head_timeout } = entrance;
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD);
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let Some(acceptor) = acceptor.clone() else {
            let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
            tokio::spawn(async move {
                // A connection that breaks is its sender's affair: it retries.
                let _ = connection.await;
            });
            continue;
        };
        let (builder, watcher, stop) = (builder.clone(), graceful.watcher(), stop.clone());
        tokio::spawn(async move {
            // So is a handshake that fails. Nothing was said in one that is not done when the process is asked to stop.
            let shaken = tokio::select! {
                shaken = tokio::time::timeout(head_timeout, acceptor.accept(stream)) => shaken,
                () = stop.cancelled() => return,
            };
            if let Ok(Ok(stream)) = shaken {
                let _ = watcher.watch(builder.serve_connection(TokioIo::new(stream), service)).await;
            }
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = abandon.cancelled() => tracing::warn!("gateway.abandoned"),
    }
}

async fn pause_after(error: &io::Error) {
    let of_the_peer = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    );
    if !of_the_peer {
        tracing::warn!(error = %error, "gateway.accept_failed");
        tokio::time::sleep(BREATH).await;
    }
}
