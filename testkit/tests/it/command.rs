//! What the `thrive` command prints: once, and enough.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;
use thrive_testkit::{PASSWORD, TestNode, bin};

/// Ann and Bob at one computer, each with a login of their own.
struct Desk {
    node: TestNode,
    folder: TempDir,
}

/// What a command did and said.
#[derive(Debug)]
struct Said {
    status: Option<i32>,
    out: String,
    err: String,
}

impl Desk {
    async fn new() -> Result<Self> {
        let node = TestNode::start_with(|config| {
            config.files.quota = 15_000;
            config.files.most = 10_000;
        })
        .await?;
        drop(node.pair().await?);
        let folder = tempfile::Builder::new().prefix("thrive-testkit-").tempdir()?;
        let desk = Self { node, folder };
        for name in ["ann", "bob"] {
            let said = desk.run(name, &["login", name]).await?;
            ensure!(said.status == Some(0), "{said:?}");
        }
        Ok(desk)
    }

    async fn run(&self, name: &str, arguments: &[&str]) -> Result<Said> {
        let mut command = std::process::Command::new(bin("thrive")?);
        command.arg("--server").arg(self.node.address.to_string());
        command.arg("--dir").arg(self.folder.path().join(name));
        command.args(arguments).env("THRIVE_PASSWORD", PASSWORD).stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output()).await?;
        let output = output.context("run thrive")?;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).context("text");
        let status = output.status.code();
        Ok(Said { status, out: text(output.stdout)?, err: text(output.stderr)? })
    }

    fn file(&self, name: &str, content: &[u8]) -> Result<String> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content)?;
        path_text(&path)
    }

    /// The number of a file that Bob was offered.
    async fn offered(&self, name: &str) -> Result<String> {
        let listed = self.run("bob", &["--json", "files"]).await?;
        let mut files = listed.out.lines().map(serde_json::from_str::<Value>);
        let found = files.find(|it| it.as_ref().is_ok_and(|it| it["name"] == name));
        Ok(found.context("it is in the list")??["id"].to_string())
    }
}

fn path_text(path: &Path) -> Result<String> {
    Ok(path.to_str().context("a path as text")?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_taken_is_said_once_with_what_the_limit_is() -> Result<()> {
    let desk = Desk::new().await?;
    let large = desk.file("large", &[b'x'; 10_001])?;
    let said = desk.run("ann", &["send-file", "bob", &large]).await?;
    let why = format!("thrive: {large}: the file is too large (the limit is 10 kB)\n");
    ensure!(said.err == why && said.out.is_empty() && said.status == Some(1), "{said:?}");
    let first = desk.file("first", &[b'x'; 9_000])?;
    ensure!(desk.run("ann", &["send-file", "bob", &first]).await?.status == Some(0));
    let said = desk.run("ann", &["send-file", "bob", &first]).await?;
    let why = format!(
        "thrive: {first}: all your files at the server together would be too large \
         (the limit is 15 kB, and 6 kB of it are left)\n"
    );
    ensure!(said.err == why && said.out.is_empty() && said.status == Some(1), "{said:?}");
    let named = desk.file("a.exe", b"x")?;
    let said = desk.run("ann", &["send-file", "bob", &named]).await?;
    ensure!(said.err.matches("of this kind").count() == 1 && said.err.lines().count() == 1);
    // What is in it is seen when it comes.
    let program = desk.file("a.txt", b"MZ\x90\0\x03\0\0\0")?;
    let said = desk.run("ann", &["send-file", "bob", &program]).await?;
    let all = format!("{}{}", said.out, said.err);
    ensure!(all.matches("of this kind").count() == 1, "{said:?}");
    // Beside how far it has come.
    ensure!(said.err.matches("thrive: a.txt").count() == 1 && said.status == Some(6), "{said:?}");
    let said = desk.run("ann", &["--json", "send-file", "bob", &large]).await?;
    let error: Value = serde_json::from_str(&said.out)?;
    ensure!(error["error"]["code"] == "file_too_large" && said.err.is_empty(), "{said:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_declined_and_taken_back_is_told_in_a_line() -> Result<()> {
    let desk = Desk::new().await?;
    for name in ["one", "two"] {
        let path = desk.file(name, name.as_bytes())?;
        ensure!(desk.run("ann", &["send-file", "bob", &path]).await?.status == Some(0));
    }
    let (one, two) = (desk.offered("one").await?, desk.offered("two").await?);
    let said = desk.run("bob", &["files", "decline", &one]).await?;
    ensure!(said.out == "one: declined\n" && said.err.is_empty(), "{said:?}");
    let said = desk.run("ann", &["--json", "files", "cancel", &two]).await?;
    let record: Value = serde_json::from_str(&said.out)?;
    ensure!(record["type"] == "file_cancelled" && record["name"] == "two", "{said:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_file_of_an_order_stands_where_one_likes() -> Result<()> {
    let desk = Desk::new().await?;
    let file = desk.file("password", b"a quiet evening at home\n")?;
    let option = ["--password-file", file.as_str()];
    let orders = [
        [&["admin"], &option[..], &["create", "eve"]].concat(),
        [&["admin", "create", "fred"], &option[..]].concat(),
    ];
    for order in orders {
        let said = desk.run("ann", &order).await?;
        ensure!(said.out.contains("The account") && said.status == Some(0), "{said:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_contacts_is_renamed_and_left_by_everybody_in_a_line() -> Result<()> {
    let desk = Desk::new().await?;
    let said = desk.run("ann", &["contacts", "group", "bob", "Choir"]).await?;
    ensure!(said.out.ends_with(", in Choir\n"), "{said:?}");
    let said = desk.run("ann", &["contacts", "rename-group", "choir", "Singers"]).await?;
    ensure!(said.out == "choir: 1 contact is in Singers now\n" && said.err.is_empty(), "{said:?}");
    let said = desk.run("ann", &["--json", "contacts", "rename-group", "Singers", "Pub"]).await?;
    let record: Value = serde_json::from_str(&said.out)?;
    let expected = serde_json::json!({
        "type": "group_renamed", "before": "Singers", "group": "Pub", "usernames": ["bob"],
    });
    ensure!(record == expected, "{said:?}");
    let said = desk.run("ann", &["contacts", "rename-group", "Singers", "Pub"]).await?;
    let why = "thrive: nobody is in a group of that name\n";
    ensure!(said.err == why && said.status == Some(1), "{said:?}");
    let said = desk.run("ann", &["contacts", "rename-group", "Pub"]).await?;
    ensure!(said.out == "Pub: 1 contact is in no group now\n", "{said:?}");
    Ok(())
}
