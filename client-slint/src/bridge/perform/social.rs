//! Wishes about people beyond the contact list.

use super::Bridge;
use crate::bridge::words::SocialWish;

impl Bridge {
    pub(super) async fn social(&mut self, wish: SocialWish) {
        match wish {}
    }
}
