//! Addresses, codes, and accounts that wait for theirs.

use thrive_protocol::mail::EmailAddress;
use thrive_protocol::text::DeviceName;

use super::*;
use crate::store::accounts::{CreateAccountError, Holder, NewAddress};
use crate::store::addresses::Redeemed;
use crate::store::admins::{By, Deed, Order};
use crate::store::codes::{Issue, NewCode, Purpose, Try};
use crate::store::sessions::NewSession;
use crate::store::values;

const HOUR: i64 = 3_600_000;

fn email(raw: &str) -> EmailAddress {
    EmailAddress::parse(raw).unwrap()
}

fn name(raw: &str) -> Username {
    Username::parse(raw).unwrap()
}

fn after(ms: i64) -> Time {
    Time(NOW.0 + ms)
}

/// An account that waits for its code for an hour.
pub(super) async fn waiting(
    database: &Database,
    username: &str,
    address: &str,
    created: Time,
) -> Result<UserId, CreateAccountError> {
    let new = NewAccount {
        username: name(username),
        password_hash: HASH.into(),
        created,
        freed_before: created,
        invite: None,
        // Which it is not before its code has come.
        first_is_admin: true,
        address: Some(NewAddress {
            email: email(address),
            unverified_until: Time(created.0 + HOUR),
        }),
    };
    let created = database.create_account(new).await?;
    assert!(!created.is_admin);
    Ok(created.user)
}

/// One that does not wait any more.
async fn verified(database: &Database, username: &str, address: &str) -> UserId {
    let user = waiting(database, username, address, NOW).await.unwrap();
    // The mails of its sign-up are long ago.
    let rules = Issue { since: Time(i64::MAX), ..rules(Purpose::Verify, NOW) };
    assert!(is_issued(database, &email(address), &[code(user, "its")], rules).await);
    let done = database.redeem_address(user, Purpose::Verify, "its", NOW, 9, false).await.unwrap();
    assert_eq!(done, Redeemed::Done { before: None, is_first_admin: false });
    let forget = "DELETE FROM mail_sent WHERE email_folded = $1";
    database.write("forget a mail", forget, values![email(address).folded()]).await.unwrap();
    user
}

fn code(user: UserId, hash: &str) -> NewCode {
    NewCode { user, hash: hash.into() }
}

fn rules(purpose: Purpose, now: Time) -> Issue<'static> {
    let (expires, since) = (Time(now.0 + 600_000), Time(now.0 - HOUR));
    Issue { purpose, now, expires, tries: 5, since, at_most: 3, requester: "", at_most_each: 9 }
}

/// Whether a mail with these codes may go out.
async fn is_issued(
    database: &Database,
    email: &EmailAddress,
    codes: &[NewCode],
    rules: Issue<'_>,
) -> bool {
    database.issue_codes(email, codes, rules).await.unwrap().is_some()
}

async fn session(database: &Database, user: UserId, number: u8) -> bool {
    let new = NewSession {
        user,
        verified: HASH.into(),
        token_hash: [number; 32],
        device: DeviceName::cut("phone"),
        created: NOW,
        at_most: 20,
    };
    database.begin_session(&new).await.unwrap().is_some()
}

#[tokio::test]
async fn an_account_that_waits_is_nobody_yet_and_its_name_is_free_when_its_time_is_over() {
    on_each_engine(async |database| {
        let ann = waiting(&database, "ann", "ann@example.org", NOW).await.unwrap();
        assert_eq!(database.holder(&name("ann"), NOW).await.unwrap(), Holder::Waiting);
        assert_eq!(database.find_user(&name("ann")).await.unwrap(), None, "nobody can meet her");
        assert_eq!(database.count_accounts().await.unwrap(), 0);
        assert!(database.credentials(&name("ann")).await.unwrap().unwrap().unverified);
        assert!(!session(&database, ann, 1).await, "no session begins");
        assert!(database.accounts_of(&email("ann@example.org")).await.unwrap().is_empty());

        let again = waiting(&database, "ann", "eve@example.org", after(HOUR - 1)).await;
        assert!(matches!(again, Err(CreateAccountError::Taken)));
        assert_eq!(database.holder(&name("ann"), after(HOUR)).await.unwrap(), Holder::Nobody);
        let other = waiting(&database, "ann", "eve@example.org", after(HOUR)).await.unwrap();
        assert_ne!(ann, other);
        let found = database.waiting_account(&name("ann"), after(HOUR)).await.unwrap().unwrap();
        assert_eq!((found.user, found.email.as_str()), (other, "eve@example.org"));

        assert_eq!(database.forget_unverified(after(2 * HOUR), NOW).await.unwrap(), 1);
        assert_eq!(database.holder(&name("ann"), NOW).await.unwrap(), Holder::Nobody);
    })
    .await;
}

/// Sign-ups that nobody verified, whose time is over.
const FILL_UNVERIFIED: &str = "
    WITH RECURSIVE place (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM place WHERE at < 1001)
    INSERT INTO account (id, username, password_hash, created, unverified_until)
    SELECT at, 'robot' || at, 'x', 0, at FROM place";

#[tokio::test]
async fn however_many_sign_ups_were_never_verified_all_are_forgotten() {
    on_each_engine(async |database| {
        let ann = verified(&database, "ann", "ann@example.org").await;
        database.write("fill", FILL_UNVERIFIED, values![]).await.unwrap();
        assert_eq!(database.forget_unverified(Time(1_000), NOW).await.unwrap(), 1_000);
        assert_eq!(database.holder(&name("robot1000"), Time(0)).await.unwrap(), Holder::Nobody);
        assert_eq!(database.holder(&name("robot1001"), Time(0)).await.unwrap(), Holder::Waiting);
        assert_eq!(database.find_user(&name("ann")).await.unwrap(), Some(ann));
        assert_eq!(database.forget_unverified(Time(1_000), NOW).await.unwrap(), 0);
    })
    .await;
}

/// With a code for one account and a mistyped address, nobody came in.
#[tokio::test]
async fn an_invitation_comes_back_from_a_sign_up_that_was_never_verified() {
    on_each_engine(async |database| {
        let (code_hash, late) = ([7; 32], after(9 * HOUR));
        let invite = async |code_hash: [u8; 32]| {
            let deed = Ok(Deed::MakeInvite { code_hash, uses: 1, ends: late });
            let (by, target, detail) = (By::Host, String::new(), String::new());
            let order = Order { by, now: NOW, action: "a test", target, detail, deed };
            database.administer(&order).await.unwrap().unwrap();
        };
        let sign_up = async |username: &str, created: Time, invite| {
            let (email, until) = (email("ann@example.org"), Time(created.0 + HOUR));
            let new = NewAccount {
                username: name(username),
                password_hash: HASH.into(),
                created,
                freed_before: created,
                invite,
                first_is_admin: false,
                address: Some(NewAddress { email, unverified_until: until }),
            };
            database.create_account(new).await.map(|it| it.user)
        };
        let is_good = async || database.is_invited(code_hash, late).await.unwrap();
        invite(code_hash).await;
        sign_up("ann", NOW, Some(code_hash)).await.unwrap();
        assert!(!is_good().await);
        // Which takes those away that are used up for good.
        invite([8; 32]).await;
        assert_eq!(database.forget_unverified(after(HOUR), NOW).await.unwrap(), 1);
        assert!(is_good().await);
        // And from one whose name somebody else takes.
        sign_up("ann", NOW, Some(code_hash)).await.unwrap();
        sign_up("ann", after(HOUR), None).await.unwrap();
        assert!(is_good().await);
        let bob = sign_up("bob", NOW, Some(code_hash)).await.unwrap();
        let codes = [code(bob, "its")];
        let address = email("ann@example.org");
        assert!(is_issued(&database, &address, &codes, rules(Purpose::Verify, NOW)).await);
        database.redeem_address(bob, Purpose::Verify, "its", NOW, 9, false).await.unwrap();
        assert_eq!(database.forget_unverified(late, NOW).await.unwrap(), 1);
        assert!(!is_good().await, "bob is here");
        let again = sign_up("eve", NOW, Some(code_hash)).await;
        assert!(matches!(again, Err(CreateAccountError::NotInvited)));
    })
    .await;
}

#[tokio::test]
async fn the_last_code_lets_an_account_in_once() {
    on_each_engine(async |database| {
        let address = email("Ann@example.org");
        let ann = waiting(&database, "ann", "Ann@example.org", NOW).await.unwrap();
        let issue = async |hash: &str| {
            let rules = rules(Purpose::Verify, NOW);
            is_issued(&database, &address, &[code(ann, hash)], rules).await
        };
        let redeem = async |hash: &str, now| {
            database.redeem_address(ann, Purpose::Verify, hash, now, 3, false).await.unwrap()
        };
        assert!(issue("first").await && issue("second").await);
        assert!(!database.is_current(&code(ann, "first"), Purpose::Verify, NOW).await.unwrap());
        assert_eq!(redeem("first", NOW).await, Redeemed::Void, "it was replaced");
        assert_eq!(redeem("second", after(600_000)).await, Redeemed::Void, "it is too old");
        assert_eq!(
            redeem("second", after(599_999)).await,
            Redeemed::Done { before: None, is_first_admin: false }
        );
        assert_eq!(redeem("second", NOW).await, Redeemed::Void, "it was used");
        assert_eq!(database.find_user(&name("ann")).await.unwrap(), Some(ann));
        assert!(session(&database, ann, 1).await);
        assert!(!issue("third").await, "nothing is waited for any more");
        let found = database.accounts_of(&email("ANN@EXAMPLE.ORG")).await.unwrap();
        assert_eq!((found.len(), found[0].email.as_str()), (1, "Ann@example.org"));
    })
    .await;
}

#[tokio::test]
async fn a_code_can_be_tried_a_few_times_and_not_when_it_is_too_old() {
    on_each_engine(async |database| {
        let ann = verified(&database, "ann", "ann@example.org").await;
        let codes = [code(ann, "hash")];
        let address = email("ann@example.org");
        let claim_from = async |requester: &str, now| {
            let (username, purpose) = (&name("ann"), Purpose::Reset);
            let claim = Try { username, purpose, requester, at_most: 3, now };
            database.claim_try(claim).await.unwrap().map(|it| (it.user, it.hash))
        };
        let claim = async |now| claim_from("here", now).await;
        assert_eq!(claim(NOW).await, None, "there is none");
        assert!(is_issued(&database, &address, &codes, rules(Purpose::Reset, NOW)).await);
        assert_eq!(claim(after(600_000)).await, None);
        for _ in 0..3 {
            assert_eq!(claim(NOW).await, Some((ann, "hash".into())));
        }
        for _ in 0..9 {
            assert_eq!(claim(NOW).await, None);
        }
        for _ in 0..2 {
            assert!(claim_from("there", NOW).await.is_some(), "whoever else tries has tries left");
        }
        assert_eq!(claim_from("there", NOW).await, None, "five is the end for all together");
        assert!(is_issued(&database, &address, &codes, rules(Purpose::Reset, NOW)).await);
        assert!(claim(NOW).await.is_some(), "another code has tries of its own");
        let (username, purpose) = (&name("nobody"), Purpose::Reset);
        let claim = Try { username, purpose, requester: "here", at_most: 3, now: NOW };
        assert!(database.claim_try(claim).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn an_address_gets_three_mails_in_an_hour_however_it_is_written_and_whoever_asks() {
    on_each_engine(async |database| {
        let ann = verified(&database, "ann", "ann@example.org").await;
        let send = async |raw: &str, now: Time| {
            let rules = rules(Purpose::Reset, now);
            is_issued(&database, &email(raw), &[code(ann, "hash")], rules).await
        };
        assert!(send("ann@example.org", NOW).await);
        assert!(send("ANN@example.org", after(1)).await);
        // At the same time on two nodes: one of them is the third.
        let [one, other] = ["Ann@example.org", "anN@example.org"].map(|raw| send(raw, after(2)));
        let (one, other) = tokio::join!(one, other);
        assert!(one != other, "{one} {other}");
        assert!(!send("ann@example.org", after(HOUR - 1)).await);
        assert!(send("bob@example.org", NOW).await, "others are not held up");
        assert!(send("ann@example.org", after(HOUR)).await, "the first does not count any more");
    })
    .await;
}

#[tokio::test]
async fn notices_are_counted_for_themselves() {
    on_each_engine(async |database| {
        let ann = verified(&database, "ann", "ann@example.org").await;
        let address = email("ann@example.org");
        let rules = rules(Purpose::Reset, NOW);
        for _ in 0..3 {
            assert!(is_issued(&database, &address, &[code(ann, "x")], rules).await);
        }
        let since = Time(NOW.0 - HOUR);
        for expected in [true, true, true, false] {
            let counted = database.may_notify(&address, NOW, since, 3).await.unwrap();
            assert_eq!(counted.is_some(), expected);
        }
        let after_them = Issue { at_most: 4, ..rules };
        assert!(is_issued(&database, &address, &[code(ann, "x")], after_them).await);
        assert!(!is_issued(&database, &address, &[code(ann, "x")], after_them).await);
    })
    .await;
}

/// While the mail server was away, mails that nobody got used up those of the hour.
#[tokio::test]
async fn a_mail_that_was_not_delivered_does_not_count() {
    on_each_engine(async |database| {
        let ann = verified(&database, "ann", "ann@example.org").await;
        let (address, since) = (email("ann@example.org"), Time(NOW.0 - HOUR));
        let (codes, rules) = ([code(ann, "x")], rules(Purpose::Reset, NOW));
        for _ in 0..9 {
            let mail = database.issue_codes(&address, &codes, rules).await.unwrap().unwrap();
            database.uncount(mail).await.unwrap();
            let mail = database.may_notify(&address, NOW, since, 3).await.unwrap().unwrap();
            database.uncount(mail).await.unwrap();
        }
        for expected in [true, true, true, false] {
            assert_eq!(is_issued(&database, &address, &codes, rules).await, expected);
            let counted = database.may_notify(&address, NOW, since, 3).await.unwrap();
            assert_eq!(counted.is_some(), expected);
        }
    })
    .await;
}

/// Three resets that somebody else asked for were all that an address got in an hour.
#[tokio::test]
async fn resets_that_somebody_elsewhere_asks_for_leave_the_owner_their_own() {
    on_each_engine(async |database| {
        let ann = verified(&database, "ann", "ann@example.org").await;
        let address = email("ann@example.org");
        let ask = async |requester, later: i64| {
            let rules = rules(Purpose::Reset, Time(NOW.0 + later));
            let rules = Issue { at_most: 7, requester, at_most_each: 3, ..rules };
            is_issued(&database, &address, &[code(ann, "x")], rules).await
        };
        for allowed in [true, true, true, false, false] {
            assert_eq!(ask("stranger", 0).await, allowed);
        }
        for allowed in [true, true, true, false] {
            assert_eq!(ask("owner", 0).await, allowed);
        }
        // Mails to one address have a bound all the same.
        assert!(ask("third", 0).await && !ask("third", 0).await && !ask("fourth", 0).await);
        assert!(ask("stranger", HOUR + 1).await);
    })
    .await;
}

/// Anybody who knew a name or an address could keep its owner from a code, with three sign-ups.
#[tokio::test]
async fn sign_ups_with_an_address_do_not_keep_its_owner_from_a_reset() {
    on_each_engine(async |database| {
        let ann = verified(&database, "ann", "ann@example.org").await;
        let eve = waiting(&database, "eve", "ann@example.org", NOW).await.unwrap();
        let issue = async |user, purpose| {
            let codes = [code(user, "x")];
            is_issued(&database, &email("ann@example.org"), &codes, rules(purpose, NOW)).await
        };
        for expected in [true, true, true, false] {
            assert_eq!(issue(eve, Purpose::Verify).await, expected);
        }
        assert!(!issue(ann, Purpose::Change).await, "it counts with them");
        for expected in [true, true, true, false] {
            assert_eq!(issue(ann, Purpose::Reset).await, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_has_no_more_accounts_than_it_may() {
    on_each_engine(async |database| {
        let shared = "Family@example.org";
        verified(&database, "ann", shared).await;
        let bob = verified(&database, "bob", "bob@example.org").await;
        let eve = waiting(&database, "eve", "family@EXAMPLE.org", NOW).await.unwrap();
        let issue = async |user, purpose| {
            let rules = rules(purpose, NOW);
            let to = email(if user == eve { "family@EXAMPLE.org" } else { shared });
            assert!(is_issued(&database, &to, &[code(user, "hash")], rules).await);
        };
        let redeem = async |user, purpose, most| {
            database.redeem_address(user, purpose, "hash", NOW, most, false).await.unwrap()
        };
        issue(eve, Purpose::Verify).await;
        issue(bob, Purpose::Change).await;
        assert_eq!(redeem(eve, Purpose::Verify, 1).await, Redeemed::Full);
        assert_eq!(redeem(bob, Purpose::Change, 1).await, Redeemed::Full);
        let (shown, changing) = database.addresses(bob, NOW).await.unwrap();
        assert_eq!(shown.unwrap().as_str(), "bob@example.org");
        assert_eq!(changing.unwrap().as_str(), shared);
        let before = Some(email("bob@example.org"));
        assert_eq!(
            redeem(bob, Purpose::Change, 2).await,
            Redeemed::Done { before, is_first_admin: false }
        );
        assert_eq!(database.accounts_of(&email(shared)).await.unwrap().len(), 2);
        assert_eq!(redeem(eve, Purpose::Verify, 2).await, Redeemed::Full);
        assert_eq!(
            redeem(eve, Purpose::Verify, 3).await,
            Redeemed::Done { before: None, is_first_admin: false }
        );
    })
    .await;
}

#[tokio::test]
async fn a_reset_ends_every_session_and_every_other_code() {
    on_each_engine(async |database| {
        let ann = verified(&database, "ann", "ann@example.org").await;
        let bob = verified(&database, "bob", "bob@example.org").await;
        assert!(session(&database, ann, 1).await && session(&database, ann, 2).await);
        assert!(session(&database, bob, 3).await);
        let [address, other] = ["ann@example.org", "eve@example.org"].map(email);
        let issue = async |to: &EmailAddress, hash: &str, purpose| {
            let codes = [code(ann, hash)];
            assert!(is_issued(&database, to, &codes, rules(purpose, NOW)).await);
        };
        issue(&other, "change", Purpose::Change).await;
        issue(&address, "reset", Purpose::Reset).await;
        let wrong = database.redeem_reset(ann, "change", "new", NOW).await.unwrap();
        assert!(wrong.is_none(), "a code is for one thing");
        let theirs = database.redeem_reset(bob, "reset", "new", NOW).await.unwrap();
        assert!(theirs.is_none(), "and for one account");
        let ended = database.redeem_reset(ann, "reset", "new", NOW).await.unwrap().unwrap();
        assert_eq!(ended.len(), 2);
        assert!(database.redeem_reset(ann, "reset", "newer", NOW).await.unwrap().is_none());
        let known = database.credentials(&name("ann")).await.unwrap().unwrap();
        assert_eq!(known.password_hash, "new");
        assert!(database.find_session([1; 32]).await.unwrap().is_none());
        assert!(database.find_session([3; 32]).await.unwrap().is_some(), "others stay");
        let change = database.redeem_address(ann, Purpose::Change, "change", NOW, 3, false).await;
        assert_eq!(change.unwrap(), Redeemed::Void);
    })
    .await;
}

/// Whoever had asked for a code could undo what the owner, or the host for them, had done about it.
#[tokio::test]
async fn another_password_voids_every_code_and_another_hash_of_the_same_none() {
    on_each_engine(async |database| {
        let ann = verified(&database, "ann", "ann@example.org").await;
        let issue = async || {
            for (purpose, hash) in [(Purpose::Reset, "reset"), (Purpose::Change, "change")] {
                let (codes, rules) =
                    ([code(ann, hash)], Issue { at_most: 9, ..rules(purpose, NOW) });
                assert!(is_issued(&database, &email("eve@example.org"), &codes, rules).await);
            }
        };
        let codes = async || {
            let codes = "SELECT purpose FROM mail_code";
            database.read("look", codes, values![]).await.unwrap().len()
        };
        issue().await;
        assert!(database.renew_hash(ann, HASH, "again").await.unwrap());
        assert_eq!(codes().await, 2);
        assert!(database.change_password(ann, HASH, "new", None).await.unwrap().is_none());
        assert_eq!(codes().await, 2, "whoever does not know the password voids nothing");
        assert!(database.change_password(ann, "again", "new", None).await.unwrap().is_some());
        assert_eq!(codes().await, 0);
        issue().await;
        let deed = Deed::SetPassword { username: name("ann"), hash: "rescued".into() };
        let order = Order {
            by: By::Host,
            now: NOW,
            action: "a test",
            target: "ann".into(),
            detail: String::new(),
            deed: Ok(deed),
        };
        database.administer(&order).await.unwrap().unwrap();
        assert_eq!(codes().await, 0);
        assert!(database.redeem_reset(ann, "reset", "theirs", NOW).await.unwrap().is_none());
        let known = database.credentials(&name("ann")).await.unwrap().unwrap();
        assert_eq!(known.password_hash, "rescued");
    })
    .await;
}

#[tokio::test]
async fn whoever_knows_the_password_corrects_the_address_of_an_account_that_waits() {
    on_each_engine(async |database| {
        let ann = waiting(&database, "ann", "typo@example.org", NOW).await.unwrap();
        let [typo, right] = ["typo@example.org", "ann@example.org"].map(email);
        let rules = rules(Purpose::Verify, NOW);
        assert!(!database.readdress(ann, "another hash", &right).await.unwrap());
        assert!(database.readdress(ann, HASH, &right).await.unwrap());
        let codes = [code(ann, "hash")];
        assert!(!is_issued(&database, &typo, &codes, rules).await, "not there any more");
        assert!(is_issued(&database, &right, &codes, rules).await);
        database.redeem_address(ann, Purpose::Verify, "hash", NOW, 3, false).await.unwrap();
        assert!(!database.readdress(ann, HASH, &typo).await.unwrap(), "it waits no more");

        let bob = waiting(&database, "bob", "bob@example.org", NOW).await.unwrap();
        let codes = [code(bob, "hash")];
        assert!(is_issued(&database, &email("bob@example.org"), &codes, rules).await);
        let admit = async |hash| database.admit_without_mail(bob, hash, NOW, true).await.unwrap();
        assert_eq!(admit("another hash").await, None);
        assert_eq!(admit(HASH).await, Some(false), "ann was there before");
        assert_eq!(admit(HASH).await, None, "it waits no more");
        let code = database.redeem_address(bob, Purpose::Verify, "hash", NOW, 3, true).await;
        assert_eq!(code.unwrap(), Redeemed::Void, "nobody has proved this address");
        assert!(!database.credentials(&name("bob")).await.unwrap().unwrap().unverified);
        assert_eq!(database.addresses(bob, NOW).await.unwrap(), (None, None));
    })
    .await;
}

#[tokio::test]
async fn the_first_admin_is_the_first_who_is_verified_and_not_the_first_who_signs_up() {
    on_each_engine(async |database| {
        let ann = waiting(&database, "ann", "ann@example.org", NOW).await.unwrap();
        let bob = waiting(&database, "bob", "bob@example.org", NOW).await.unwrap();
        let redeem = async |user, address: &str, first_is_admin| {
            let rules = rules(Purpose::Verify, NOW);
            let stored = [code(user, "its")];
            assert!(is_issued(&database, &email(address), &stored, rules).await);
            let purpose = Purpose::Verify;
            database.redeem_address(user, purpose, "its", NOW, 3, first_is_admin).await.unwrap()
        };
        assert!(!database.is_admin(ann).await.unwrap());
        let done = redeem(bob, "bob@example.org", true).await;
        assert_eq!(done, Redeemed::Done { before: None, is_first_admin: true });
        let done = redeem(ann, "ann@example.org", true).await;
        assert_eq!(done, Redeemed::Done { before: None, is_first_admin: false });
        assert!(database.is_admin(bob).await.unwrap());
        assert!(!database.is_admin(ann).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn the_first_admin_may_be_let_in_without_mail() {
    on_each_engine(async |database| {
        let ann = waiting(&database, "ann", "ann@example.org", NOW).await.unwrap();
        let admitted = database.admit_without_mail(ann, HASH, NOW, true).await.unwrap();
        assert_eq!(admitted, Some(true));
        assert!(database.is_admin(ann).await.unwrap());
        let audit = database.audit(None, 9).await.unwrap();
        assert_eq!((audit.len(), audit[0].action.as_str()), (1, "promote"));
    })
    .await;
}
