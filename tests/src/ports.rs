//! Free ports for servers under test.

use std::net::{Ipv4Addr, TcpListener};

/// A loopback port nobody listens on right now. Someone else may take it before it is used, which is rare enough.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
    listener
        .local_addr()
        .expect("the address just bound")
        .port()
}
