//! A client that says exactly what it is told, once, and never waits long.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::process::LIMIT;

/// A token that the services of the proofs accept.
pub(crate) const TOKEN: &str = "token-of-the-proofs";

/// Connects, with a limit on everything.
#[track_caller]
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

/// Sends these bytes and reads until the server closes.
#[track_caller]
pub(crate) fn exchange(address: SocketAddr, request: &str) -> Response {
    let mut stream = connect(address);
    // A server may answer and close before it has read everything.
    let _ = stream.write_all(request.as_bytes());
    receive(stream)
}

/// Reads until the server closes.
#[track_caller]
pub(crate) fn receive(mut stream: TcpStream) -> Response {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}, after {:?}", String::from_utf8_lossy(&bytes)),
        }
    }
    Response(String::from_utf8(bytes).unwrap())
}

/// A request as text, for one answer.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: proof\r\nconnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    text
}

/// A call of an operation, by somebody who may.
pub(crate) fn call(operation: &str, arguments: &Value) -> String {
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    request("POST", &format!("/v1/{operation}"), &headers, &arguments.to_string())
}

/// Asks a server that speaks JSON; a status that is not expected is the end.
#[track_caller]
pub(crate) fn json(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: Option<&Value>,
    expected: u16,
) -> Value {
    let text = body.map(Value::to_string).unwrap_or_default();
    let headers = [("content-type", "application/json")];
    let response = exchange(address, &request(method, path, &headers, &text));
    assert_eq!(response.status(), expected, "{method} {path} {text}: {response:?}");
    let body = response.body();
    if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap() }
}

/// The bytes of a response.
#[derive(Debug)]
pub(crate) struct Response(pub(crate) String);

impl Response {
    /// The status; 0 if there was no response.
    pub(crate) fn status(&self) -> u16 {
        self.0.split(' ').nth(1).map_or(0, |status| status.parse().unwrap())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (head, _) = self.0.split_once("\r\n\r\n")?;
        let mut headers = head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// What came after the head.
    pub(crate) fn body(&self) -> String {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned()
    }

    /// Checks that this is an RFC 9457 problem of the service.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status(), status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem: Value = serde_json::from_str(&self.body()).unwrap();
        assert_eq!(problem["type"], format!("urn:inventory:problem:{code}"), "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        problem
    }
}
