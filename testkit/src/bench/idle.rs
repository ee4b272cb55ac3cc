//! What connections cost that are logged in and say nothing.

use std::time::Duration;

use anyhow::Result;
use thrive_protocol::secret::Secret;
use tokio::task::JoinSet;

use crate::dial::Dialer;
use crate::door::Door;
use crate::process::NodeProcess;
use crate::raw::RawClient;
use crate::usage;

/// Handshakes at a time: more would only wait for each other.
const AT_ONCE: usize = 32;
/// Accounts that the connections belong to, as devices do.
const ACCOUNTS: usize = 20;
/// Connections that are made before the first look at memory, so that what a first connection costs
/// once is not counted.
const WARM: usize = 50;
/// Sockets of the generator.
const SOCKETS: usize = 16;
/// For buffers of the handshake to be given back.
const SETTLE: Duration = Duration::from_secs(3);

/// Bytes.
pub struct Memory {
    pub before: u64,
    pub with: u64,
    pub per_connection: u64,
}

/// Makes the accounts to which the connections will belong.
///
/// # Errors
/// The node refuses.
pub async fn tokens(node: &NodeProcess) -> Result<Vec<Secret>> {
    let mut tokens = Vec::new();
    for number in 0..ACCOUNTS {
        tokens.push(node.newcomer(&format!("idler{number}")).await?.token()?);
    }
    Ok(tokens)
}

/// Opens connections, leaves them alone, and looks at the memory of the node `pid` behind the door. It must be a fresh one:
/// memory that it has used before and kept would be used again, and not be counted.
///
/// # Errors
/// The node refuses a connection.
pub async fn measure(
    door: &Door,
    pid: u32,
    tokens: &[Secret],
    connections: usize,
) -> Result<Memory> {
    let doors = (0..SOCKETS).map(|_| Ok(door.by(Dialer::new()?))).collect::<Result<Vec<_>>>()?;
    let open = async |count: usize| -> Result<Vec<RawClient>> {
        let mut opening = JoinSet::new();
        let mut clients = Vec::new();
        for number in 0..count {
            let door = doors[number % SOCKETS].clone();
            let token = tokens[number % tokens.len()].clone();
            opening.spawn(async move {
                let client = door.resume(&token).await?;
                client.sync(None, &[]).await?;
                Ok::<_, anyhow::Error>(client)
            });
            if AT_ONCE <= opening.len()
                && let Some(client) = opening.join_next().await
            {
                clients.push(client??);
            }
        }
        while let Some(client) = opening.join_next().await {
            clients.push(client??);
        }
        Ok(clients)
    };
    let _warm = open(WARM).await?;
    tokio::time::sleep(SETTLE).await;
    let before = usage::resident(pid)?;
    let _idle = open(connections).await?;
    tokio::time::sleep(SETTLE).await;
    let with = usage::resident(pid)?;
    let per_connection = with.saturating_sub(before) / connections as u64;
    Ok(Memory { before, with, per_connection })
}
