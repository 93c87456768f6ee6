//! The page, over plain HTTP.

use sockeye::handshake::{Misuse, Request, Response};

/// Answers a request that is not for the socket.
pub(crate) fn answer(request: &Request) -> Result<Response, Misuse> {
    let Some(file) = FILES.iter().find(|file| file.path == request.path()) else {
        return plain(404, "There is nothing here. The chat is at /\n");
    };
    match request.method() {
        "GET" => Ok(head(200, file.kind)?.with_body(file.bytes)),
        "HEAD" => head(200, file.kind),
        _ => plain(405, "Only GET and HEAD are answered here.\n")?.with_header("Allow", "GET, HEAD"),
    }
}

fn plain(status: u16, text: &'static str) -> Result<Response, Misuse> {
    Ok(head(status, "text/plain; charset=utf-8")?.with_body(text))
}

fn head(status: u16, kind: &str) -> Result<Response, Misuse> {
    HEADERS
        .iter()
        .try_fold(Response::new(status)?, |response, (name, value)| response.with_header(name, value))?
        .with_header("Content-Type", kind)
}

struct File {
    path: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

const FILES: [File; 7] = [
    File { path: "/", kind: HTML, bytes: include_bytes!("../page/index.html") },
    File { path: "/chat.css", kind: CSS, bytes: include_bytes!("../page/chat.css") },
    File { path: "/chat.js", kind: SCRIPT, bytes: include_bytes!("../page/chat.js") },
    File { path: "/connection.js", kind: SCRIPT, bytes: include_bytes!("../page/connection.js") },
    File { path: "/log.js", kind: SCRIPT, bytes: include_bytes!("../page/log.js") },
    File { path: "/theme.js", kind: SCRIPT, bytes: include_bytes!("../page/theme.js") },
    File { path: "/mark.svg", kind: "image/svg+xml", bytes: include_bytes!("../page/mark.svg") },
];

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const HEADERS: [(&str, &str); 4] = [
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    // A new server is to be met by its own page.
    ("Cache-Control", "no-cache"),
];
