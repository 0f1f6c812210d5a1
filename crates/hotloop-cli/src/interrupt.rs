//! Ctrl-C: asks a running kernel to stop; a second one ends the program at once, but not a session.

use hotloop::CancelToken;

/// A token that Ctrl-C cancels from now on. Call it once.
pub fn token() -> CancelToken {
    let token = CancelToken::new();
    let shared = token.clone();
    let handler = move || {
        if shared.is_cancelled() {
            std::process::exit(130);
        }
        shared.cancel();
    };
    // Without a handler Ctrl-C ends the program, which is what it should do then.
    let _ = ctrlc::set_handler(handler);
    token
}

/// Ctrl-C cancels this token and does nothing else. For sessions, which reset it before each run.
pub fn cancels(token: &CancelToken) {
    let shared = token.clone();
    let _ = ctrlc::set_handler(move || shared.cancel());
}
