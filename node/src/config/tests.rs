//! The configuration from every source, and tables of what is wrong with it.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use super::*;

/// Sources with a data folder that is not there, so that no test reads another's file.
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
        platform_data: Some("/nonexistent/thrive-node".into()),
    }
}

/// A file in a folder of its own.
fn file(text: &str) -> (tempfile::TempDir, Sources) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.toml");
    fs::write(&path, text).unwrap();
    (folder, Sources { file: Some(path), ..sources(&[], &[]) })
}

fn problems(sources: &Sources) -> Vec<Problem> {
    Config::read(sources).unwrap_err().0
}

#[test]
fn without_anything_all_defaults_are_in_effect_and_loopback_is_listened_on() {
    let (config, settings) = Config::read(&sources(&[], &[])).unwrap();
    assert_eq!(config, Config::defaults(Path::new("/nonexistent/thrive-node")));
    assert!(config.listen.ip().is_loopback());
    assert_eq!(config.listen.port(), 2005);
    assert!(settings.iter().all(|it| it.origin == "default"));
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file_and_the_file_over_defaults() {
    let (_folder, mut all) = file("name = 'file'\nlog = 'warn'\nsign_up = 'closed'\n");
    let layers = sources(
        &[("THRIVE_NODE_NAME", "variable"), ("THRIVE_NODE_LOG", "debug"), ("RUST_LOG", "trace")],
        &[("name", "flag")],
    );
    (all.variables, all.flags) = (layers.variables, layers.flags);
    let (config, settings) = Config::read(&all).unwrap();
    assert_eq!((config.name.as_str(), config.log.as_str()), ("flag", "debug"));
    assert_eq!(config.sign_up, SignUp::Closed);
    let origins: BTreeMap<_, _> = settings.iter().map(|it| (it.key, it.origin.as_str())).collect();
    assert_eq!(origins["name"], "flag --name");
    assert_eq!(origins["log"], "variable THRIVE_NODE_LOG");
    assert!(origins["sign_up"].ends_with("node.toml, line 3"), "{}", origins["sign_up"]);
    assert_eq!(origins["listen"], "default");
}

#[test]
fn the_filter_that_rust_programs_share_is_used_where_nothing_else_is_said() {
    let (config, _) = Config::read(&sources(&[("RUST_LOG", "info,quinn=warn")], &[])).unwrap();
    assert_eq!(config.log, "info,quinn=warn");
}

#[test]
fn two_underscores_in_a_variable_stand_for_a_dot() {
    let variables = [
        ("THRIVE_NODE_LIMITS__CONNECTIONS", "1_234"),
        ("THRIVE_NODE_LIMITS__SIGN_UPS_PER_MINUTE", "0.5"),
        ("THRIVE_NODE_LIMITS__LOGIN_SECONDS", "7"),
    ];
    let (config, _) = Config::read(&sources(&variables, &[])).unwrap();
    assert_eq!(config.limits.connections, 1_234);
    assert_eq!(config.limits.sign_ups.per_second, 0.5 / 60.0);
    assert_eq!(config.limits.login_deadline, Duration::from_secs(7));
}

#[test]
fn variables_of_the_client_are_not_ours() {
    let variables = [("THRIVE_PASSWORD", "open sesame"), ("THRIVE_SERVER", "example.org")];
    assert!(Config::read(&sources(&variables, &[])).is_ok());
}

#[test]
fn the_file_in_the_data_folder_is_read_without_being_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thrive-node.toml"), "name = 'found'").unwrap();
    let mut all = sources(&[], &[("data", &folder.path().display().to_string())]);
    assert_eq!(Config::read(&all).unwrap().0.name, "found");
    all.flags.clear();
    all.platform_data = Some(folder.path().to_owned());
    assert_eq!(Config::read(&all).unwrap().0.name, "found");

    fs::write(folder.path().join("thrive-node.toml"), "data = '/elsewhere'").unwrap();
    let problems = problems(&all);
    assert_eq!((problems.len(), problems[0].about.as_str()), (1, "data"));
}

#[test]
fn paths_in_a_file_start_at_the_folder_of_that_file() {
    let (folder, all) =
        file("data = 'data'\n[tls]\ncertificate = 'node.pem'\nkey = '/etc/node.key'\n");
    let (config, _) = Config::read(&all).unwrap();
    assert_eq!(config.data, folder.path().join("data"));
    let certificate = folder.path().join("node.pem");
    assert_eq!(config.tls, Certificate::Files { certificate, key: "/etc/node.key".into() });
}

#[test]
fn every_wrong_value_is_told_with_its_key_and_what_is_allowed() {
    let check = |key: &str, value: &str| {
        let problems = problems(&sources(&[], &[(key, value)]));
        assert_eq!(problems.len(), 1, "{problems:?}");
        let Problem { about, wrong, allowed, origin } = &problems[0];
        assert_eq!((about.as_str(), origin), (key, &format!("flag --{key}")));
        assert!(wrong.contains(value), "{wrong}");
        assert!(!allowed.is_empty());
    };
    check("listen", "localhost");
    check("listen", "127.0.0.1");
    check("listen", "127.0.0.1:65536");
    check("name", " ");
    check("name", &"n".repeat(61));
    check("sign_up", "Open");
    check("log", "inof");
    check("log", "info,thrive_node=lots");
    check("log_format", "xml");
    check("smtp.enabled", "maybe");
    check("smtp.server", "mail example");
    check("smtp.port", "0");
    check("smtp.security", "ssl");
    check("smtp.from", "Our club");
    check("limits.connections", "0");
    check("limits.connections", "-1");
    check("limits.connections", "many");
    check("limits.connections", "1.5");
    check("limits.connections", "99999999999999999999999");
    check("limits.outbox_bytes", "1024");
    check("limits.bulk_streams", "16");
    check("limits.hello_seconds", "0");
    check("limits.message_burst", "0");
    check("limits.messages_per_second", "0");
    check("limits.messages_per_second", "NaN");
    check("limits.messages_per_second", "inf");
}

#[test]
fn values_of_the_wrong_kind_in_a_file_are_told() {
    let check = |text: &str, wrong: &str| {
        let (_folder, all) = file(text);
        let problems = problems(&all);
        assert_eq!(problems[0].wrong, format!("{wrong} is not allowed"), "{text}");
    };
    check("name = 5", "5");
    check("listen = true", "true");
    check("listen = ['127.0.0.1:2005']", "a list");
    check("listen = { port = 2005 }", "a table");
    check("data = ''", "\"\"");
    check("limits.connections = '5'", "\"5\"");
    check("limits.connections = 2.5", "2.5");
    check("limits.connections = -3", "-3");
    check("limits.messages_per_second = 1979-05-27", "\"1979-05-27\"");
}

#[test]
fn all_problems_are_reported_together_and_each_names_its_place() {
    let (_folder, mut all) = file(
        "name = ''\nlistenn = '127.0.0.1:1'\n\n[limits]\nconnections = 'x'\n[limit]\nburst = 1\n\
         [tls]\nkey = 'key.pem'\n",
    );
    all.variables = vec![
        ("THRIVE_NODE_SIGN_UP".into(), "maybe".into()),
        ("THRIVE_NODE_PASSWORD".into(), "open sesame".into()),
    ];
    all.flags = sources(&[], &[("listen", "here"), ("", "x")]).flags;
    let problems = Config::read(&all).unwrap_err();
    let told: BTreeMap<_, _> =
        problems.0.iter().map(|it| (it.about.as_str(), it.origin.as_str())).collect();
    let expected = [
        ("", "flag --"),
        ("limit.burst", "line 7"),
        ("limits.connections", "line 5"),
        ("listen", "flag --listen"),
        ("listenn", "line 2"),
        ("name", "line 1"),
        ("password", "variable THRIVE_NODE_PASSWORD"),
        ("sign_up", "variable THRIVE_NODE_SIGN_UP"),
        ("tls.certificate", "line 9"),
    ];
    assert_eq!(told.keys().copied().collect::<Vec<_>>(), expected.map(|(about, _)| about));
    for (about, place) in expected {
        assert!(told[about].ends_with(place), "{about}: {}", told[about]);
    }
    let shown = problems.to_string();
    assert!(shown.starts_with("The configuration has 9 problems:\n"), "{shown}");
    assert!(!shown.contains("sesame"), "{shown}");
}

#[test]
fn a_file_that_is_not_there_or_no_toml_is_told_beside_the_rest() {
    let mut all = sources(&[], &[("listen", "here")]);
    all.file = Some("/nonexistent/node.toml".into());
    let missing = problems(&all);
    assert_eq!(missing.len(), 2);
    assert_eq!(missing[0].about, "/nonexistent/node.toml");

    let (_folder, mut all) = file("name = 'ok'\nlog = = 'info'\nsign_up = 'maybe'\n");
    all.flags = sources(&[], &[("listen", "here")]).flags;
    let broken = problems(&all);
    assert!(broken.iter().any(|it| it.origin == "line 2"), "{broken:?}");
    assert!(broken.iter().any(|it| it.about == "listen"), "{broken:?}");
}

#[test]
fn what_a_node_of_many_needs_is_missed_before_it_starts() {
    let secret = ("cluster.secret", "/etc/thrive/cluster.secret");
    let database = ("database.url", "postgres://thrive@db/thrive");
    let redis = ("redis.url", "redis://cache");
    let check = |flags: &[(&str, &str)], missing: &[&str]| {
        let read = Config::read(&sources(&[], flags));
        let problems = read.err().map(|problems| problems.0).unwrap_or_default();
        let about: Vec<_> = problems.iter().map(|it| it.about.as_str()).collect();
        assert_eq!(about, missing, "{flags:?}");
    };
    let shared = ("files.shared", "yes");
    check(&[secret, database, redis, shared], &[]);
    check(&[database], &[]);
    check(&[redis, shared], &["database.url", "cluster.secret"]);
    check(&[secret], &["cluster.node"]);
    check(&[secret, ("cluster.node", "3")], &[]);
    check(&[("database.ca", "/etc/ca.pem")], &["database.url"]);
    let everywhere = ("cluster.listen", "0.0.0.0:2010");
    let advertise = ("cluster.advertise", "10.0.0.7:2010");
    check(&[secret, database, redis, shared, everywhere], &["cluster.advertise"]);
    check(&[secret, database, redis, shared, everywhere, advertise], &[]);
}

#[test]
fn nodes_that_serve_the_same_people_need_the_same_place_for_files() {
    let secret = ("cluster.secret", "/etc/thrive/cluster.secret");
    let database = ("database.url", "postgres://thrive@db/thrive");
    let many = [secret, database, ("redis.url", "redis://cache")];
    let listed = [secret, database, ("cluster.node", "3")];
    let alone = [secret, ("cluster.node", "3")];
    let folder = ("files.folder", "/srv/files");
    let store = [
        ("files.url", "s3://thrive"),
        ("files.access_key_file", "/run/a"),
        ("files.secret_key_file", "/run/b"),
    ];
    let about = |flags: &[&[(&str, &str)]]| {
        let read = Config::read(&sources(&[], &flags.concat()));
        let problems = read.err().map(|problems| problems.0).unwrap_or_default();
        problems.into_iter().map(|it| it.about).collect::<Vec<_>>()
    };
    assert_eq!(about(&[&many]), ["files.url"]);
    assert_eq!(about(&[&many, &[folder]]), ["files.url"]);
    assert_eq!(about(&[&listed]), ["files.url"]);
    let none: [&str; 0] = [];
    assert_eq!(about(&[&alone]), none);
    assert_eq!(about(&[&many, &[folder, ("files.shared", "yes")]]), none);
    assert_eq!(about(&[&many, &[("files.enabled", "no")]]), none);
    assert_eq!(about(&[&many, &store]), none);
    assert_eq!(about(&[&many, &store[..2]]), ["files.secret_key_file"]);
    assert_eq!(about(&[&alone, &store[1..2]]), ["files.url"]);
}

#[test]
fn mail_is_off_until_it_is_enabled_with_all_that_it_needs() {
    let read = |flags: &[(&str, &str)]| Config::read(&sources(&[], flags));
    let check = |flags: &[(&str, &str)], expected: &[&str]| {
        let problems = read(flags).err().map(|problems| problems.0).unwrap_or_default();
        let about: Vec<_> = problems.iter().map(|it| it.about.as_str()).collect();
        assert_eq!(about, expected, "{flags:?}");
    };
    let on = ("smtp.enabled", "true");
    let server = ("smtp.server", "Mail.example.org");
    let from = ("smtp.from", "noreply@example.org");
    let (user, file) = (("smtp.user", "thrive"), ("smtp.password_file", "/run/secrets/smtp"));
    let clear = ("smtp.security", "none");
    check(&[on], &["smtp.server", "smtp.from"]);
    check(&[on, server, from, user], &["smtp.password_file"]);
    check(&[on, server, from, file], &["smtp.user"]);
    check(&[on, server, from, clear], &["smtp.security"]);
    check(&[on, ("smtp.server", "localhost"), from, clear], &[]);
    check(&[on, ("smtp.server", "::1"), from, clear], &[]);
    assert_eq!(read(&[server, from]).unwrap().0.smtp, None);
    let smtp = read(&[on, server, from, user, file]).unwrap().0.smtp.unwrap();
    assert_eq!((smtp.server.as_str(), smtp.port), ("mail.example.org", 587));
    assert_eq!(smtp.security, SmtpSecurity::StartTls);
    let smtp = read(&[on, server, from, ("smtp.security", "tls")]).unwrap().0.smtp.unwrap();
    assert_eq!(smtp.port, 465);
    let (_folder, all) = file_of_mail();
    assert_eq!(Config::read(&all).unwrap().0.smtp.unwrap().port, 2525);
}

/// Written as TOML has yes and numbers.
fn file_of_mail() -> (tempfile::TempDir, Sources) {
    file(
        "[smtp]\nenabled = true\nserver = '127.0.0.1'\nport = 2525\nsecurity = 'none'\n\
          from = 'Our club <noreply@example.org>'\n",
    )
}

#[test]
fn a_password_in_a_url_is_in_no_problem_and_in_no_setting() {
    let flags = [("database.url", "mysql://ann:geheim@db"), ("redis.url", "redis://:geheim@cache")];
    let told = Config::read(&sources(&[], &flags)).unwrap_err().to_string();
    assert!(told.contains("database.url") && !told.contains("geheim"), "{told}");
    let flags = [("database.url", "postgres://ann:ge/heim@db/thrive")];
    let (_, settings) = Config::read(&sources(&[], &flags)).unwrap();
    let told = format!("{settings:?}");
    assert!(told.contains("postgres://***@db/thrive") && !told.contains("heim"), "{told}");
}

#[test]
fn an_account_without_a_folder_is_asked_for_one() {
    let all = Sources { platform_data: None, ..sources(&[], &[]) };
    assert_eq!(problems(&all)[0].about, "data");
    let all = Sources { platform_data: None, ..sources(&[("THRIVE_NODE_DATA", "/srv")], &[]) };
    assert_eq!(Config::read(&all).unwrap().0.data, Path::new("/srv"));
}

/// The example has each key, commented out with no space after the `#`, with its default.
#[test]
fn the_example_file_has_every_key_with_its_default_and_no_other() {
    let example = include_str!("../../../deploy/thrive-node.example.toml");
    let active = example.lines().filter(|it| !it.starts_with('#') && !it.starts_with('['));
    assert!(active.into_iter().all(str::is_empty), "copying the example must change nothing");

    let uncommented = |it: &str| match it.strip_prefix('#') {
        Some(rest) if rest.starts_with(|it: char| it.is_ascii_lowercase()) => rest.to_owned(),
        _ => it.to_owned(),
    };
    let text: Vec<_> = example.lines().map(uncommented).collect();
    let (_folder, all) = file(&text.join("\n"));
    let (_, given) = Config::read(&all).unwrap();
    let (_, defaults) = Config::read(&sources(&[], &[])).unwrap();
    for (given, default) in given.iter().zip(&defaults) {
        // Orders of the fault runner are in no build that an operator has.
        let ours = given.key.starts_with("faults.");
        assert!(ours || given.origin != "default", "{} is not in the example", given.key);
        let free = given.key == "data" || default.value.is_none();
        assert!(free || given.value == default.value, "{}: {:?}", given.key, given.value);
    }
}

#[test]
fn what_the_operator_says_to_people_is_read_with_its_lines_and_bounded() {
    let (_folder, sources) = file(
        "address = '[2001:DB8::1]:2005'\n[welcome]\nbefore_login = \"\"\"Hello!\nTea is at five.\"\"\"\n",
    );
    let (config, _) = Config::read(&sources).unwrap();
    assert_eq!(config.address, Some(("2001:db8::1".to_owned(), 2005)));
    assert_eq!(config.welcome.before_login.as_str(), "Hello!\nTea is at five.");
    assert!(config.welcome.after_login.is_empty());
    let long = "x".repeat(1_001);
    let tall = "x\n".repeat(21);
    let wrong = [
        ("welcome.before_login", long.as_str()),
        ("welcome.after_login", tall.as_str()),
        ("address", "chat.example.org"),
        ("address", "chat.example.org:0"),
        ("address", "a b:2005"),
    ];
    for (key, value) in wrong {
        let about: Vec<_> =
            problems(&self::sources(&[], &[(key, value)])).into_iter().map(|it| it.about).collect();
        assert_eq!(about, [key], "{value}");
    }
}
