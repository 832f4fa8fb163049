//! A conversation with the mail server: reached, encrypted, signed in to, and handed mails one after the other.
//!
//! The way up to the first protected octet is gone here and not by `lettre`, which would take what stands in the plain
//! text after the answer to STARTTLS for the first answer under TLS.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use identity::delivery::{Attempt, NoService, Unsendable};
use lettre::Address;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::{ClientId, Extension};
use rustls_platform_verifier::BuilderVerifierExt as _;
use terms::EmailAddress;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, ReadBuf,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::config::{Encryption, SmtpConfig};

/// Octets of one answer before TLS.
const PLAIN_ANSWER_BYTES: u64 = 8 * 1024;

/// Why a mail was not taken over, or the server not reached.
///
/// `said` is for the operator who asks for it, by `mail test` or the doctor: it may hold the server's own words, and with
/// them an address, so it is not logged.
#[derive(Debug)]
pub struct Trouble {
    pub attempt: Attempt,
    pub said: String,
}

impl Trouble {
    fn no_service(what: NoService, said: impl fmt::Display) -> Self {
        Self { attempt: Attempt::NoService(what), said: said.to_string() }
    }

    fn of(error: &lettre::transport::smtp::Error, otherwise: NoService) -> Self {
        // The error's own text is "permanent error (550)" and its source the server's words.
        let said = std::error::Error::source(error)
            .map_or_else(|| error.to_string(), |why| format!("{error}: {why}"));
        let attempt = match error.status() {
            Some(code) => Attempt::Answered(u16::from(code)),
            None => Attempt::NoService(otherwise),
        };
        Self { attempt, said }
    }

    /// A refusal before any mail was spoken of is about us, not about the mail.
    fn before_mail(error: &lettre::transport::smtp::Error, at: NoService) -> Self {
        Self { attempt: Attempt::NoService(at), ..Self::of(error, at) }
    }
}

/// The address as an envelope takes it: the part before the `@` as its owner writes it, the domain in ASCII.
pub fn address(address: &EmailAddress) -> Option<Address> {
    let (local, _) = address.as_written().rsplit_once('@')?;
    let (_, domain) = address.canonical().as_str().rsplit_once('@')?;
    Address::new(local, domain).ok()
}

/// The authorities of a PEM file, or what is wrong with it.
pub fn authorities(path: &Path) -> Result<RootCertStore, String> {
    let told = |error: &dyn fmt::Display| format!("{}: {error}", path.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| told(&error))? {
        let certificate = certificate.map_err(|error| told(&error))?;
        roots.add(certificate).map_err(|error| told(&error))?;
    }
    if roots.is_empty() { Err(told(&"there is no certificate in it")) } else { Ok(roots) }
}

fn tls_config(config: &SmtpConfig) -> Result<ClientConfig, Trouble> {
    let failed = |error: &dyn fmt::Display| Trouble::no_service(NoService::Tls, error);
    let builder = ClientConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?;
    let builder = match &config.ca_file {
        Some(path) => builder.with_root_certificates(authorities(path).map_err(|error| failed(&error))?),
        None => builder.with_platform_verifier().map_err(|error| failed(&error))?,
    };
    Ok(builder.with_no_client_auth())
}

/// A conversation that is ready for a mail.
pub struct Conversation {
    connection: AsyncSmtpConnection,
    timeout: Duration,
}

impl Conversation {
    /// Reaches the server of the configuration, as far as it takes to send.
    pub async fn open(config: &SmtpConfig) -> Result<Self, Trouble> {
        let hello = ClientId::Domain(config.from.domain().to_owned());
        let stream = reach(config, &hello).await?;
        let greeted = AsyncSmtpConnection::connect_with_transport(stream, &hello);
        let mut connection = within(config.timeout, greeted)
            .await?
            .map_err(|error| Trouble::before_mail(&error, NoService::Greeting))?;
        if let Some(it) = &config.credentials {
            let credentials = Credentials::new(it.username.clone(), it.password.reveal().to_owned());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            let signed_in = within(config.timeout, connection.auth(&mechanisms, &credentials)).await?;
            signed_in.map_err(|error| Trouble::before_mail(&error, NoService::Authentication))?;
        }
        Ok(Self { connection, timeout: config.timeout })
    }

    /// Whether the server still listens to this conversation.
    pub async fn lives(&mut self) -> bool {
        !self.connection.has_broken()
            && within(self.timeout, self.connection.test_connected()).await.unwrap_or(false)
    }

    /// Hands one mail over. After trouble the conversation must not go on: it is unknown where it stands.
    pub async fn send(&mut self, envelope: &Envelope, message: &[u8]) -> Result<(), Trouble> {
        if envelope.to().iter().any(|to| !to.user().is_ascii())
            && !self.connection.server_info().supports_feature(Extension::SmtpUtfEight)
        {
            return Err(Trouble {
                attempt: Attempt::Unsendable(Unsendable::Address),
                said: "the mail server takes no address with letters beyond ASCII before the @ (SMTPUTF8)"
                    .to_owned(),
            });
        }
        // From MAIL to the end of the data there are four answers to wait for.
        let sent = within(self.timeout * 4, self.connection.send(envelope, message)).await?;
        sent.map(|_| ()).map_err(|error| Trouble::of(&error, NoService::Silence))
    }

    /// Says goodbye, if the server listens.
    pub async fn end(mut self) {
        let _ = within(Duration::from_secs(1), self.connection.quit()).await;
    }
}

async fn within<T>(limit: Duration, step: impl Future<Output = T>) -> Result<T, Trouble> {
    let late = || Trouble::no_service(NoService::Silence, format!("no answer within {} s", limit.as_secs()));
    tokio::time::timeout(limit, step).await.map_err(|_| late())
}

/// A stream on which the server's greeting comes next.
async fn reach(config: &SmtpConfig, hello: &ClientId) -> Result<Box<dyn AsyncTokioStream>, Trouble> {
    let connecting = TcpStream::connect((config.host.as_str(), config.port));
    let tcp = tokio::time::timeout(config.timeout, connecting)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(|error| Trouble::no_service(NoService::Connect, error))?;
    let peer = tcp.peer_addr().map_err(|error| Trouble::no_service(NoService::Connect, error))?;
    Ok(match config.encryption {
        Encryption::None => Box::new(Wire { inner: tcp, said_before: &[], peer }),
        Encryption::Tls => {
            let inner = within(config.timeout, encrypt(config, tcp)).await??;
            Box::new(Wire { inner, said_before: &[], peer })
        }
        Encryption::Starttls => {
            let tcp = within(config.timeout, ask_for_tls(tcp, hello)).await??;
            let inner = within(config.timeout, encrypt(config, tcp)).await??;
            // RFC 3207 section 4.2: the conversation starts over, but for the greeting, which `lettre` waits for.
            Box::new(Wire { inner, said_before: b"220 ready\r\n", peer })
        }
    })
}

async fn encrypt(
    config: &SmtpConfig,
    tcp: TcpStream,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Trouble> {
    let name = ServerName::try_from(config.host.clone())
        .map_err(|error| Trouble::no_service(NoService::Tls, error))?;
    let connector = TlsConnector::from(Arc::new(tls_config(config)?));
    connector.connect(name, tcp).await.map_err(|error| Trouble::no_service(NoService::Tls, error))
}

/// RFC 3207 section 4: greeting, EHLO, STARTTLS. A server that doesn't offer it, or whose offer was taken out on the way, gets nothing.
async fn ask_for_tls(tcp: TcpStream, hello: &ClientId) -> Result<TcpStream, Trouble> {
    let refused = |said: String| Trouble::no_service(NoService::Greeting, said);
    let mut stream = BufReader::new(tcp);
    plain_answer(&mut stream, "220").await?;
    let said = |error: io::Error| Trouble::no_service(NoService::Silence, error);
    stream.write_all(format!("EHLO {hello}\r\n").as_bytes()).await.map_err(said)?;
    let offers = plain_answer(&mut stream, "250").await?;
    let offered =
        offers.iter().any(|line| line.get(4..).is_some_and(|it| it.eq_ignore_ascii_case("STARTTLS")));
    if !offered {
        return Err(refused("the mail server offers no STARTTLS".to_owned()));
    }
    stream.write_all(b"STARTTLS\r\n").await.map_err(said)?;
    plain_answer(&mut stream, "220").await?;
    if !stream.buffer().is_empty() {
        return Err(refused("there was more in the plain text after the answer to STARTTLS".to_owned()));
    }
    Ok(stream.into_inner())
}

/// The lines of one answer (RFC 5321 section 4.2.1), which must have this code.
async fn plain_answer(stream: &mut BufReader<TcpStream>, code: &str) -> Result<Vec<String>, Trouble> {
    let mut lines = Vec::new();
    let mut limited = stream.take(PLAIN_ANSWER_BYTES);
    loop {
        let mut line = Vec::new();
        let read = limited.read_until(b'\n', &mut line).await;
        read.map_err(|error| Trouble::no_service(NoService::Silence, error))?;
        if line.last() != Some(&b'\n') {
            return Err(Trouble::no_service(NoService::Silence, "the server ended the connection"));
        }
        let line = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
        if !line.starts_with(code) {
            return Err(Trouble::no_service(NoService::Greeting, line));
        }
        let last = line.as_bytes().get(3) != Some(&b'-');
        lines.push(line);
        if last {
            return Ok(lines);
        }
    }
}

/// A connection of which something was already said, as `lettre` takes it.
struct Wire<S> {
    inner: S,
    said_before: &'static [u8],
    peer: SocketAddr,
}

impl<S> fmt::Debug for Wire<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({})", self.peer)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> AsyncTokioStream for Wire<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if wire.said_before.is_empty() {
            return Pin::new(&mut wire.inner).poll_read(cx, buffer);
        }
        let (now, later) = wire.said_before.split_at(wire.said_before.len().min(buffer.remaining()));
        buffer.put_slice(now);
        wire.said_before = later;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, octets)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// A server that greets, offers STARTTLS, and answers it with `answer`.
    async fn asked(offers: &'static str, answer: &'static str) -> Result<(), Trouble> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            for said in ["220 hello\r\n", offers, answer] {
                stream.write_all(said.as_bytes()).await.unwrap();
                line.clear();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return;
                }
            }
        });
        let stream = TcpStream::connect(address).await.unwrap();
        let hello = ClientId::Domain("portico.example".to_owned());
        let asked = ask_for_tls(stream, &hello).await;
        let asked = asked.map(|_| ());
        server.await.unwrap();
        asked
    }

    #[tokio::test]
    async fn nothing_in_plain_text_follows_starttls() {
        const OFFERS: &str = "250-here\r\n250-8BITMIME\r\n250 STARTTLS\r\n";
        assert!(asked(OFFERS, "220 go on\r\n").await.is_ok());
        for (offers, answer, said) in [
            (OFFERS, "220 go on\r\n250-here\r\n250 AUTH PLAIN\r\n", "more in the plain text"),
            (OFFERS, "454 not now\r\n", "454"),
            ("250 here\r\n", "", "no STARTTLS"),
            ("250-here\r\n250 XSTARTTLS\r\n", "", "no STARTTLS"),
            ("554 go away\r\n", "", "554"),
        ] {
            let trouble = asked(offers, answer).await.unwrap_err();
            assert!(trouble.said.contains(said), "{}", trouble.said);
            assert_eq!(trouble.attempt, Attempt::NoService(NoService::Greeting));
        }
    }
}
