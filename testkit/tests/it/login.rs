//! Accounts and sessions: who may come in, and who has to go.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use thrive_protocol::people::Session;
use thrive_protocol::reply::SignUp;
use thrive_protocol::request::{ChangePassword, CreateAccount, Resume};
use thrive_protocol::secret::Secret;
use thrive_protocol::version::close;
use thrive_protocol::{Code, Event, Reply, Request};
use thrive_testkit::{PASSWORD, RawClient, TestNode};

fn create(username: &str, password: &str) -> Request {
    let password = Secret::new(password.into());
    Request::CreateAccount(CreateAccount {
        username: username.into(),
        password,
        email: None,
        invite: None,
    })
}

fn resume(token: &Secret) -> Request {
    Request::Resume(Resume { token: token.clone() })
}

async fn sessions(client: &RawClient) -> Result<Vec<Session>> {
    match client.bulk(Request::ListSessions {}).await? {
        Ok(Reply::Sessions { sessions }) => Ok(sessions.into_inner()),
        other => bail!("no sessions but {other:?}"),
    }
}

/// The connection is told that its session is over, closed for it, and its token is void.
async fn is_ended(node: &TestNode, client: &mut RawClient, token: &Secret) -> Result<()> {
    client.event(|event| matches!(event, Event::SessionEnded {}).then_some(())).await?;
    assert_eq!(client.closed().await?, close::SESSION_ENDED);
    let mut guest = node.guest().await?;
    assert_eq!(guest.refused(resume(token)).await?, Code::SessionEnded);
    Ok(())
}

#[tokio::test]
async fn a_name_is_folded_and_can_be_taken_only_once() -> Result<()> {
    let node = TestNode::start().await?;
    node.sign_up("Ann.Smith").await?;
    let mut guest = node.guest().await?;
    for (username, password, code) in [
        ("ann.smith", PASSWORD, Code::UsernameTaken),
        ("an", PASSWORD, Code::UsernameInvalid),
        ("ann smith", PASSWORD, Code::UsernameInvalid),
        ("admin", PASSWORD, Code::UsernameReserved),
        ("bob", "short", Code::PasswordTooShort),
        ("bob", &"x".repeat(257), Code::PasswordTooLong),
        ("bob", "password", Code::PasswordTooCommon),
    ] {
        assert_eq!(guest.refused(create(username, password)).await?, code, "{username}");
    }
    let me = node.log_in("ANN.SMITH").await?.me;
    assert_eq!(me.map(|it| it.username.as_str().to_owned()), Some("ann.smith".into()));
    Ok(())
}

#[tokio::test]
async fn a_closed_server_takes_no_new_accounts() -> Result<()> {
    let node = TestNode::start_with(|config| config.sign_up = SignUp::Closed).await?;
    let mut guest = node.guest().await?;
    assert_eq!(guest.refused(create("ann", PASSWORD)).await?, Code::SignUpClosed);
    Ok(())
}

#[tokio::test]
async fn weakness_10_a_wrong_password_and_an_unknown_name_get_the_same_answer_after_the_same_time()
-> Result<()> {
    let node = TestNode::start_with(|config| config.limits.logins.free_failures = 100).await?;
    node.sign_up("ann").await?;
    let mut guest = node.guest().await?;
    let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
    // In turn, and only the quickest counts: what else the machine does then hits both alike.
    for _ in 0..10 {
        for (username, fastest) in [("ann", &mut known), ("nobody", &mut unknown)] {
            let begun = Instant::now();
            let answer = node.try_log_in(&mut guest, username, "not the password").await?;
            assert_eq!(answer.map_err(|it| it.code), Err(Code::WrongCredentials));
            *fastest = begun.elapsed().min(*fastest);
        }
    }
    // Without the same work for nobody, one of them would be a hundred times faster.
    assert!(known < unknown * 3 && unknown < known * 3, "{known:?} and {unknown:?}");
    Ok(())
}

#[tokio::test]
async fn weakness_09_too_many_wrong_passwords_have_to_wait_and_the_right_one_too() -> Result<()> {
    let node = TestNode::start_with(|config| config.limits.logins.free_failures = 3).await?;
    node.sign_up("ann").await?;
    node.sign_up("bob").await?;
    let mut guest = node.guest().await?;
    let mut refusals = Vec::new();
    for _ in 0..8 {
        let answer = node.try_log_in(&mut guest, "ann", "not the password").await?;
        refusals.push(answer.expect_err("it is wrong"));
    }
    let last = refusals.pop().expect("eight of them");
    assert_eq!(refusals[0].code, Code::WrongCredentials);
    assert_eq!(last.code, Code::SlowDown);
    assert!(last.retry_after_ms.is_some_and(|wait| 0 < wait), "{last:?}");
    let right = node.try_log_in(&mut guest, "ann", PASSWORD).await?;
    assert_eq!(right.map_err(|it| it.code), Err(Code::SlowDown), "or it could be guessed on");
    assert!(node.try_log_in(&mut guest, "bob", PASSWORD).await?.is_ok(), "others are not held up");
    Ok(())
}

#[tokio::test]
async fn a_token_lets_in_again_and_is_not_given_twice() -> Result<()> {
    let node = TestNode::start().await?;
    let ann = node.newcomer("ann").await?;
    let token = ann.token()?;
    let again = node.resume(&token).await?;
    assert_eq!(again.user()?, ann.user()?);
    assert!(again.token().is_err(), "only a password brings a token");
    let mut guest = node.guest().await?;
    let wrong = Secret::new(token.expose().to_uppercase());
    assert_eq!(guest.refused(resume(&wrong)).await?, Code::SessionEnded);
    Ok(())
}

#[tokio::test]
async fn logging_out_ends_the_session_everywhere_and_no_other() -> Result<()> {
    let node = TestNode::start().await?;
    let mut ann = node.newcomer("ann").await?;
    let (token, phone) = (ann.token()?, node.log_in("ann").await?);
    let mut same = node.resume(&token).await?;
    ann.ok(Request::LogOut {}).await?;
    assert_eq!(ann.closed().await?, close::DONE);
    is_ended(&node, &mut same, &token).await?;
    assert_eq!(sessions(&phone).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn devices_are_listed_and_a_revoked_one_is_thrown_out() -> Result<()> {
    let node = TestNode::start().await?;
    let mut ann = node.newcomer("ann").await?;
    let mut lost = node.log_in("ann").await?;
    let list = sessions(&ann).await?;
    assert_eq!(list.len(), 2);
    let current: Vec<_> = list.iter().filter(|it| it.current).map(|it| it.session).collect();
    assert_eq!(current, [ann.me.as_ref().expect("logged in").session]);
    assert!(list.iter().all(|it| it.device.as_str() == "ann's device"));

    let session = lost.me.as_ref().expect("logged in").session;
    let token = lost.token()?;
    ann.ok(Request::RevokeSession { session }).await?;
    is_ended(&node, &mut lost, &token).await?;
    assert_eq!(sessions(&ann).await?.len(), 1);
    assert_eq!(ann.refused(Request::RevokeSession { session }).await?, Code::NoSuchSession);
    Ok(())
}

#[tokio::test]
async fn a_revoked_device_is_thrown_out_however_busy_it_keeps_its_line() -> Result<()> {
    let node = TestNode::start().await?;
    let mut ann = node.newcomer("ann").await?;
    let mut lost = node.log_in("ann").await?;
    let session = lost.me.as_ref().expect("logged in").session;
    ann.ok(Request::RevokeSession { session }).await?;
    let begin = Instant::now();
    while lost.post(Request::Heartbeat {}).await.is_ok() {
        ensure!(begin.elapsed() < Duration::from_secs(3), "it is still served");
        tokio::task::yield_now().await;
    }
    assert_eq!(lost.closed().await?, close::SESSION_ENDED);
    Ok(())
}

#[tokio::test]
async fn nobody_can_revoke_the_session_of_somebody_else() -> Result<()> {
    let node = TestNode::start().await?;
    let ann = node.newcomer("ann").await?;
    let mut eve = node.newcomer("eve").await?;
    let session = ann.me.as_ref().expect("logged in").session;
    assert_eq!(eve.refused(Request::RevokeSession { session }).await?, Code::NoSuchSession);
    assert_eq!(sessions(&ann).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_new_password_can_end_all_other_sessions() -> Result<()> {
    let node = TestNode::start().await?;
    let mut ann = node.newcomer("ann").await?;
    let mut phone = node.log_in("ann").await?;
    let token = phone.token()?;
    let change = |old: &str, new: &str, end_other_sessions| {
        let (old, new) = (Secret::new(old.into()), Secret::new(new.into()));
        Request::ChangePassword(ChangePassword { old, new, end_other_sessions })
    };
    let wrong = change("wrong", "another password", true);
    assert_eq!(ann.refused(wrong).await?, Code::WrongCredentials);
    ann.ok(change(PASSWORD, "another password", true)).await?;
    is_ended(&node, &mut phone, &token).await?;

    let mut guest = node.guest().await?;
    let old = node.try_log_in(&mut guest, "ann", PASSWORD).await?;
    assert_eq!(old.map_err(|it| it.code), Err(Code::WrongCredentials));
    assert!(node.try_log_in(&mut guest, "ann", "another password").await?.is_ok());
    assert!(sessions(&ann).await?.iter().any(|it| it.current), "the one that changed it stays");
    Ok(())
}

#[tokio::test]
async fn requests_in_the_wrong_order_are_answered_and_nothing_else_happens() -> Result<()> {
    let node = TestNode::start().await?;
    let mut client = node.connect().await?;
    assert_eq!(client.refused(Request::ServerInfo {}).await?, Code::HelloFirst);
    client.hello().await?;
    assert_eq!(client.refused(Request::Heartbeat {}).await?, Code::LoginRequired);
    assert_eq!(client.refused(Request::LogOut {}).await?, Code::LoginRequired);
    client.ok(Request::ServerInfo {}).await?;

    let mut ann = node.newcomer("ann").await?;
    let token = ann.token()?;
    assert_eq!(ann.refused(resume(&token)).await?, Code::AlreadyLoggedIn);
    assert_eq!(ann.refused(Request::ListContacts {}).await?, Code::WrongStream);
    let wrong = ann.bulk(Request::Heartbeat {}).await?;
    assert_eq!(wrong.map_err(|it| it.code), Err(Code::WrongStream));
    Ok(())
}
