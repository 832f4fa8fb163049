//! One kept connection that asks one thing after the other, and the cookies of a browser.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::Problem;

const FORM: &str = "application/x-www-form-urlencoded";

/// An answer, read to its end.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// Itself, if it has this status; else what it said.
    pub(crate) fn must_be(self, status: StatusCode) -> Result<Self, Problem> {
        if self.status == status {
            return Ok(self);
        }
        let said: String = String::from_utf8_lossy(&self.body).chars().take(300).collect();
        Err(format!("{} instead of {status}: {said}", self.status).into())
    }

    pub(crate) fn json(&self) -> Result<Value, Problem> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// Where it sends the browser.
    pub(crate) fn location(&self) -> Result<&str, Problem> {
        Ok(self.headers.get(LOCATION).ok_or("an answer without Location")?.to_str()?)
    }

    /// The value of the hidden field of this name.
    pub(crate) fn hidden(&self, name: &str) -> Result<String, Problem> {
        let text = std::str::from_utf8(&self.body)?;
        let after = |start: &str| text.split_once(start).and_then(|(_, rest)| rest.split_once('"'));
        let (value, _) =
            after(&format!("name=\"{name}\" value=\"")).ok_or_else(|| format!("a page without {name}"))?;
        Ok(value.to_owned())
    }
}

/// A connection, made again where the server ended it.
pub(crate) struct Connection {
    server: SocketAddr,
    host: String,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    pub(crate) fn new(server: SocketAddr, host: &str) -> Self {
        Self { server, host: host.to_owned(), sender: None }
    }

    async fn sender(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, Problem> {
        if self.sender.as_ref().is_none_or(SendRequest::is_closed) {
            let stream = TcpStream::connect(self.server).await?;
            stream.set_nodelay(true)?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            self.sender = Some(sender);
        }
        let sender = self.sender.as_mut().ok_or("no connection")?;
        sender.ready().await?;
        Ok(sender)
    }

    pub(crate) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, &str)],
        body: Bytes,
    ) -> Result<Answer, Problem> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.host);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let answer = self.sender().await?.send_request(request.body(Full::new(body))?).await?;
        let (head, body) = answer.into_parts();
        Ok(Answer { status: head.status, headers: head.headers, body: body.collect().await?.to_bytes() })
    }

    pub(crate) async fn get(
        &mut self,
        path: &str,
        headers: &[(HeaderName, &str)],
    ) -> Result<Answer, Problem> {
        self.ask(Method::GET, path, headers, Bytes::new()).await
    }

    pub(crate) async fn post(
        &mut self,
        path: &str,
        headers: &[(HeaderName, &str)],
        fields: &[(&str, &str)],
    ) -> Result<Answer, Problem> {
        let body = form(fields);
        let headers: Vec<_> = headers.iter().cloned().chain([(CONTENT_TYPE, FORM)]).collect();
        self.ask(Method::POST, path, &headers, body.into()).await
    }
}

pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A browser: the connection, and the cookies that the server set.
pub(crate) struct Browser {
    connection: Connection,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, cookies: BTreeMap::new() }
    }

    /// As somebody who was never here.
    pub(crate) fn forget(&mut self) {
        self.cookies.clear();
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    pub(crate) async fn open(&mut self, path: &str) -> Result<Answer, Problem> {
        let cookie = self.cookie();
        let answer = self.connection.get(path, &[(COOKIE, &cookie)]).await?;
        self.keep(&answer);
        Ok(answer)
    }

    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, Problem> {
        let cookie = self.cookie();
        let answer = self.connection.post(path, &[(COOKIE, &cookie)], fields).await?;
        self.keep(&answer);
        Ok(answer)
    }

    fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, answer: &Answer) {
        for header in answer.headers.get_all(SET_COOKIE).iter().filter_map(|it| it.to_str().ok()) {
            let pair = header.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
