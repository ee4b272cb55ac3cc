//! Wishes about the ways in.

use std::path::PathBuf;

use thrive_client::{Client, Failure, Options, ServerAddress};
use tokio::sync::mpsc::Sender;

use super::{Bridge, tell};
use crate::bridge::words::{DoorNews, DoorWish, News};

impl Bridge {
    pub(super) fn doors(&mut self, wish: DoorWish) {
        match wish {
            DoorWish::Greet(_)
            | DoorWish::Verify { .. }
            | DoorWish::ResendCode { .. }
            | DoorWish::AskReset { .. }
            | DoorWish::Reset { .. } => {
                let (dir, device) = (self.place.dir.clone(), self.place.device.clone());
                self.call(async move |news| outside(dir, device, wish, &news).await);
            }
            DoorWish::ChangePassword { .. }
            | DoorWish::ShowEmail
            | DoorWish::ChangeEmail { .. }
            | DoorWish::ConfirmEmail(_)
            | DoorWish::ListDevices
            | DoorWish::Revoke(_)
            | DoorWish::Welcome => {
                let Some(connected) = &self.line else { return };
                let client = connected.client.clone();
                self.call(async move |news| inside(&client, wish, &news).await);
            }
        }
    }
}

/// What needs nobody who is logged in. It has a client of its own: whoever comes in meanwhile, to this
/// server or another one, is neither delayed nor disturbed.
async fn outside(dir: PathBuf, device: String, wish: DoorWish, news: &Sender<News>) {
    let open = async |server: &ServerAddress| {
        Client::open(Options {
            dir,
            server: server.clone(),
            program: concat!("thrive-messenger ", env!("CARGO_PKG_VERSION")).into(),
            device,
        })
        .await
    };
    let door = match wish {
        DoorWish::Greet(server) => {
            let result = match open(&server).await {
                Ok(client) => client.greeting().await,
                Err(failure) => Err(failure),
            };
            DoorNews::Greeted { server, result }
        }
        DoorWish::Verify { server, username, code } => DoorNews::Verified(
            with(open(&server).await, async |it| it.verify_account(&username, code).await).await,
        ),
        DoorWish::ResendCode { server, username } => DoorNews::CodeSent(
            with(open(&server).await, async |it| it.resend_code(&username).await).await,
        ),
        DoorWish::AskReset { server, account } => DoorNews::ResetAsked(
            with(open(&server).await, async |it| it.request_reset(&account).await).await,
        ),
        DoorWish::Reset { server, username, code, password } => DoorNews::Reset(
            with(open(&server).await, async |it| {
                it.reset_password(&username, code, password).await
            })
            .await,
        ),
        DoorWish::ChangePassword { .. }
        | DoorWish::ShowEmail
        | DoorWish::ChangeEmail { .. }
        | DoorWish::ConfirmEmail(_)
        | DoorWish::ListDevices
        | DoorWish::Revoke(_)
        | DoorWish::Welcome => return,
    };
    tell(news, News::Door(door)).await;
}

async fn with(
    client: Result<Client, Failure>,
    call: impl AsyncFnOnce(&Client) -> Result<(), Failure>,
) -> Result<(), Failure> {
    call(&client?).await
}

/// What whoever is logged in asks.
async fn inside(client: &Client, wish: DoorWish, news: &Sender<News>) {
    let door = match wish {
        DoorWish::ChangePassword { old, new, others } => {
            DoorNews::PasswordChanged(client.change_password(old, new, others).await)
        }
        DoorWish::ShowEmail => DoorNews::Email(client.email().await),
        DoorWish::ChangeEmail { address, password } => {
            DoorNews::EmailAsked(client.change_email(&address, password).await)
        }
        DoorWish::ConfirmEmail(code) => DoorNews::EmailConfirmed(client.confirm_email(code).await),
        DoorWish::ListDevices => DoorNews::Devices(client.devices().await),
        DoorWish::Revoke(session) => {
            let result = client.revoke_device(session).await;
            DoorNews::Revoked { session, result }
        }
        DoorWish::Welcome => DoorNews::Welcome(client.welcome_text()),
        DoorWish::Greet(_)
        | DoorWish::Verify { .. }
        | DoorWish::ResendCode { .. }
        | DoorWish::AskReset { .. }
        | DoorWish::Reset { .. } => return,
    };
    tell(news, News::Door(door)).await;
}
