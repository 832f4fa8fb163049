//! The order to stop: SIGINT or SIGTERM.

use tokio::signal::unix::{SignalKind, signal};

/// Returns when the process is told to stop.
pub async fn ordered() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::error!("signals can't be received; end the process by SIGKILL");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
