//! A listener that gives connections out once they have shaken hands.

use std::{io, net::SocketAddr, time::Duration};

use axum::serve::Listener;
use tls::Acceptor;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};
use tokio_rustls::server::TlsStream;

/// A handshake that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Handshakes at once; who comes then waits.
const AT_ONCE: usize = 64;
/// How long to wait after the system refused a connection, such as for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);

type Shaken = (TlsStream<TcpStream>, SocketAddr);

/// Shakes hands beside the server: one who is slow about it holds nobody up.
pub(crate) struct Secure {
    shaken: mpsc::Receiver<Shaken>,
    address: SocketAddr,
}

impl Secure {
    /// Listens until it is dropped.
    pub(crate) fn listen(listener: TcpListener, acceptor: Acceptor) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (give, shaken) = mpsc::channel(AT_ONCE);
        tokio::spawn(async move {
            tokio::select! {
                () = take(&listener, &acceptor, &give) => {}
                () = give.closed() => {}
            }
        });
        Ok(Self { shaken, address })
    }
}

async fn take(listener: &TcpListener, acceptor: &Acceptor, give: &mpsc::Sender<Shaken>) {
    let mut open = JoinSet::new();
    loop {
        while open.try_join_next().is_some() {}
        if open.len() >= AT_ONCE {
            open.join_next().await;
        }
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let (acceptor, give) = (acceptor.clone(), give.clone());
        open.spawn(async move {
            if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
                // Nobody serves it if the API is stopping.
                let _ = give.send((stream, peer)).await;
            }
        });
    }
}

impl Listener for Secure {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Shaken {
        match self.shaken.recv().await {
            Some(shaken) => shaken,
            // The task lives as long as this.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
