//! A real Redis that keeps nothing on disk.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use parking_lot::Mutex;

use crate::folder::Folder;
use crate::instance::{Instance, Signal};
use crate::programs;
use crate::resp::{Connection, Value};

/// How often another port is tried, when somebody was faster.
const ATTEMPTS: usize = 5;

/// Where a Redis is. A cheap handle.
#[derive(Clone, Debug)]
pub struct Redis {
    address: SocketAddr,
    password: Option<String>,
}

/// A Redis of one's own. It ends when this is dropped.
pub struct OwnRedis {
    server: Redis,
    options: RedisOptions,
    instance: Mutex<Instance>,
}

/// What a Redis of one's own may have that others have not.
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    /// It is a cluster, of one node with all slots.
    pub cluster: bool,
    pub password: Option<String>,
    /// As on its command line, such as `["--tls-port", "7000"]`.
    pub arguments: Vec<String>,
}

impl Redis {
    /// One that somebody else runs: `redis://[:password@]address:port`.
    ///
    /// # Errors
    /// It is no such URL.
    pub fn at(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("redis://").context("a URL begins with redis://")?;
        let authority = rest.split('/').next().unwrap_or_default();
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let password = user.split_once(':').map(|(_, password)| password.to_owned());
        let address = host.parse().context("an IP address and a port")?;
        Ok(Self { address, password })
    }

    /// Starts one of one's own.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start() -> Result<OwnRedis> {
        Self::start_with(RedisOptions::default())
    }

    /// Starts one of one's own that has something special.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start_with(options: RedisOptions) -> Result<OwnRedis> {
        OwnRedis::start(options)
    }

    #[must_use]
    pub fn url(&self) -> String {
        match &self.password {
            Some(password) => format!("redis://:{password}@{}", self.address),
            None => format!("redis://{}", self.address),
        }
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A beginning of keys and channels that nobody else uses.
    #[must_use]
    pub fn fresh_prefix(&self) -> String {
        format!("test-{:016x}:", programs::random())
    }

    /// Says something to it, such as `["CLIENT", "KILL", "TYPE", "pubsub"]`, on a connection of its own.
    ///
    /// # Errors
    /// It refuses, or does not answer in ten seconds.
    pub fn command(&self, words: &[&str]) -> Result<Value> {
        let mut connection = Connection::open(self.address)?;
        if let Some(password) = &self.password {
            connection.ask(&["AUTH", password])?;
        }
        connection.ask(words)
    }
}

impl OwnRedis {
    fn start(options: RedisOptions) -> Result<Self> {
        programs::redis()?;
        let password = options.password.clone();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let instance = Mutex::new(Instance::new("Redis", Folder::new(None)?));
        let mut own = Self { server: Redis { address, password }, options, instance };
        let mut attempt = 0;
        loop {
            let port = programs::free_port()?;
            own.server.address.set_port(port);
            attempt += 1;
            match own.start_again() {
                Ok(()) => break,
                Err(_) if attempt < ATTEMPTS && programs::port_is_taken(port) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(own)
    }

    /// # Panics
    /// It does not run.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.instance.lock().pid().expect("Redis runs")
    }

    /// Whether it runs; false also when somebody else has ended it.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.instance.lock().runs()
    }

    /// Where its log is, for as long as it lives.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.instance.lock().log()
    }

    /// Asks it to end.
    ///
    /// # Errors
    /// It does not run, or goes on running.
    pub fn stop(&self) -> Result<()> {
        self.instance.lock().stop(Signal::Terminate)
    }

    /// # Errors
    /// It does not run.
    pub fn kill(&self) -> Result<()> {
        self.instance.lock().kill()
    }

    /// Holds it still: connections stay open and nothing answers.
    ///
    /// # Errors
    /// It does not run.
    pub fn pause(&self) -> Result<()> {
        self.instance.lock().pause()
    }

    /// # Errors
    /// It does not run.
    pub fn resume(&self) -> Result<()> {
        self.instance.lock().resume()
    }

    /// Starts it on the same port, empty, and waits until it answers.
    ///
    /// # Errors
    /// It runs already, or does not start.
    pub fn start_again(&self) -> Result<()> {
        let mut instance = self.instance.lock();
        let mut command = programs::command(&programs::redis()?);
        command.args(["--port", &self.address.port().to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no", "--daemonize", "no"]);
        command.arg("--dir").arg(instance.folder());
        if let Some(password) = &self.options.password {
            command.args(["--requirepass", password]);
        }
        if self.options.cluster {
            let port = programs::free_port()?.to_string();
            command.args(["--cluster-enabled", "yes", "--cluster-port", &port]);
            command.args(["--cluster-announce-ip", "127.0.0.1"]);
        }
        command.args(&self.options.arguments);
        let mine = instance.folder().to_string_lossy().into_owned();
        instance.start(&mut command, || self.is_ready(&mine).then_some(()))
    }

    /// It answers, and is not somebody else on the same port.
    fn is_ready(&self, folder: &str) -> bool {
        let place = self.command(&["CONFIG", "GET", "dir"]);
        let mine = place.is_ok_and(|answer| match answer {
            Value::List(words) => words.last().is_some_and(|dir| dir.text() == folder),
            Value::Nil | Value::Number(_) | Value::Text(_) => false,
        });
        mine && (!self.options.cluster || self.has_all_slots().is_ok())
    }

    fn has_all_slots(&self) -> Result<()> {
        let state = |key: &str| {
            let info = self.command(&["CLUSTER", "INFO"])?;
            Ok::<_, anyhow::Error>(info.text().lines().any(|line| line.trim() == key))
        };
        if state("cluster_slots_assigned:0")? {
            self.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"])?;
        }
        ensure!(state("cluster_state:ok")?, "not yet");
        Ok(())
    }
}

impl Deref for OwnRedis {
    type Target = Redis;

    fn deref(&self) -> &Redis {
        &self.server
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_gives_the_address_and_the_password() {
        let check = |url: &str, password: Option<&str>| {
            let redis = Redis::at(url).unwrap();
            assert_eq!(redis.address, "127.0.0.1:6400".parse().unwrap());
            assert_eq!(redis.password.as_deref(), password);
        };
        check("redis://127.0.0.1:6400", None);
        check("redis://:geheim@127.0.0.1:6400/0", Some("geheim"));
        assert!(Redis::at("http://127.0.0.1:6400").is_err());
    }
}
