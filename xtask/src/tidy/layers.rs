//! Who may depend on whom, as cargo itself knows it.

use anyhow::{Context, Result};
use serde_json::Value;

use super::Complaint;
use crate::shell;

/// Each of our packages, and which of ours it may use in what it ships.
const MAY_USE: &[(&str, &[&str])] = &[
    ("thrive-protocol", &[]),
    ("thrive-client", &["thrive-protocol"]),
    // The client speaks in the words of the screen, so the screen needs no other.
    ("thrive-slint", &["thrive-client"]),
    ("thrive-node", &["thrive-protocol"]),
    ("thrive-router", &["thrive-protocol"]),
    ("thrive-services", &[]),
    (
        "thrive-testkit",
        &["thrive-client", "thrive-node", "thrive-protocol", "thrive-router", "thrive-services"],
    ),
    ("xtask", &["thrive-services"]),
];

/// What every test may use, and nothing that is shipped.
const TESTS_ONLY: &[&str] = &["thrive-services", "thrive-testkit"];

pub(super) fn check() -> Result<Vec<Complaint>> {
    let text = shell::output(&mut shell::cargo(&[
        "metadata",
        "--format-version=1",
        "--no-deps",
        "--locked",
    ]))?;
    let metadata: Value = serde_json::from_str(&text).context("cargo writes JSON")?;
    Ok(judge(&arrows(&metadata)))
}

/// One package uses another.
struct Arrow {
    from: String,
    to: String,
    for_tests: bool,
}

fn arrows(metadata: &Value) -> Vec<Arrow> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut arrows = Vec::new();
    for package in list(&metadata["packages"]) {
        let from = text(&package["name"]);
        for dependency in list(&package["dependencies"]) {
            // What has a path is ours.
            if dependency["path"].is_string() {
                let for_tests = dependency["kind"] == "dev";
                arrows.push(Arrow { from: from.clone(), to: text(&dependency["name"]), for_tests });
            }
        }
    }
    arrows
}

fn judge(arrows: &[Arrow]) -> Vec<Complaint> {
    let mut found = Vec::new();
    for Arrow { from, to, for_tests } in arrows {
        let allowed = MAY_USE.iter().find(|(package, _)| package == from);
        let fine = match allowed {
            None => false,
            Some((_, allowed)) => {
                let in_tests = TESTS_ONLY.contains(&to.as_str()) || from == to;
                allowed.contains(&to.as_str()) || *for_tests && in_tests
            }
        };
        if !fine {
            let what = format!("may not depend on {to}; a new arrow is a decision (docs/adr)");
            found.push(Complaint::about(from, what));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: &str, to: &str, kind: Option<&str>, complaints: usize) {
        let metadata = serde_json::json!({ "packages": [{ "name": from, "dependencies": [
            { "name": to, "path": "/somewhere", "kind": kind },
            { "name": "serde", "kind": null },
        ]}]});
        assert_eq!(judge(&arrows(&metadata)).len(), complaints, "{from} uses {to} for {kind:?}");
    }

    #[test]
    fn arrows_point_towards_the_protocol() {
        check("thrive-node", "thrive-protocol", None, 0);
        check("thrive-protocol", "thrive-node", None, 1);
        check("thrive-node", "thrive-client", None, 1);
        check("thrive-slint", "thrive-client", None, 0);
        check("thrive-slint", "thrive-protocol", None, 1);
    }

    #[test]
    fn the_test_kit_is_used_by_tests_only() {
        check("thrive-client", "thrive-testkit", Some("dev"), 0);
        check("thrive-client", "thrive-testkit", None, 1);
        check("thrive-node", "thrive-services", Some("dev"), 0);
        check("thrive-node", "thrive-services", None, 1);
        check("xtask", "thrive-services", None, 0);
    }

    #[test]
    fn a_package_that_nobody_placed_is_named() {
        check("thrive-new", "thrive-protocol", None, 1);
    }
}
