//! A minimal client of Redis, so that a test can say anything to it: one command, one answer.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What Redis answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    Nil,
    Number(i64),
    Text(String),
    List(Vec<Self>),
}

impl Value {
    /// Its text; empty if it has none.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Nil | Self::Number(_) | Self::List(_) => "",
        }
    }

    /// Its number; 0 if it has none.
    #[must_use]
    pub fn number(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            Self::Nil | Self::Text(_) | Self::List(_) => 0,
        }
    }
}

pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).context("connect to Redis")?;
        stream.set_read_timeout(Some(PATIENCE)).context("give Redis a deadline")?;
        stream.set_nodelay(true).context("send at once")?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    pub(crate) fn ask(&mut self, words: &[&str]) -> Result<Value> {
        self.stream.get_mut().write_all(&encode(words)).context("send to Redis")?;
        self.answer().with_context(|| format!("{} of Redis", words.first().unwrap_or(&"")))
    }

    fn answer(&mut self) -> Result<Value> {
        let line = self.line()?;
        let (kind, rest) = line.split_at_checked(1).context("an answer has a kind")?;
        Ok(match kind {
            "+" => Value::Text(rest.to_owned()),
            "-" => bail!("it refuses: {rest}"),
            ":" => Value::Number(rest.parse().context("a number")?),
            "$" => match usize::try_from(rest.parse::<i64>().context("a length")?) {
                Ok(length) => Value::Text(self.bulk(length)?),
                Err(_) => Value::Nil,
            },
            "*" => match usize::try_from(rest.parse::<i64>().context("a length")?) {
                Ok(length) => {
                    Value::List((0..length).map(|_| self.answer()).collect::<Result<_>>()?)
                }
                Err(_) => Value::Nil,
            },
            other => bail!("an answer of the unknown kind {other:?}"),
        })
    }

    fn bulk(&mut self, length: usize) -> Result<String> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).context("read from Redis")?;
        self.line()?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).context("read from Redis")?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => bail!("Redis closed the connection"),
        }
    }
}

fn encode(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_a_list_of_words_with_their_lengths() {
        assert_eq!(
            encode(&["SET", "a", "ä b"]),
            b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\n\xc3\xa4 b\r\n"
        );
    }
}
