//! Wishes about the host and its admins.

use super::Bridge;
use crate::bridge::words::HostWish;

impl Bridge {
    pub(super) async fn host(&mut self, wish: HostWish) {
        match wish {}
    }
}
