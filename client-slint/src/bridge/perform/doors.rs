//! Wishes about the ways in.

use super::Bridge;
use crate::bridge::words::DoorWish;

impl Bridge {
    pub(super) async fn doors(&mut self, wish: DoorWish) {
        match wish {}
    }
}
