//! The way to real mail servers, with and without TLS and a log-in.

use std::path::PathBuf;

use thrive_services::{OwnSmtp, SmtpOptions, SmtpTls};

use super::letter::Letter;
use super::post::Undelivered;
use super::*;
use crate::config::{Sender, Smtp, SmtpLogin, SmtpSecurity};

const PASSWORD: &str = "a password of the mail server";

/// A folder with an authority, and a certificate of `localhost` that it has signed.
struct Pki {
    folder: tempfile::TempDir,
}

impl Pki {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ca_key = rcgen::KeyPair::generate().unwrap();
        let mut ca = rcgen::CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = ca.self_signed(&ca_key).unwrap();
        let issuer = rcgen::Issuer::new(ca, ca_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let server = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let server = server.signed_by(&key, &issuer).unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("ca.pem", &authority.pem());
        write("server.pem", &server.pem());
        write("server.key", &key.serialize_pem());
        write("password", &format!("{PASSWORD}\n"));
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn server(&self, now: bool) -> OwnSmtp {
        let tls =
            SmtpTls { certificate: self.file("server.pem"), key: self.file("server.key"), now };
        let login = Some(("thrive".to_owned(), PASSWORD.to_owned()));
        OwnSmtp::start_with(SmtpOptions { tls: Some(tls), login }).unwrap()
    }

    fn settings(&self, smtp: &OwnSmtp, security: SmtpSecurity) -> Smtp {
        Smtp {
            server: "localhost".into(),
            port: smtp.port(),
            security,
            login: Some(SmtpLogin { user: "thrive".into(), password_file: self.file("password") }),
            ca: Some(self.file("ca.pem")),
            from: Sender {
                name: Some("Lighthouse, the (old one)".into()),
                address: EmailAddress::parse("noreply@example.org").unwrap(),
            },
        }
    }
}

fn letter() -> Letter {
    Letter {
        to: EmailAddress::parse("ann@example.org").unwrap(),
        subject: "Grüße".into(),
        text: "Hello Ann,\n\n.\nGrüße\n".into(),
    }
}

#[tokio::test]
async fn a_letter_is_delivered_over_both_kinds_of_tls_by_whoever_has_logged_in() {
    let pki = Pki::new();
    for (security, now) in [(SmtpSecurity::StartTls, false), (SmtpSecurity::Tls, true)] {
        let smtp = pki.server(now);
        let post = Post::new(&pki.settings(&smtp, security)).unwrap();
        for _ in 0..2 {
            assert_eq!(post.send(&letter()).await, Ok(()), "{security:?}");
        }
        let mails = smtp.mails().unwrap();
        assert_eq!(mails.len(), 2);
        assert!(mails.iter().all(|it| it.secured && it.login == "thrive"), "{mails:?}");
        assert_eq!(mails[0].header("Subject"), "Grüße");
        assert_eq!(mails[0].header("From"), "\"Lighthouse, the (old one)\" <noreply@example.org>");
        assert_eq!(mails[0].text.trim_end(), "Hello Ann,\n\n.\nGrüße");
    }
}

#[tokio::test]
async fn nothing_is_sent_where_the_certificate_the_name_or_the_password_is_wrong() {
    let pki = Pki::new();
    let check = async |smtp: &OwnSmtp, settings: Smtp, what: &str| {
        let sent = Post::new(&settings).unwrap().send(&letter()).await;
        assert!(sent.is_err(), "{what}");
        assert_eq!(smtp.mails().unwrap(), [], "{what}");
        sent
    };
    for (security, now) in [(SmtpSecurity::StartTls, false), (SmtpSecurity::Tls, true)] {
        let smtp = pki.server(now);
        let right = pki.settings(&smtp, security);
        let others = Pki::new();
        check(&smtp, Smtp { ca: Some(others.file("ca.pem")), ..right.clone() }, "authority")
            .await
            .ok();
        check(&smtp, Smtp { ca: None, ..right.clone() }, "those of the system").await.ok();
        check(&smtp, Smtp { server: "127.0.0.1".into(), ..right.clone() }, "name").await.ok();
        let nobody = Some(SmtpLogin { user: "eve".into(), password_file: pki.file("password") });
        let refused = check(&smtp, Smtp { login: nobody, ..right }, "user").await;
        assert_eq!(refused, Err(Undelivered::Refused { status: Some(535) }));
    }
}

#[tokio::test]
async fn a_server_without_tls_gets_no_word_where_tls_is_asked_for() {
    let (pki, smtp) = (Pki::new(), OwnSmtp::start().unwrap());
    for security in [SmtpSecurity::StartTls, SmtpSecurity::Tls] {
        let sent = Post::new(&pki.settings(&smtp, security)).unwrap().send(&letter()).await;
        assert!(matches!(sent, Err(Undelivered::Later { .. })), "{security:?}: {sent:?}");
    }
    assert_eq!(smtp.mails().unwrap(), []);
}

#[tokio::test]
async fn what_a_server_says_decides_whether_it_is_asked_again() {
    let (pki, smtp) = (Pki::new(), OwnSmtp::start().unwrap());
    let settings = Smtp {
        server: "127.0.0.1".into(),
        login: None,
        ca: None,
        ..pki.settings(&smtp, SmtpSecurity::None)
    };
    let post = Post::new(&settings).unwrap();
    smtp.refuse(451).unwrap();
    let later = Err(Undelivered::Later { why: "it asks to come back later", perhaps: false });
    assert_eq!(post.send(&letter()).await, later);
    smtp.refuse(550).unwrap();
    let never = Err(Undelivered::Refused { status: Some(550) });
    assert_eq!(post.send(&letter()).await, never);
    smtp.take().unwrap();
    assert_eq!(post.send(&letter()).await, Ok(()));
    smtp.stop().unwrap();
    assert!(matches!(post.send(&letter()).await, Err(Undelivered::Later { .. })));
    smtp.start_again().unwrap();
    assert_eq!(post.send(&letter()).await, Ok(()), "a connection that broke is made anew");
}

// The pool of connections wants a runtime around it.
#[tokio::test]
async fn files_that_cannot_be_used_are_told_with_their_name() {
    let pki = Pki::new();
    let smtp = |ca: &str, password: &str| Smtp {
        server: "mail.example.org".into(),
        port: 587,
        security: SmtpSecurity::StartTls,
        login: Some(SmtpLogin { user: "thrive".into(), password_file: pki.file(password) }),
        ca: Some(pki.file(ca)),
        from: Sender { name: None, address: EmailAddress::parse("a@example.org").unwrap() },
    };
    let told = |smtp: Smtp| Post::new(&smtp).map(drop).unwrap_err().to_string();
    assert!(told(smtp("no.pem", "password")).contains("no.pem"));
    assert!(told(smtp("password", "password")).contains("no certificate authority"));
    assert!(told(smtp("ca.pem", "missing")).contains("missing"));
    assert!(Post::new(&smtp("ca.pem", "password")).is_ok());
}
