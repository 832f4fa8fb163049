//! Our own TLS: a certificate and its key from two files, which are read again when they change.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::x509::X509;
use terms::Timestamp;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ServerConfig, crypto};
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

/// How long a client may take to agree on a connection.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the files are looked at.
const PERIOD: Duration = Duration::from_secs(2);
/// Octets of either file; a chain has a few thousand.
const LARGEST: u64 = 256 * 1024;

/// Where the certificate and its key lie, both as PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate first, then those that lead to the authority.
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Which of the two files is at fault, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsFault {
    Certificate(String),
    Key(String),
}

impl TlsFault {
    /// The configuration's key.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Certificate(_) => "tls.certificate_file",
            Self::Key(_) => "tls.key_file",
        }
    }

    pub fn problem(&self) -> &str {
        match self {
            Self::Certificate(problem) | Self::Key(problem) => problem,
        }
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key(), self.problem())
    }
}

impl std::error::Error for TlsFault {}

/// What the files held when they were last read.
#[derive(Clone, PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl TlsFiles {
    /// Whether a server could start with these files.
    pub fn check(&self) -> Result<(), TlsFault> {
        self.read()?.open().map(|_| ())
    }

    fn read(&self) -> Result<Contents, TlsFault> {
        let certificate = contents(&self.certificate).map_err(TlsFault::Certificate)?;
        let key = contents(&self.key).map(Zeroizing::new).map_err(TlsFault::Key)?;
        Ok(Contents { certificate, key })
    }

    /// Whether others than the owner and the group may read the key. A group is how a certificate's keeper hands it over.
    pub(crate) fn key_is_open(&self) -> bool {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(&self.key).is_ok_and(|file| file.permissions().mode() & 0o007 != 0)
    }
}

/// From when to when a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    pub from: Timestamp,
    pub until: Timestamp,
}

/// Of the first certificate of a PEM file, which is the server's own; or what is wrong with it.
pub fn validity_of_file(path: &Path) -> Result<Validity, String> {
    let octets = contents(path)?;
    let first = CertificateDer::pem_slice_iter(&octets).next();
    match first {
        Some(Ok(der)) => validity_of_der(&der),
        Some(Err(_)) | None => Err(format!("{} holds no certificate as PEM", path.display())),
    }
}

/// Of a certificate as DER (RFC 5280 section 4.1.2.5); or what is wrong with it.
pub fn validity_of_der(der: &[u8]) -> Result<Validity, String> {
    let wrong = |error: openssl::error::ErrorStack| format!("the certificate can't be read: {error}");
    let certificate = X509::from_der(der).map_err(wrong)?;
    let epoch = Asn1Time::from_unix(0).map_err(wrong)?;
    let instant = |time: &Asn1TimeRef| -> Result<Timestamp, String> {
        let since = epoch.diff(time).map_err(wrong)?;
        Ok(Timestamp::from_seconds(i64::from(since.days) * 24 * 60 * 60 + i64::from(since.secs)))
    };
    Ok(Validity { from: instant(certificate.not_before())?, until: instant(certificate.not_after())? })
}

fn contents(path: &Path) -> Result<Vec<u8>, String> {
    let told = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let size = std::fs::metadata(path).map_err(told)?.len();
    if size > LARGEST {
        return Err(format!(
            "{} has {size} octets; that is no PEM file of a certificate or a key",
            path.display()
        ));
    }
    std::fs::read(path).map_err(told)
}

impl Contents {
    /// What connections are made with. A key that doesn't belong to the certificate is refused.
    fn open(&self) -> Result<InUse, TlsFault> {
        let not_pem = |error| TlsFault::Certificate(format!("is not a certificate as PEM: {error}"));
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(&self.certificate).collect::<Result<_, _>>().map_err(not_pem)?;
        let Some(own) = chain.first() else {
            return Err(TlsFault::Certificate(
                "holds no certificate; it must begin with -----BEGIN CERTIFICATE-----".to_owned(),
            ));
        };
        let validity = validity_of_der(own).map_err(TlsFault::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| {
            TlsFault::Key(format!("is not a private key as PEM, without a passphrase: {error}"))
        })?;
        let failed = |error: tokio_rustls::rustls::Error| {
            TlsFault::Key(format!("can't be used with the certificate of tls.certificate_file: {error}"))
        };
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let mut settings = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(failed)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(failed)?;
        settings.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(InUse { settings: Arc::new(settings), validity })
    }
}

/// A pair that connections are made with.
struct InUse {
    settings: Arc<ServerConfig>,
    validity: Validity,
}

/// The certificate in use.
pub struct Certificate {
    files: TlsFiles,
    /// What was last read, good or bad: only a change is looked at again.
    seen: Mutex<Contents>,
    in_use: ArcSwap<InUse>,
}

impl Certificate {
    pub fn open(files: TlsFiles) -> Result<Self, TlsFault> {
        let seen = files.read()?;
        let in_use = ArcSwap::from_pointee(seen.open()?);
        if files.key_is_open() {
            tracing::warn!(file = %files.key.display(), "everybody on this machine may read the TLS key; chmod 600 it");
        }
        Ok(Self { files, seen: Mutex::new(seen), in_use })
    }

    /// Agrees on a connection with whoever is at the other end, by the certificate in use now.
    pub async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.in_use.load().settings));
        // A client that speaks something else or goes away is no news.
        tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await.ok()?.ok()
    }

    /// From when to when the certificate in use is valid.
    pub fn validity(&self) -> Validity {
        self.in_use.load().validity
    }

    /// Takes what the files hold now, and says whether that is another pair. One that is no good is told once, and leaves
    /// the one in use where it is.
    pub fn refresh(&self) -> Result<bool, TlsFault> {
        let now = self.files.read()?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == now {
            return Ok(false);
        }
        *seen = now;
        self.in_use.store(Arc::new(seen.open()?));
        Ok(true)
    }
}

/// Looks at the files for as long as the server runs. Their contents are compared, so that any way to replace them is
/// noticed: a copy, a rename, a link that comes to point elsewhere.
pub(crate) async fn keep_current(certificate: Arc<Certificate>) {
    let mut last = None;
    loop {
        tokio::time::sleep(PERIOD).await;
        let at = Arc::clone(&certificate);
        let Ok(outcome) = tokio::task::spawn_blocking(move || at.refresh()).await else { continue };
        match outcome {
            Ok(changed) => {
                last = None;
                if changed {
                    tracing::info!("new connections are made with the new TLS certificate");
                }
            }
            // Once, not at every look. Between the two files' replacements they don't belong together for a moment.
            Err(fault) => {
                if last.as_ref() != Some(&fault) {
                    tracing::error!(%fault, "the new TLS certificate can't be used; the one before it stays");
                }
                last = Some(fault);
            }
        }
    }
}
