//! Groups of somebody's contacts. There is no list of them: a group is there as long as a contact is in it,
//! and is written as it was for each of them.

use thrive_protocol::text::{GroupName, same_group};

/// What renaming a group comes to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Renaming {
    /// The group as it is written for those in it, each form once.
    pub from: Vec<GroupName>,
    /// How it is written for all of them afterwards.
    pub to: GroupName,
}

impl Renaming {
    /// Renames `group` to `name`, when contacts are in the groups that are `written`. Another group of that
    /// name keeps its writing. Nothing when nobody is in `group`, which is so for none, too.
    #[must_use]
    pub fn of<'a>(
        written: impl Iterator<Item = &'a GroupName>,
        group: &GroupName,
        name: &GroupName,
    ) -> Option<Self> {
        let same = |one: &GroupName, other: &GroupName| same_group(one.as_str(), other.as_str());
        let mut written: Vec<_> = written.filter(|it| !it.is_empty()).cloned().collect();
        written.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        written.dedup();
        let (from, others): (Vec<_>, Vec<_>) = written.into_iter().partition(|it| same(it, group));
        if from.is_empty() {
            return None;
        }
        let kept = others.into_iter().find(|it| same(it, name));
        Some(Self { from, to: kept.unwrap_or_else(|| name.clone()) })
    }

    /// Whether somebody in this group is one of those who are moved.
    #[must_use]
    pub fn moves(&self, group: &GroupName) -> bool {
        self.from.contains(group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_renamed_however_it_is_written_and_joins_one_that_is_there() {
        let written = ["Choir", "", "CHOIR", "Pub", "pub", "Choir"].map(GroupName::cut);
        let rename = |group: &str, name: &str| {
            let (group, name) = (GroupName::cut(group), GroupName::cut(name));
            let renaming = Renaming::of(written.iter(), &group, &name)?;
            let from: Vec<_> = renaming.from.iter().map(|it| it.as_str().to_owned()).collect();
            Some((from.join(" "), renaming.to.as_str().to_owned()))
        };
        let choir = |to: &str| Some(("CHOIR Choir".to_owned(), to.to_owned()));
        assert_eq!(rename(" choir ", "Singers"), choir("Singers"));
        assert_eq!(rename("Choir", "choir"), choir("choir"), "only its letters");
        assert_eq!(rename("Choir", "PUB"), choir("Pub"), "as it is written for those in it");
        assert_eq!(rename("Choir", ""), choir(""), "into none");
        assert_eq!(rename("Work", "Choir"), None);
        assert_eq!(rename("", "Choir"), None, "none is no group");
    }
}
