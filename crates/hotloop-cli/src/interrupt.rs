//! Ctrl-C: asks a running kernel to stop; a second one ends the program at once.

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
