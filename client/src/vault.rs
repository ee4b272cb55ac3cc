//! Keeps tokens between runs: in the system keyring, or in a private file where there is none.

use std::path::Path;

use crate::types::{Failure, Secret, ServerAddress, Username};

/// Tokens by server and user name.
#[derive(Clone, Debug)]
pub struct Vault {}

impl Vault {
    /// `dir` holds the file that stands in for the keyring.
    pub fn open(_dir: &Path) -> Self {
        unimplemented!()
    }

    pub async fn save(
        &self,
        _server: &ServerAddress,
        _username: &Username,
        _token: &Secret,
    ) -> Result<(), Failure> {
        unimplemented!()
    }

    pub async fn load(&self, _server: &ServerAddress, _username: &Username) -> Option<Secret> {
        unimplemented!()
    }

    pub async fn remove(
        &self,
        _server: &ServerAddress,
        _username: &Username,
    ) -> Result<(), Failure> {
        unimplemented!()
    }
}
