//! Wishes about files.

use super::Bridge;
use crate::bridge::words::FileWish;

impl Bridge {
    pub(super) async fn files(&mut self, wish: FileWish) {
        match wish {}
    }
}
