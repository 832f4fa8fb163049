//! What systemd is told of a service of the type `notify`.

use std::os::unix::net::UnixDatagram;

/// Requests are taken from here on.
pub fn ready() {
    tell("READY=1");
}

/// No further request is taken.
pub fn stopping() {
    tell("STOPPING=1");
}

/// Nobody listens where the variable isn't set; that somebody doesn't hear is no reason not to serve.
fn tell(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let told =
        UnixDatagram::unbound().and_then(|socket| match path.to_str().and_then(|it| it.strip_prefix('@')) {
            Some(name) => {
                use std::os::linux::net::SocketAddrExt as _;
                let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
                socket.send_to_addr(state.as_bytes(), &address)
            }
            None => socket.send_to(state.as_bytes(), &path),
        });
    if let Err(error) = told {
        tracing::warn!(%error, "cannot tell the service manager {state}");
    }
}
