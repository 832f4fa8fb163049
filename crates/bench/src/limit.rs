//! The limits: what the same machine does at most, by a bare handler that does nothing else. It runs as a process of its own, where
//! the provider ran, under the same driver.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RsaKeyPair, UnparsedPublicKey,
};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as Segment, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use clap::Args;
use rusqlite::OpenFlags;
use sqlx::{Connection as _, PgConnection};
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::task::JoinSet;

use crate::Problem;
use crate::http::Connection;
use crate::process::cpu_time;
use crate::provider::{Provider, free_address, pinned};
use crate::workload::{Scene, Workload};

const JSON: [(HeaderName, &str); 1] = [(CONTENT_TYPE, "application/json")];
/// About as long as what an access token's signature is over.
const MESSAGE: [u8; 520] = [b'm'; 520];
const STARTING: Duration = Duration::from_secs(10);

/// What the process of the limits is started with.
#[derive(Args)]
pub(crate) struct LimitArguments {
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long)]
    database: String,
    /// A file with the bytes of each document
    #[arg(long)]
    discovery: PathBuf,
    #[arg(long)]
    jwks: PathBuf,
    /// The row that is read
    #[arg(long)]
    client: String,
}

/// Connections of either engine. SQLite is asked on the thread that answers the request.
enum Pool {
    Sqlite(Mutex<rusqlite::Connection>),
    Postgres { url: String, idle: Mutex<Vec<PgConnection>> },
}

/// By primary key, as the columns lie in the provider's schema.
const READ: &str = "SELECT CAST(metadata AS TEXT) FROM client WHERE tenant_id = $1 AND client_id = $2";
const TENANT: &str = "SELECT tenant_id FROM tenant LIMIT 1";

struct Limits {
    random: SystemRandom,
    rsa: RsaKeyPair,
    ecdsa: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
    signed: Vec<u8>,
    pool: Pool,
    tenant: String,
    client: String,
    discovery: Bytes,
    jwks: Bytes,
}

impl Limits {
    async fn new(arguments: LimitArguments) -> Result<Self, Problem> {
        let random = SystemRandom::new();
        let ecdsa = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
        let signed = ecdsa.sign(&random, &MESSAGE)?.as_ref().to_vec();
        let pool = if arguments.database.starts_with("postgres") {
            Pool::Postgres { url: arguments.database, idle: Mutex::default() }
        } else {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Pool::Sqlite(Mutex::new(rusqlite::Connection::open_with_flags(&arguments.database, flags)?))
        };
        let tenant = match &pool {
            Pool::Sqlite(connection) => {
                connection.lock().map_err(|_| "a reader panicked")?.query_row(TENANT, (), |row| row.get(0))?
            }
            Pool::Postgres { url, .. } => {
                let mut connection = PgConnection::connect(url).await?;
                sqlx::query_scalar(TENANT).fetch_one(&mut connection).await?
            }
        };
        Ok(Self {
            tenant,
            rsa: RsaKeyPair::generate(KeySize::Rsa2048)?,
            ed25519: Ed25519KeyPair::generate()?,
            ecdsa,
            signed,
            random,
            pool,
            client: arguments.client,
            discovery: std::fs::read(arguments.discovery)?.into(),
            jwks: std::fs::read(arguments.jwks)?.into(),
        })
    }

    fn sign(&self, algorithm: &str) -> Result<Vec<u8>, Problem> {
        match algorithm {
            "RS256" => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                let padding = &aws_lc_rs::signature::RSA_PKCS1_SHA256;
                self.rsa.sign(padding, &self.random, &MESSAGE, &mut signature)?;
                Ok(signature)
            }
            "ES256" => Ok(self.ecdsa.sign(&self.random, &MESSAGE)?.as_ref().to_vec()),
            "EdDSA" => Ok(self.ed25519.sign(&MESSAGE).as_ref().to_vec()),
            other => Err(format!("no limit for {other}").into()),
        }
    }

    /// One indexed read and one verification.
    async fn look_up(&self) -> Result<String, Problem> {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.ecdsa.public_key().as_ref());
        key.verify(&MESSAGE, &self.signed)?;
        Ok(match &self.pool {
            Pool::Sqlite(connection) => {
                let connection = connection.lock().map_err(|_| "a reader panicked")?;
                let mut read = connection.prepare_cached(READ)?;
                read.query_row((&self.tenant, &self.client), |row| row.get(0))?
            }
            Pool::Postgres { url, idle } => {
                let free = idle.lock().map_err(|_| "a reader panicked")?.pop();
                let mut connection = match free {
                    Some(connection) => connection,
                    None => PgConnection::connect(url).await?,
                };
                let read = sqlx::query_scalar(READ).bind(&self.tenant).bind(&self.client);
                let row = read.fetch_one(&mut connection).await?;
                idle.lock().map_err(|_| "a reader panicked")?.push(connection);
                row
            }
        })
    }
}

fn failed(problem: &Problem) -> Response {
    eprintln!("limit: {problem}");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// The process of the limits; runs until it is killed.
pub(crate) async fn serve(arguments: LimitArguments) -> Result<(), Problem> {
    let listen = arguments.listen;
    let limits = Arc::new(Limits::new(arguments).await?);
    let sign = |State(limits): State<Arc<Limits>>, Segment(algorithm): Segment<String>, _body: Bytes| async move {
        match limits.sign(&algorithm) {
            Ok(signature) => (JSON, signature).into_response(),
            Err(problem) => failed(&problem),
        }
    };
    let look_up = |State(limits): State<Arc<Limits>>| async move {
        match limits.look_up().await {
            Ok(row) => (JSON, row).into_response(),
            Err(problem) => failed(&problem),
        }
    };
    let table = Router::new()
        .route(
            "/discovery",
            get(|State(limits): State<Arc<Limits>>| async move { (JSON, limits.discovery.clone()) }),
        )
        .route("/jwks", get(|State(limits): State<Arc<Limits>>| async move { (JSON, limits.jwks.clone()) }))
        .route("/sign/{algorithm}", post(sign))
        .route("/look-up", get(look_up))
        .with_state(limits);
    Ok(axum::serve(TcpListener::bind(listen).await?, table).await?)
}

/// That process, as the driver sees it: asked by as many connections as the provider, for what is the limit of one workload.
pub(crate) struct Limit {
    server: Child,
    workload: Workload,
    path: String,
    connections: Vec<Connection>,
}

impl Limit {
    /// Starts it beside a provider, with the same documents and the same database.
    pub(crate) async fn start(
        provider: &Provider,
        scene: &Scene,
        workload: Workload,
        path: String,
        connections: usize,
    ) -> Result<Self, Problem> {
        let address = free_address()?;
        let mut files = Vec::new();
        for (name, workload) in [("discovery", Workload::Discovery), ("jwks", Workload::Jwks)] {
            let path = provider.folder().join(name);
            std::fs::write(&path, scene.document(workload).await?)?;
            files.push(path);
        }
        let mut command = pinned(&std::env::current_exe()?);
        command.args(["limit", "--listen", &address.to_string(), "--database", &provider.database]);
        command.args(["--client", scene.client_id(), "--discovery"]).arg(&files[0]);
        command.arg("--jwks").arg(&files[1]);
        let server = command.stdin(Stdio::null()).kill_on_drop(true).spawn()?;
        let begun = tokio::time::Instant::now();
        while tokio::net::TcpStream::connect(address).await.is_err() {
            if begun.elapsed() > STARTING {
                return Err("the process of the limits did not start".into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let connections = (0..connections).map(|_| Connection::new(address, &address.to_string())).collect();
        Ok(Self { server, workload, path, connections })
    }

    pub(crate) fn process(&self) -> Result<u32, Problem> {
        Ok(self.server.id().ok_or("the process of the limits ended")?)
    }

    /// A closed loop; gives how often it was answered.
    pub(crate) async fn ask(&mut self, time: Duration) -> Result<u32, Problem> {
        let end = tokio::time::Instant::now() + time;
        let mut running = JoinSet::new();
        for mut connection in self.connections.drain(..) {
            let (workload, path) = (self.workload, self.path.clone());
            running.spawn(async move {
                let mut operations = 0_u32;
                while tokio::time::Instant::now() < end {
                    act(&mut connection, workload, &path).await?;
                    operations += 1;
                }
                Ok::<_, Problem>((connection, operations))
            });
        }
        let mut operations = 0;
        while let Some(done) = running.join_next().await {
            let (connection, its) = done??;
            self.connections.push(connection);
            operations += its;
        }
        Ok(operations)
    }
}

/// What a bare handler does in place of a workload, if it has such a limit.
pub(crate) fn path_of(workload: Workload) -> Option<String> {
    match workload {
        Workload::Discovery => Some("/discovery".to_owned()),
        Workload::Jwks => Some("/jwks".to_owned()),
        Workload::ClientCredentials(signature) => Some(format!("/sign/{}", signature.name())),
        Workload::Userinfo | Workload::Introspection => Some("/look-up".to_owned()),
        Workload::Login | Workload::LiveSession | Workload::Refresh => None,
    }
}

/// Does once what [`path_of`] says.
async fn act(connection: &mut Connection, workload: Workload, path: &str) -> Result<(), Problem> {
    let answer = match workload {
        Workload::ClientCredentials(_) => {
            connection.post(path, &[], &[("grant_type", "client_credentials")]).await?
        }
        _ => connection.get(path, &[]).await?,
    };
    answer.must_be(StatusCode::OK).map(drop)
}

/// The processor time of one hash in microseconds, where the provider runs.
pub(crate) async fn hash_time(memory_kib: u32) -> Result<f64, Problem> {
    let mut command = pinned(&std::env::current_exe()?);
    let output = command.args(["hash", "--memory-kib", &memory_kib.to_string()]).output().await?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// The same in this process, as the field's crate does it with memory that is held: the mean of some.
pub(crate) fn hash_here(memory_kib: u32) -> Result<f64, Problem> {
    const HASHES: u32 = 40;
    let parameters = argon2::Params::new(memory_kib, 2, 1, None).map_err(|error| error.to_string())?;
    let hasher = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, parameters.clone());
    let mut memory = vec![argon2::Block::default(); parameters.block_count()];
    let mut out = [0; 32];
    let before = cpu_time(std::process::id())?;
    for _ in 0..HASHES {
        hasher
            .hash_password_into_with_memory(
                b"quiet lantern harbour moss",
                b"sixteen octets ..",
                &mut out,
                &mut memory,
            )
            .map_err(|error| error.to_string())?;
    }
    let took = cpu_time(std::process::id())? - before;
    Ok(took / f64::from(HASHES))
}
