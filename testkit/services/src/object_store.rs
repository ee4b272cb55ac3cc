//! A server that speaks S3 over HTTP on loopback, over a folder. It serves from a thread of its own and ends when
//! it is dropped.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context as _, Result, anyhow};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// One bucket, and the key to it.
pub struct ObjectStore {
    folder: TempDir,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<thread::JoinHandle<()>>,
}

const ACCESS_KEY: &str = "a-key-for-tests";
const SECRET_KEY: &str = "its-other-half-for-tests";

impl ObjectStore {
    /// # Errors
    /// The folder cannot be made, or no port is free.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("thrive-object-store-").tempdir()?;
        let objects = folder.path().join("objects");
        std::fs::create_dir_all(objects.join(Self::BUCKET)).context("make the bucket")?;
        std::fs::write(folder.path().join("access"), format!("{ACCESS_KEY}\n"))?;
        std::fs::write(folder.path().join("secret"), format!("{SECRET_KEY}\n"))?;
        let files = s3s_fs::FileSystem::new(&objects).map_err(|error| anyhow!("{error:?}"))?;
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let service = service.build();
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let serving = thread::Builder::new().name("object-store".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = serve(listener, service) => {}
                }
            });
        })?;
        Ok(Self { folder, address, stop: Some(stop), serving: Some(serving) })
    }

    /// The bucket that is there.
    pub const BUCKET: &str = "thrive";

    /// `http://` and the address.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A file with the one half of the key.
    #[must_use]
    pub fn access_key_file(&self) -> PathBuf {
        self.folder.path().join("access")
    }

    /// A file with the other half.
    #[must_use]
    pub fn secret_key_file(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    /// How many objects lie in the bucket.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn objects(&self) -> Result<usize> {
        count(&self.folder.path().join("objects").join(Self::BUCKET))
    }
}

impl Drop for ObjectStore {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(serving) = self.serving.take() {
            // A test that has failed says so by itself.
            drop(serving.join());
        }
    }
}

async fn serve(listener: std::net::TcpListener, service: S3Service) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        let service = service.clone();
        tokio::spawn(async move {
            let server = Builder::new(TokioExecutor::new());
            // A client that goes away in the middle is none of our business.
            drop(server.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

/// Without what the server keeps beside them for itself, whose names begin with a dot.
fn count(folder: &Path) -> Result<usize> {
    let mut objects = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        objects += match entry.file_type()? {
            it if it.is_dir() => count(&entry.path())?,
            _ if hidden => 0,
            _ => 1,
        };
    }
    Ok(objects)
}
