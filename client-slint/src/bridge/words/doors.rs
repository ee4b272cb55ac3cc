//! Wishes and news about the ways in.

use thrive_client::{
    Device, Failure, Greeting, OwnEmail, Secret, ServerAddress, SessionId, SignedUp,
};

/// What a person wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DoorWish {
    /// What a server says to everybody.
    Greet(ServerAddress),
    Verify {
        server: ServerAddress,
        username: String,
        code: Secret,
    },
    ResendCode {
        server: ServerAddress,
        username: String,
    },
    AskReset {
        server: ServerAddress,
        account: String,
    },
    Reset {
        server: ServerAddress,
        username: String,
        code: Secret,
        password: Secret,
    },
    ChangePassword {
        old: Secret,
        new: Secret,
        others: bool,
    },
    ShowEmail,
    ChangeEmail {
        address: String,
        password: Secret,
    },
    ConfirmEmail(Secret),
    ListDevices,
    Revoke(SessionId),
    /// What the operator says to whoever has logged in.
    Welcome,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum DoorNews {
    Greeted { server: ServerAddress, result: Result<Greeting, Failure> },
    Created(Result<SignedUp, Failure>),
    Verified(Result<(), Failure>),
    CodeSent(Result<(), Failure>),
    ResetAsked(Result<(), Failure>),
    Reset(Result<(), Failure>),
    PasswordChanged(Result<(), Failure>),
    Email(Result<OwnEmail, Failure>),
    EmailAsked(Result<(), Failure>),
    EmailConfirmed(Result<(), Failure>),
    Devices(Result<Vec<Device>, Failure>),
    Revoked { session: SessionId, result: Result<(), Failure> },
    Welcome(String),
}
