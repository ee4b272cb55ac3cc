//! The configuration from every source, and tables of what is wrong with it.

use std::collections::BTreeMap;
use std::fs;

use super::*;

fn sources(variables: &[(&str, &str)], flags: &[(&str, &str)]) -> Sources {
    let flag = |(key, value): &(&str, &str)| Flag {
        flag: format!("--{key}"),
        key: (*key).to_owned(),
        value: (*value).to_owned(),
    };
    Sources {
        file: None,
        variables: variables.iter().map(|&(name, value)| (name.into(), value.into())).collect(),
        flags: flags.iter().map(flag).collect(),
    }
}

const NEEDED: [(&str, &str); 2] = [("secret", "/etc/secret"), ("nodes", "1=127.0.0.1:2011")];

fn with(more: &[(&str, &str)]) -> Sources {
    sources(&[], &[&NEEDED, more].concat())
}

/// A file in a folder of its own.
fn file(text: &str) -> (tempfile::TempDir, Sources) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("router.toml");
    fs::write(&path, text).unwrap();
    (folder, Sources { file: Some(path), ..sources(&[], &[]) })
}

fn problems(sources: &Sources) -> Vec<Problem> {
    Config::read(sources).unwrap_err().0
}

#[test]
fn with_a_secret_and_nodes_the_defaults_are_in_effect_and_loopback_is_listened_on() {
    let (config, _) = Config::read(&with(&[])).unwrap();
    let member = Member {
        lease: 1,
        epoch: 0,
        workers: vec!["127.0.0.1:2011".parse().unwrap()],
        draining: false,
    };
    let expected = Config {
        listen: "127.0.0.1:2005".parse().unwrap(),
        backend: "127.0.0.1:2100".parse().unwrap(),
        ..Config::local("/etc/secret".into(), Nodes::Listed(vec![member]))
    };
    assert_eq!(config, expected);
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file_and_the_file_over_defaults() {
    let (_folder, mut all) = file("listen = '[::]:1'\nbackend = '[::]:2'\nworkers = 3\nid = 4\n");
    let variables = [("THRIVE_ROUTER_LISTEN", "[::]:11"), ("THRIVE_ROUTER_BACKEND", "[::]:12")];
    let layers = sources(&variables, &[&NEEDED[..], &[("listen", "[::]:21")]].concat());
    (all.variables, all.flags) = (layers.variables, layers.flags);
    let (config, settings) = Config::read(&all).unwrap();
    assert_eq!((config.listen.port(), config.backend.port()), (21, 12));
    assert_eq!((config.workers, config.id, config.dual_stack), (3, Some(4), true));
    let origins: BTreeMap<_, _> = settings.iter().map(|it| (it.key, it.origin.as_str())).collect();
    assert_eq!(origins["listen"], "flag --listen");
    assert_eq!(origins["backend"], "variable THRIVE_ROUTER_BACKEND");
    assert!(origins["workers"].ends_with("router.toml, line 3"));
    assert_eq!(origins["log"], "default");
}

#[test]
fn nodes_are_listed_as_tables_or_as_a_text() {
    let (_folder, all) = file(
        "secret = 'secret'\nnodes = [\n  { id = 1, addresses = ['10.0.0.1:5', '10.0.0.1:6'] },\n  \
         { id = 2, addresses = ['[::1]:5'] },\n]\n",
    );
    let (from_tables, _) = Config::read(&all).unwrap();
    let text = "1=10.0.0.1:5,10.0.0.1:6  2=[::1]:5";
    let (from_text, _) =
        Config::read(&sources(&[("THRIVE_ROUTER_NODES", text)], &NEEDED[..1])).unwrap();
    assert_eq!(from_tables.nodes, from_text.nodes);
    let (_folder, all) = file("secret = 's'\n[[nodes]]\nid = 1\naddresses = ['10.0.0.1:5']\n");
    assert!(Config::read(&all).is_ok());
}

#[test]
fn paths_in_a_file_start_at_the_folder_of_that_file() {
    let (folder, all) = file("secret = 's'\ntable = '/var/t'\nnodes = '1=[::1]:1'\n");
    let (config, _) = Config::read(&all).unwrap();
    assert_eq!(config.secret, folder.path().join("s"));
    assert_eq!(config.table, Some("/var/t".into()));
}

#[test]
fn every_wrong_value_is_told_with_its_key_and_what_is_allowed() {
    let check = |key: &str, value: &str| {
        let problems = problems(&with(&[(key, value)]));
        assert_eq!(problems.len(), 1, "{problems:?}");
        let Problem { about, wrong, allowed, origin } = &problems[0];
        assert_eq!((about.as_str(), origin), (key, &format!("flag --{key}")));
        assert!(wrong.contains(value), "{wrong}");
        assert!(!allowed.is_empty());
    };
    check("listen", "localhost:1");
    check("backend", "127.0.0.1");
    check("dual_stack", "perhaps");
    check("workers", "0");
    check("workers", "65");
    check("id", "1024");
    check("id", "-1");
    check("log", "inof");
    check("log_format", "xml");
    check("redis.prefix", "a b");
    check("nodes", "");
    check("nodes", "1");
    check("nodes", "0=127.0.0.1:1");
    check("nodes", "16777216=127.0.0.1:1");
    check("nodes", "1=127.0.0.1:1 1=127.0.0.1:2");
    check("nodes", "1=127.0.0.1:1 2=127.0.0.1:1");
    check("nodes", "1=127.0.0.1:1,");
}

#[test]
fn values_of_the_wrong_kind_in_a_file_are_told() {
    let check = |text: &str, about: &str| {
        let (_folder, mut all) = file(text);
        all.flags = with(&[]).flags.into_iter().filter(|it| it.key != about).collect();
        let problems = problems(&all);
        assert_eq!((problems.len(), problems[0].about.as_str()), (1, about), "{problems:?}");
    };
    check("listen = 5", "listen");
    check("workers = '2'", "workers");
    check("workers = 1.5", "workers");
    check("dual_stack = 1", "dual_stack");
    check("nodes = 1", "nodes");
    check("nodes = []", "nodes");
    check("nodes = [1]", "nodes");
    check("nodes = [{ id = 1, addresses = [] }]", "nodes");
    check("nodes = [{ id = 1, addresses = ['10.0.0.1:1'], zone = 'b' }]", "nodes");
    check("secret = ''", "secret");
}

#[test]
fn all_problems_are_reported_together_and_no_secret_with_them() {
    let (_folder, mut all) =
        file("listenn = '[::]:1'\nworkers = 'x'\n[redis]\nurl = 'http://a:geheim@b'\n");
    all.variables = vec![("THRIVE_ROUTER_LOG".into(), "?".into())];
    let problems = Config::read(&all).unwrap_err();
    let told: Vec<_> = problems.0.iter().map(|it| it.about.as_str()).collect();
    assert_eq!(told, ["workers", "secret", "redis.url", "log", "listenn"]);
    let shown = problems.to_string();
    assert!(shown.starts_with("The configuration has 5 problems:\n"), "{shown}");
    assert!(!shown.contains("geheim"), "{shown}");
}

#[test]
fn nodes_come_from_one_place() {
    let both = problems(&with(&[("redis.url", "redis://cache")]));
    assert_eq!((both.len(), both[0].about.as_str()), (1, "nodes"));
    let none = problems(&sources(&[], &NEEDED[..1]));
    assert_eq!((none.len(), none[0].about.as_str()), (1, "redis.url"));
    let redis = [NEEDED[0], ("redis.url", "rediss://a:geheim@cache"), ("redis.ca", "ca.pem")];
    let (config, settings) = Config::read(&sources(&[], &redis)).unwrap();
    let Nodes::Leased(redis) = config.nodes else { panic!("{:?}", config.nodes) };
    assert_eq!((redis.prefix.as_str(), redis.url.expose()), ("thrive:", "rediss://a:geheim@cache"));
    assert!(!format!("{settings:?}").contains("geheim"));
}

#[test]
fn a_certificate_authority_that_nothing_uses_is_a_mistake() {
    let given = [NEEDED[0], ("redis.url", "redis://cache"), ("redis.ca", "ca.pem")];
    let problems = problems(&sources(&[], &given));
    assert_eq!((problems.len(), problems[0].about.as_str()), (1, "redis.ca"));
}

#[test]
fn each_worker_needs_a_port_behind_the_first() {
    assert!(Config::read(&with(&[("backend", "[::]:65534"), ("workers", "2")])).is_ok());
    let problems = problems(&with(&[("backend", "[::]:65534"), ("workers", "3")]));
    assert_eq!((problems.len(), problems[0].about.as_str()), (1, "backend"));
}

#[test]
fn a_file_that_is_not_there_or_no_toml_is_told_beside_the_rest() {
    let missing = Sources { file: Some("/nonexistent/r.toml".into()), ..with(&[("id", "x")]) };
    assert_eq!(problems(&missing).len(), 2);
    let (_folder, mut all) = file("log = = 'info'\n");
    all.flags = with(&[("id", "x")]).flags;
    assert!(problems(&all).iter().any(|it| it.origin == "line 1"));
}

/// The example has each key, commented out with no space after the `#`, with its default.
#[test]
fn the_example_file_has_every_key_with_its_default_and_no_other() {
    let example = include_str!("../../../deploy/thrive-router.example.toml");
    let active = example.lines().filter(|it| !it.starts_with('#') && !it.starts_with('['));
    assert!(active.into_iter().all(str::is_empty), "copying the example must change nothing");

    let uncommented = |it: &str| match it.strip_prefix('#') {
        Some(rest) if rest.starts_with(|it: char| it.is_ascii_lowercase()) => rest.to_owned(),
        _ => it.to_owned(),
    };
    let text: Vec<_> = example.lines().map(uncommented).collect();
    let (_folder, all) = file(&text.join("\n"));
    // Nodes come from one place, and the example shows both.
    let problems = problems(&all);
    let about: Vec<_> = problems.iter().map(|it| it.about.as_str()).collect();
    assert_eq!(about, ["nodes"], "{problems:?}");

    let given = Reader::new(&all);
    let (_, defaults) = Config::read(&with(&[])).unwrap();
    for default in &defaults {
        let text = given.shown(default.key);
        assert!(text.is_some(), "{} is not in the example", default.key);
        let free = default.value.is_none() || default.origin != "default";
        assert!(free || text == default.value, "{}: {text:?}", default.key);
    }
}
