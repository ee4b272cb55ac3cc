//! Where a service is that nodes or routers log in to. What is needed to log in is never shown.

use std::fmt;

/// Never shown with its password.
#[derive(Clone, Eq, PartialEq)]
pub struct Url(String);

impl Url {
    /// With one of these schemes; `None` when it has another.
    #[must_use]
    pub fn parse(raw: &str, schemes: &[&str]) -> Option<Self> {
        let (scheme, rest) = raw.split_once("://")?;
        (schemes.contains(&scheme) && !rest.is_empty()).then(|| Self(raw.to_owned()))
    }

    /// With the password, for the library that logs in.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Without user, password and parameters: a password may hold anything, so all before the last `@` is left out.
impl fmt::Display for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        let (login, place) = match rest.rsplit_once('@') {
            Some((_, place)) => ("***@", place),
            None => ("", rest),
        };
        // Parameters may hold a password too.
        let place = place.split('?').next().unwrap_or(place);
        write!(formatter, "{scheme}://{login}{place}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let check = |raw: &str, shown: &str| {
            let url = Url::parse(raw, &["postgres", "redis", "rediss"]).unwrap();
            assert_eq!((format!("{url:?}").as_str(), url.expose()), (shown, raw));
            assert_eq!(url.to_string(), shown);
        };
        check("redis://cache:6379/0", "redis://cache:6379/0");
        check("redis://:geheim@cache:6379/0", "redis://***@cache:6379/0");
        check("rediss://ann:p@ss/word@cache:6379", "rediss://***@cache:6379");
        check("redis://cache?password=geheim", "redis://cache");
        check("postgres://ann:geheim@db:5432/thrive", "postgres://***@db:5432/thrive");
        check("postgres://db/thrive?user=a&password=b", "postgres://db/thrive");
        check("postgres://ann:ge?heim@db/thrive", "postgres://***@db/thrive");
    }

    #[test]
    fn only_the_schemes_of_the_service_are_taken() {
        for raw in ["http://cache", "cache:6379", "redis://", ""] {
            assert!(Url::parse(raw, &["redis", "rediss"]).is_none());
        }
    }
}
