//! Something between the Worker and a server that can hold up what passes, or turn it away.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// It reaches the server.
    Open,
    /// It is accepted, and nothing comes back.
    Stalled,
    /// It is closed.
    Refused,
}

#[derive(Clone)]
pub struct Relay {
    pub address: SocketAddr,
    passage: Arc<Mutex<Passage>>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    /// Open, before a server.
    pub fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("the loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let relay = Self { address, passage: Arc::new(Mutex::new(Passage::Open)), connections: Arc::default() };
        let accepting = relay.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let passage = *accepting.passage.lock().expect("nobody panicked here");
                if passage == Passage::Open {
                    join(&client, server);
                }
                if passage != Passage::Refused {
                    accepting.connections.lock().expect("nobody panicked here").push(client);
                }
            }
        });
        relay
    }

    /// From the next connection on; those there are, are cut.
    pub fn set(&self, passage: Passage) {
        *self.passage.lock().expect("nobody panicked here") = passage;
        for connection in self.connections.lock().expect("nobody panicked here").drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

fn join(client: &TcpStream, server: SocketAddr) {
    let Ok(server) = TcpStream::connect(server) else { return };
    for (from, to) in [(client, &server), (&server, client)] {
        let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { return };
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}
