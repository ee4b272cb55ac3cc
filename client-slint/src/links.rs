//! Links in a message, and the program of the system that opens them. Nothing of a link is ever read by
//! a shell.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// The links of a text, each once, in their order.
#[must_use]
pub fn find(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in text.split(|letter: char| letter.is_whitespace() || letter.is_control()) {
        if let Some(link) = link(word)
            && !found.contains(&link)
        {
            found.push(link);
        }
    }
    found
}

/// The link in a word, without the signs that a sentence puts around it.
fn link(word: &str) -> Option<String> {
    let small = word.to_ascii_lowercase();
    let starts = ["https://", "http://", "www."].map(|start| small.find(start));
    let start = starts.into_iter().flatten().min()?;
    let before = &word[..start];
    if before.ends_with(|letter: char| letter.is_alphanumeric()) {
        return None;
    }
    let mut link = &word[start..];
    loop {
        let end = link.chars().next_back()?;
        let opened = |sign: char| link.contains(sign);
        let goes = match end {
            ')' => !opened('('),
            ']' => !opened('['),
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '"' | '>' | '}' | '*' | '_' | '»' | '”' => {
                true
            }
            _ => false,
        };
        if !goes {
            break;
        }
        link = &link[..link.len() - end.len_utf8()];
    }
    let whole = match small[start..].starts_with("www.") {
        true => format!("https://{link}"),
        false => link.to_owned(),
    };
    let has_host =
        host(&whole).starts_with(|letter: char| letter.is_alphanumeric() || letter == '[');
    (has_host && whole.len() <= LENGTH_MAX).then_some(whole)
}

/// The computer that a link leads to: what stands before an `@` is not it.
#[must_use]
pub fn host(link: &str) -> &str {
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    let part = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
    part.rsplit_once('@').map_or(part, |(_, host)| host)
}

/// Opens a link with the program of the system, and waits until that has taken it.
///
/// # Errors
/// There is no such program, or it says that it failed.
pub fn open(link: &str) -> io::Result<()> {
    open_any(link.as_ref())
}

/// The same for a folder, or for a file that can do nothing when it is opened. Never for any other file.
///
/// # Errors
/// As `open`.
pub fn open_path(path: &Path) -> io::Result<()> {
    open_any(path.as_os_str())
}

fn open_any(what: &OsStr) -> io::Result<()> {
    let (program, arguments) = OPENER;
    let status = run(program, arguments, what)?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{program}: {status}"))) }
}

fn run(program: &str, arguments: &[&str], link: &OsStr) -> io::Result<ExitStatus> {
    Command::new(program)
        .args(arguments)
        .arg(link)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
}

#[cfg(windows)]
const OPENER: (&str, &[&str]) = ("rundll32.exe", &["url.dll,FileProtocolHandler"]);
#[cfg(target_os = "macos")]
const OPENER: (&str, &[&str]) = ("open", &[]);
#[cfg(not(any(windows, target_os = "macos")))]
const OPENER: (&str, &[&str]) = ("xdg-open", &[]);

/// No browser takes more.
const LENGTH_MAX: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_in_a_sentence_and_without_its_signs() {
        let check = |text: &str, expected: &[&str]| assert_eq!(find(text), expected, "{text}");
        check("See https://example.org/a?b=c#d.", &["https://example.org/a?b=c#d"]);
        check("(http://example.org)", &["http://example.org"]);
        check("https://example.org/a_(b)", &["https://example.org/a_(b)"]);
        check("<HTTPS://Example.org>, really!", &["HTTPS://Example.org"]);
        check("www.example.org or www.example.org", &["https://www.example.org"]);
        check("two: http://a.example\nhttp://b.example", &["http://a.example", "http://b.example"]);
        check("http:// https://. ftp://a.example javascript:alert(1) xhttp://a.example", &[]);
    }

    #[test]
    fn what_is_shown_of_a_link_is_where_it_really_leads() {
        assert_eq!(host("https://bank.example@evil.example/x"), "evil.example");
        assert_eq!(host("https://evil.example\\@bank.example/"), "evil.example");
        assert_eq!(host("http://example.org:8080?x"), "example.org:8080");
    }

    /// Named after the weakness of others: text that was read by a shell.
    #[cfg(unix)]
    #[test]
    fn weakness_07_nothing_of_a_link_is_read_by_a_shell() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let link = "https://example.org/$(touch${IFS}x);`id`&'\"|";
        // The first argument after the script is the link, and it must arrive as it is.
        let script = format!("printf %s \"$0\" > '{}'", out.display());
        assert!(run("/bin/sh", &["-c", &script], link.as_ref()).unwrap().success());
        assert_eq!(std::fs::read_to_string(out).unwrap(), link);
    }
}
