//! Accounts by e-mail, with a real mail server.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use thrive_protocol::mail::{
    ChangeEmail, EmailAddress, RequestReset, ResendCode, ResetPassword, VerifyAccount,
};
use thrive_protocol::request::ChangePassword;
use thrive_services::{Mail, OwnSmtp};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::*;
use crate::config::{Sender, Smtp, SmtpSecurity};
use crate::mail::{Errand, Mailer, Means, NoRoom, Post};

const NEW: &str = "a dog in the yard";

/// People, and the mail server that they all use.
struct Town {
    world: World,
    smtp: OwnSmtp,
    mailer: Mailer,
    _stop: DropGuard,
}

impl Town {
    async fn new() -> Self {
        Self::with(settings()).await
    }

    async fn with(settings: Settings) -> Self {
        let smtp = OwnSmtp::start().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("thrive.db")).unwrap();
        let online = Online::default();
        let hasher = Hasher::with(Params::new(64, 1, 1, None).unwrap()).unwrap();
        let means = Means {
            database: database.clone(),
            hasher: hasher.clone(),
            post: Post::new(&at(&smtp)).unwrap(),
            server: "The Lighthouse".into(),
        };
        let stop = CancellationToken::new();
        let (mailer, work) = Mailer::new(means, stop.clone());
        tokio::spawn(work);
        let settings = Settings { mailer: Some(mailer.clone()), ..settings };
        let depot =
            Depot::open(&config::Config::defaults(folder.path()).files.place).unwrap().unwrap();
        let services = Services::new(
            database.clone(),
            hasher,
            online.clone(),
            settings,
            room(&depot),
            Around::default(),
        );
        let services = services.await.unwrap();
        let world = World { services, database, online, orders: Orders::default(), depot, folder };
        Self { world, smtp, mailer, _stop: stop.drop_guard() }
    }

    async fn sign_up(&self, name: &str, password: &str, email: &str) -> Result<(), Code> {
        let request = CreateAccount {
            username: name.into(),
            password: Secret::new(password.into()),
            email: Some(Secret::new(email.into())),
            invite: None,
        };
        code(self.world.services.accounts.create(HOME, request).await)
    }

    /// An account with this address, which is verified.
    async fn person(&self, name: &str, email: &str) -> Caller {
        self.sign_up(name, PASSWORD, email).await.unwrap();
        let typed = code_in(&self.mail_to(email, 1).await);
        self.verify(name, &typed).await.unwrap();
        self.world.log_in(name).await.0
    }

    async fn verify(&self, name: &str, typed: &str) -> Result<(), Code> {
        let request = VerifyAccount { username: name.into(), code: Secret::new(typed.into()) };
        code(self.world.services.emails.verify(HOME, request).await)
    }

    fn resend(&self, name: &str) -> Result<(), Code> {
        let request = ResendCode { username: name.into() };
        code(self.world.services.emails.resend(HOME, request))
    }

    fn forgot(&self, account: &str) -> Result<(), Code> {
        let request = RequestReset { account: Secret::new(account.into()) };
        code(self.world.services.emails.request_reset(HOME, request))
    }

    async fn reset(&self, name: &str, typed: &str) -> Result<Done<()>, Code> {
        let request = ResetPassword {
            username: name.into(),
            code: Secret::new(typed.into()),
            password: Secret::new(NEW.into()),
        };
        code(self.world.services.emails.reset_password(HOME, request).await)
    }

    /// Waits for the mail with this number to this address, counted from 1.
    async fn mail_to(&self, email: &str, number: usize) -> Mail {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let mut mails = self.mails_to(email);
            if number <= mails.len() {
                return mails.swap_remove(number - 1);
            }
            assert!(Instant::now() < deadline, "mail {number} does not come");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until the store answers so.
    async fn until(&self, sql: &'static str, is_so: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let rows = self.world.database.read("look", sql, Vec::new()).await.unwrap();
            let answer = rows.first().map_or_else(String::new, |row| row.get(0).unwrap());
            if is_so(&answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{sql}: {answer}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn mails_to(&self, email: &str) -> Vec<Mail> {
        let all = self.smtp.mails().unwrap();
        all.into_iter().filter(|it| it.to.eq_ignore_ascii_case(email)).collect()
    }

    /// Every errand before this one has ended.
    async fn all_is_sent(&self) {
        let before = self.smtp.mails().unwrap().len();
        let username = thrive_protocol::name::Username::parse("last").unwrap();
        let address = format!("last{before}@example.org");
        let before = EmailAddress::parse(&address).unwrap();
        self.mailer.send(Errand::AddressChanged { username, before }).unwrap();
        self.mail_to(&address, 1).await;
    }

    async fn let_time_pass(&self, sql: &'static str) {
        self.world.database.write("let time pass", sql, Vec::new()).await.unwrap();
    }
}

fn at(smtp: &OwnSmtp) -> Smtp {
    Smtp {
        server: "127.0.0.1".into(),
        port: smtp.port(),
        security: SmtpSecurity::None,
        login: None,
        ca: None,
        from: Sender {
            name: Some("The Lighthouse".into()),
            address: EmailAddress::parse("noreply@example.org").unwrap(),
        },
    }
}

/// The line that is a code, or ends with one.
fn code_in(mail: &Mail) -> String {
    let halves =
        |it: &&str| it.len() == 9 && it.as_bytes()[4] == b'-' && !it.contains(char::is_lowercase);
    let found = mail.text.split_whitespace().find(halves);
    found.unwrap_or_else(|| panic!("no code in {}", mail.text)).to_owned()
}

/// A code that is not this one.
fn another(than: &str) -> String {
    let last = if than.ends_with('Z') { 'Y' } else { 'Z' };
    format!("{}{last}", &than[..than.len() - 1])
}

#[tokio::test]
async fn an_account_logs_in_after_the_code_from_its_mail_and_not_before() {
    let town = Town::new().await;
    assert_eq!(town.sign_up("ann", PASSWORD, "Ann@example.org").await, Ok(()));
    let early = town.world.try_log_in("ann", PASSWORD).await.map(drop);
    assert_eq!(early, Err(Code::AccountUnverified));
    let wrong = town.world.try_log_in("ann", "wrong").await.map(drop);
    assert_eq!(wrong, Err(Code::WrongCredentials), "only whoever knows the password is told");
    let mail = town.mail_to("Ann@example.org", 1).await;
    assert_eq!(mail.header("Subject"), "Your code for The Lighthouse");
    assert_eq!(mail.header("From"), "The Lighthouse <noreply@example.org>");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert!(!mail.header("Message-ID").is_empty() && !mail.header("Date").is_empty());
    let typed = code_in(&mail);
    assert_eq!(town.verify("ann", &another(&typed)).await, Err(Code::WrongCode));
    assert_eq!(town.verify("ann", &typed.to_lowercase().replace('-', " ")).await, Ok(()));
    assert_eq!(town.verify("ann", &typed).await, Err(Code::WrongCode), "it was used");
    town.world.log_in("ann").await;
}

#[tokio::test]
async fn a_sign_up_without_an_address_and_one_with_nonsense_are_told_apart() {
    let town = Town::new().await;
    assert_eq!(town.world.create("ann", PASSWORD).await, Err(Code::EmailRequired));
    assert_eq!(town.sign_up("ann", PASSWORD, "ann@").await, Err(Code::EmailInvalid));
    let world = World::new().await;
    let request = CreateAccount {
        username: "ann".into(),
        password: Secret::new(PASSWORD.into()),
        email: Some(Secret::new("ann@example.org".into())),
        invite: None,
    };
    let refused = code(world.services.accounts.create(HOME, request).await);
    assert_eq!(refused, Err(Code::EmailUnavailable));
    let reset = RequestReset { account: Secret::new("ann".into()) };
    let refused = code(world.services.emails.request_reset(HOME, reset));
    assert_eq!(refused, Err(Code::EmailUnavailable));
}

#[tokio::test]
async fn a_code_from_the_mail_lets_the_owner_in_whoever_has_guessed_before() {
    let town = Town::new().await;
    town.person("ann", "ann@example.org").await;
    // The owner mistypes; strangers everywhere guess.
    while town.world.try_log_in("ann", "wrong").await.map(drop) != Err(Code::SlowDown) {}
    let guess = async |number| {
        let from = IpAddr::V4(Ipv4Addr::new(198, 51, 100, number));
        let request = LogIn {
            username: "ann".into(),
            password: Secret::new("wrong".into()),
            device: "of a stranger".into(),
            presence: None,
        };
        code(town.world.services.accounts.log_in(from, request).await).map(drop).unwrap_err()
    };
    let mut heard = Vec::new();
    for ten in 0..12 {
        // At once, since each waits for its answer.
        heard.extend(join_all((10 * ten..10 * ten + 10).map(guess)).await);
    }
    let (wrong, slow): (Vec<_>, Vec<_>) =
        heard.into_iter().partition(|it| *it == Code::WrongCredentials);
    assert_eq!((wrong.len(), slow), (100, vec![Code::SlowDown; 20]));
    town.forgot("ann").unwrap();
    let typed = code_in(&town.mail_to("ann@example.org", 2).await);
    town.reset("ann", &typed).await.unwrap();
    assert!(town.world.try_log_in("ann", NEW).await.is_ok());
}

#[tokio::test]
async fn wrong_codes_use_a_code_up_and_another_one_replaces_it() {
    let town = Town::new().await;
    town.sign_up("ann", PASSWORD, "ann@example.org").await.unwrap();
    let first = code_in(&town.mail_to("ann@example.org", 1).await);
    for _ in 0..5 {
        assert_eq!(town.verify("ann", &another(&first)).await, Err(Code::WrongCode));
    }
    assert_eq!(town.verify("ann", &first).await, Err(Code::WrongCode), "it was tried too often");
    assert_eq!(town.resend("ann"), Ok(()));
    let second = code_in(&town.mail_to("ann@example.org", 2).await);
    assert_eq!(town.verify("ann", &first).await, Err(Code::WrongCode), "it was replaced");
    assert_eq!(town.verify("ann", &second).await, Ok(()));
}

#[tokio::test]
async fn a_code_that_is_too_old_is_no_code() {
    let town = Town::new().await;
    town.sign_up("ann", PASSWORD, "ann@example.org").await.unwrap();
    let typed = code_in(&town.mail_to("ann@example.org", 1).await);
    let rows = town.world.database.read(
        "look how long it is valid",
        "SELECT expires - $1 FROM mail_code",
        vec![crate::store::value::Value::from(clock::now())],
    );
    let left: i64 = rows.await.unwrap()[0].get(0).unwrap();
    assert!((500_000..=600_000).contains(&left), "about ten minutes: {left}");
    town.let_time_pass("UPDATE mail_code SET expires = 1").await;
    assert_eq!(town.verify("ann", &typed).await, Err(Code::WrongCode));
}

#[tokio::test]
async fn an_account_that_is_never_verified_frees_its_name() {
    let town = Town::new().await;
    town.sign_up("ann", PASSWORD, "ann@example.org").await.unwrap();
    let taken = town.sign_up("ann", NEW, "eve@example.org").await;
    assert_eq!(taken, Err(Code::UsernameTaken), "with another password it is somebody else");
    town.let_time_pass("UPDATE account SET unverified_until = 1").await;
    let over = town.world.try_log_in("ann", PASSWORD).await.map(drop);
    assert_eq!(over, Err(Code::WrongCredentials));
    assert_eq!(town.sign_up("ann", NEW, "other@example.org").await, Ok(()));
    let typed = code_in(&town.mail_to("other@example.org", 1).await);
    assert_eq!(town.verify("ann", &typed).await, Ok(()));
    assert!(town.world.try_log_in("ann", NEW).await.is_ok());
    assert_eq!(town.mails_to("eve@example.org"), []);
}

#[tokio::test]
async fn a_mistyped_address_is_corrected_by_signing_up_again_with_the_same_password() {
    let town = Town::new().await;
    town.sign_up("ann", PASSWORD, "typo@example.org").await.unwrap();
    let first = code_in(&town.mail_to("typo@example.org", 1).await);
    town.sign_up("ann", PASSWORD, "ann@example.org").await.unwrap();
    let second = code_in(&town.mail_to("ann@example.org", 1).await);
    assert_eq!(town.verify("ann", &first).await, Err(Code::WrongCode));
    assert_eq!(town.verify("ann", &second).await, Ok(()));
    let ann = town.world.log_in("ann").await.0;
    let shown = town.world.services.emails.show(&ann).await.unwrap();
    assert_eq!(shown.address.as_deref(), Some("a***@example.org"));
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_code_and_every_session_ends() {
    let town = Town::new().await;
    let ann = town.person("ann", "ann@example.org").await;
    let (phone, _) = town.world.log_in("ann").await;
    assert_eq!(town.forgot("ann"), Ok(()));
    let typed = code_in(&town.mail_to("ann@example.org", 2).await);
    let refused = town.reset("ann", &another(&typed)).await.map(drop);
    assert_eq!(refused, Err(Code::WrongCode));
    let done = town.reset("ann", &typed).await.unwrap();
    let mut ended: Vec<_> = done.news.iter().map(|it| it.to).collect();
    let mut expected = [ann.session, phone.session]
        .map(|session| Audience::EndSession(ann.user, session))
        .to_vec();
    ended.sort_by_key(|it| format!("{it:?}"));
    expected.sort_by_key(|it| format!("{it:?}"));
    assert_eq!(ended, expected);
    let old = town.world.try_log_in("ann", PASSWORD).await.map(drop);
    assert_eq!(old, Err(Code::WrongCredentials));
    assert!(town.world.try_log_in("ann", NEW).await.is_ok());
    assert_eq!(town.reset("ann", &typed).await.map(drop), Err(Code::WrongCode), "it was used");
    let notice = town.mail_to("ann@example.org", 3).await;
    assert_eq!(notice.header("Subject"), "Your password on The Lighthouse was changed");
}

#[tokio::test]
async fn whoever_changes_a_password_is_told_by_mail_also_when_the_codes_are_used_up() {
    let town = Town::new().await;
    let ann = town.person("ann", "ann@example.org").await;
    for _ in 0..5 {
        town.forgot("ann").unwrap();
    }
    town.mail_to("ann@example.org", 4).await;
    let request = ChangePassword {
        old: Secret::new(PASSWORD.into()),
        new: Secret::new(NEW.into()),
        end_other_sessions: false,
    };
    town.world.services.accounts.change_password(&ann, request).await.unwrap();
    let notice = town.mail_to("ann@example.org", 5).await;
    assert_eq!(notice.header("Subject"), "Your password on The Lighthouse was changed");
}

#[tokio::test]
async fn a_password_that_is_too_weak_costs_no_try_of_the_code() {
    let town = Town::new().await;
    town.person("ann", "ann@example.org").await;
    town.forgot("ann").unwrap();
    let typed = code_in(&town.mail_to("ann@example.org", 2).await);
    for _ in 0..9 {
        let request = ResetPassword {
            username: "ann".into(),
            code: Secret::new(typed.clone()),
            password: Secret::new("12345678".into()),
        };
        let refused = code(town.world.services.emails.reset_password(HOME, request).await);
        assert_eq!(refused.map(drop), Err(Code::PasswordTooCommon));
    }
    assert!(town.reset("ann", &typed).await.is_ok());
}

#[tokio::test]
async fn an_address_names_each_of_its_accounts_and_has_three_at_most() {
    let town = Town::new().await;
    for (number, name) in (1..).zip(["ann", "bob", "cleo"]) {
        town.sign_up(name, PASSWORD, "family@example.org").await.unwrap();
        let typed = code_in(&town.mail_to("family@example.org", number).await);
        town.verify(name, &typed).await.unwrap();
    }
    town.let_time_pass("DELETE FROM mail_sent").await;
    assert_eq!(
        town.sign_up("dora", PASSWORD, "Family@example.org").await,
        Ok(()),
        "like any other"
    );
    let told = town.mail_to("family@example.org", 4).await;
    assert!(told.text.contains("ann, bob, cleo") && told.text.contains("dora"), "{}", told.text);
    assert_eq!(town.forgot("FAMILY@example.org"), Ok(()));
    let mail = town.mail_to("family@example.org", 5).await;
    for name in ["ann", "bob", "cleo"] {
        let line = mail.text.lines().find(|it| it.starts_with(&format!("{name}: "))).unwrap();
        assert!(town.reset(name, line.rsplit(' ').next().unwrap()).await.is_ok(), "{line}");
    }
}

#[tokio::test]
async fn an_address_gets_three_mails_an_hour_and_the_answer_stays_the_same() {
    let town = Town::new().await;
    town.person("ann", "ann@example.org").await;
    for account in ["ann", "ANN@example.org", "ann", "ann@example.org", "ann"] {
        assert_eq!(town.forgot(account), Ok(()));
    }
    town.all_is_sent().await;
    town.mail_to("ann@example.org", 4).await;
    town.all_is_sent().await;
    assert_eq!(town.mails_to("ann@example.org").len(), 4, "the one of the sign-up is none of them");
    town.let_time_pass("UPDATE mail_sent SET sent = sent - 3600000").await;
    town.forgot("ann").unwrap();
    town.mail_to("ann@example.org", 5).await;
}

/// With the mail server away for some minutes, who asked again got nothing for an hour once it was back.
#[tokio::test]
async fn mails_that_never_went_out_are_none_of_the_three_of_an_hour() {
    const CODE: &str = "SELECT code_hash FROM mail_code";
    const COUNTED: &str = "SELECT CAST(count(*) AS TEXT) FROM mail_sent";
    let town = Town::new().await;
    town.smtp.refuse(451).unwrap();
    town.sign_up("ann", PASSWORD, "ann@example.org").await.unwrap();
    let mut last = town.until(CODE, |it| !it.is_empty()).await;
    for _ in 0..2 {
        town.resend("ann").unwrap();
        last = town.until(CODE, |it| *it != last).await;
    }
    town.smtp.take().unwrap();
    town.mail_to("ann@example.org", 1).await;
    let count = || town.mails_to("ann@example.org").len().to_string();
    town.until(COUNTED, |it| it == count()).await;

    town.smtp.refuse(550).unwrap();
    for _ in 0..3 {
        town.resend("ann").unwrap();
        last = town.until(CODE, |it| *it != last).await;
        town.until(COUNTED, |it| it == count()).await;
    }
    town.smtp.take().unwrap();
    let next = town.mails_to("ann@example.org").len() + 1;
    town.resend("ann").unwrap();
    let typed = code_in(&town.mail_to("ann@example.org", next).await);
    assert_eq!(town.verify("ann", &typed).await, Ok(()));
}

#[tokio::test]
async fn an_address_is_changed_with_the_password_and_a_code_and_the_old_one_is_told() {
    let town = Town::new().await;
    let ann = town.person("ann", "ann@example.org").await;
    let emails = &town.world.services.emails;
    let change = async |password: &str, email: &str| {
        let (email, password) = (Secret::new(email.into()), Secret::new(password.into()));
        code(emails.change(&ann, ChangeEmail { email, password }).await).map(drop)
    };
    assert_eq!(change("wrong", "new@example.net").await, Err(Code::WrongCredentials));
    assert_eq!(change(PASSWORD, "new@").await, Err(Code::EmailInvalid));
    assert_eq!(change(PASSWORD, "new@example.net").await, Ok(()));
    let typed = code_in(&town.mail_to("new@example.net", 1).await);
    let shown = emails.show(&ann).await.unwrap();
    assert_eq!(shown.address.as_deref(), Some("a***@example.org"));
    assert_eq!(shown.changing_to.as_deref(), Some("n***@example.net"));
    let confirm = async |typed: &str| {
        code(emails.confirm(&ann, Secret::new(typed.to_owned())).await).map(drop)
    };
    assert_eq!(confirm(&another(&typed)).await, Err(Code::WrongCode));
    assert_eq!(confirm(&typed).await, Ok(()));
    let shown = emails.show(&ann).await.unwrap();
    assert_eq!((shown.address.as_deref(), shown.changing_to), (Some("n***@example.net"), None));
    let notice = town.mail_to("ann@example.org", 2).await;
    assert_eq!(notice.header("Subject"), "Your address on The Lighthouse was changed");
    assert!(!notice.text.contains("example.net"), "the new one is nobody's business");
    town.forgot("ann@example.org").unwrap();
    town.all_is_sent().await;
    assert_eq!(town.mails_to("ann@example.org").len(), 2, "the old one opens nothing");
}

#[tokio::test]
async fn one_caller_asks_for_so_many_mails_and_tries_so_many_codes() {
    let rate = Rate::new(3, 0.001);
    let town = Town::with(Settings { mails: rate, codes: rate, ..settings() }).await;
    for expected in [Ok(()), Ok(()), Ok(()), Err(Code::SlowDown)] {
        assert_eq!(town.forgot("nobody"), expected);
    }
    assert_eq!(town.resend("nobody"), Err(Code::SlowDown));
    let tries = [Code::WrongCode, Code::WrongCode, Code::WrongCode, Code::SlowDown];
    for expected in tries {
        assert_eq!(town.verify("nobody", "K7QM-R2XP").await, Err(expected));
    }
    let request = RequestReset { account: Secret::new("nobody".into()) };
    let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let other = town.world.services.emails.request_reset(elsewhere, request);
    assert_eq!(code(other), Ok(()), "others are not held up");
}

#[tokio::test]
async fn a_queue_that_is_full_refuses_and_counts_and_a_sign_up_goes_on() {
    let town = Town::new().await;
    town.smtp.pause().unwrap();
    let username = thrive_protocol::name::Username::parse("ann").unwrap();
    let mut number = 0;
    // Each to another address, so that none of them ends before it is at the mail server.
    let refused = loop {
        number += 1;
        let before = EmailAddress::parse(&format!("a{number}@example.org")).unwrap();
        let errand = Errand::AddressChanged { username: username.clone(), before };
        if let Err(no_room) = town.mailer.send(errand) {
            break no_room;
        }
        tokio::task::yield_now().await;
        assert!(number < 10_000, "it has a bound");
    };
    assert_eq!(refused, NoRoom);
    assert!(256 <= number, "{number}");
    let counted = town.mailer.overflowed();
    assert_eq!(counted, 1);
    assert_eq!(town.forgot("ann"), Err(Code::Busy));
    assert_eq!(town.sign_up("ann", PASSWORD, "ann@example.org").await, Ok(()));
    assert_eq!(
        town.world.try_log_in("ann", PASSWORD).await.map(drop),
        Err(Code::AccountUnverified)
    );
    assert!(counted < town.mailer.overflowed());
    town.smtp.resume().unwrap();
}

/// Weakness 10 of the messenger before this one: "No email on file.", the name that belongs to an address,
/// quick and slow answers.
#[tokio::test]
async fn weakness_10_nothing_that_is_asked_without_a_login_tells_who_has_an_account() {
    let town = Town::new().await;
    town.person("ann", "ann@example.org").await;
    town.sign_up("wendy", PASSWORD, "wendy@example.org").await.unwrap();
    town.mail_to("wendy@example.org", 1).await;
    let (known, unknown) = (["ann", "ann@example.org", "wendy"], ["bob", "bob@example.org", "zoe"]);
    for account in known.into_iter().chain(unknown) {
        assert_eq!(town.forgot(account), Ok(()), "{account}");
    }
    for name in ["ann", "wendy", "bob"] {
        assert_eq!(town.resend(name), Ok(()), "{name}");
        assert_eq!(town.verify(name, "K7QM-R2XP").await, Err(Code::WrongCode), "{name}");
        assert_eq!(town.reset(name, "K7QM-R2XP").await.map(drop), Err(Code::WrongCode), "{name}");
    }
    // The time as well: the quickest of some, since others use the machine, too.
    town.forgot("ann").unwrap();
    let mut quickest = [Duration::MAX; 4];
    for _ in 0..5 {
        for (at, name) in ["ann", "bob"].into_iter().enumerate() {
            let begun = Instant::now();
            town.forgot(name).unwrap();
            quickest[at] = quickest[at].min(begun.elapsed());
            let begun = Instant::now();
            assert_eq!(town.reset(name, "K7QM-R2XP").await.map(drop), Err(Code::WrongCode));
            quickest[2 + at] = quickest[2 + at].min(begun.elapsed());
        }
    }
    let [forgot_known, forgot_unknown, wrong_known, wrong_unknown] = quickest;
    for forgot in [forgot_known, forgot_unknown] {
        assert!(forgot < Duration::from_millis(20), "nothing is looked up before the answer");
    }
    let apart = wrong_known.abs_diff(wrong_unknown);
    assert!(apart < Duration::from_millis(40), "{wrong_known:?} and {wrong_unknown:?}");
    let strangers = town.smtp.mails().unwrap();
    assert!(strangers.iter().all(|it| !it.to.starts_with("bob") && !it.to.starts_with("zoe")));
}

/// Weakness 13 of the messenger before this one: with no code stored, `verify_account` without a code let
/// anybody in.
#[tokio::test]
async fn weakness_13_where_no_code_is_stored_no_code_is_right() {
    let town = Town::new().await;
    town.sign_up("ann", PASSWORD, "ann@example.org").await.unwrap();
    town.mail_to("ann@example.org", 1).await;
    town.let_time_pass("DELETE FROM mail_code").await;
    for typed in ["", " ", "-", "NULL", "None", "00000000", "K7QMR2XP"] {
        assert_eq!(town.verify("ann", typed).await, Err(Code::WrongCode), "{typed:?}");
        assert_eq!(town.reset("ann", typed).await.map(drop), Err(Code::WrongCode), "{typed:?}");
    }
    assert_eq!(
        town.world.try_log_in("ann", PASSWORD).await.map(drop),
        Err(Code::AccountUnverified)
    );
}
