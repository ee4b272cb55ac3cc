//! What can be done with one person, whoever they are, and with a group: the rows of the window that
//! stands for a context menu, and what the commands of a list do.

use thrive_client::{Contact, Relation};

use super::groups::Heading;

/// One thing to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    Chat,
    Accept,
    Decline,
    Add,
    Rename,
    Block,
    Unblock,
    Delete,
}

/// One thing to do with a group of contacts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GroupAction {
    Open,
    Close,
    Rename,
    /// Nobody is to be in it.
    Disband,
}

/// What can be done with a group. Those who are in none can only be shown or not.
#[must_use]
pub fn group_actions(heading: &Heading) -> Vec<(GroupAction, String)> {
    let name = match heading.is_group() {
        true => format!("the group {}", heading.name()),
        false => heading.name().to_owned(),
    };
    let mut actions = vec![match heading.closed {
        true => (GroupAction::Open, format!("Open {name}")),
        false => (GroupAction::Close, format!("Close {name}")),
    }];
    if heading.is_group() {
        actions.push((GroupAction::Rename, format!("Rename {name}")));
        actions.push((GroupAction::Disband, format!("Take everybody out of {name}")));
    }
    actions
}

/// What can be done, the usual first and what cannot be undone last.
#[must_use]
pub fn actions(contact: &Contact) -> Vec<(Action, String)> {
    let name = contact.display_name();
    let request = contact.relation == Relation::AsksMe && !contact.blocked;
    let mut actions = Vec::new();
    if request {
        actions.push((Action::Accept, format!("Accept the request of {name}")));
        actions.push((Action::Decline, format!("Decline the request of {name}")));
    }
    actions.push((Action::Chat, format!("Start chat with {name}")));
    if contact.relation == Relation::None && !contact.blocked {
        actions.push((Action::Add, format!("Add {name} to your contacts")));
    }
    if contact.relation == Relation::Contact {
        actions.push((Action::Rename, format!("Your own name and group for {name}")));
    }
    actions.push(if contact.blocked {
        (Action::Unblock, format!("Unblock {name}"))
    } else {
        (Action::Block, format!("Block {name}"))
    });
    match contact.relation {
        Relation::Contact => actions.push((Action::Delete, format!("Delete {name}"))),
        Relation::Asked => {
            actions.push((Action::Delete, format!("Take back your request to {name}")))
        }
        Relation::AsksMe | Relation::None => {}
    }
    actions
}

#[cfg(test)]
mod tests {
    use thrive_client::{Presence, UserId, Username};

    use super::*;
    use crate::controllers::groups::headings;

    fn contact(relation: Relation, blocked: bool) -> Contact {
        Contact {
            user: UserId(2),
            username: Username::parse("bob").unwrap(),
            nickname: String::new(),
            group: String::new(),
            relation,
            blocked,
            request: String::new(),
            presence: Presence::default(),
            unread: 0,
            typing: false,
            admin: false,
        }
    }

    fn of(relation: Relation, blocked: bool) -> Vec<Action> {
        let contact = contact(relation, blocked);
        actions(&contact).into_iter().map(|(action, _)| action).collect()
    }

    #[test]
    fn a_group_is_shown_or_not_renamed_and_left_by_everybody_and_no_group_only_the_first() {
        use GroupAction::{Close, Disband, Open, Rename};
        let of = |group: &str, closed: &[&str]| {
            let mut contact = contact(Relation::Contact, false);
            contact.group = group.into();
            let other = Contact { group: "x".into(), ..contact.clone() };
            let closed = closed.iter().map(|it| (*it).to_owned()).collect();
            let headings = headings([&contact, &other].into_iter(), &closed);
            group_actions(&headings[&group.to_lowercase()])
        };
        let kinds = |offered: Vec<(GroupAction, String)>| {
            offered.into_iter().map(|(action, _)| action).collect::<Vec<_>>()
        };
        assert_eq!(kinds(of("Choir", &[])), [Close, Rename, Disband]);
        assert_eq!(kinds(of("Choir", &["choir"])), [Open, Rename, Disband]);
        assert_eq!(of("Choir", &[])[2].1, "Take everybody out of the group Choir");
        assert_eq!(of("", &[""]), [(Open, "Open No group".to_owned())]);
    }

    #[test]
    fn everybody_can_be_written_to_and_blocked_and_the_rest_depends() {
        use Action::{Accept, Add, Block, Chat, Decline, Delete, Rename, Unblock};
        assert_eq!(of(Relation::Contact, false), [Chat, Rename, Block, Delete]);
        assert_eq!(of(Relation::Contact, true), [Chat, Rename, Unblock, Delete]);
        assert_eq!(of(Relation::AsksMe, false), [Accept, Decline, Chat, Block]);
        assert_eq!(of(Relation::Asked, false), [Chat, Block, Delete]);
        assert_eq!(of(Relation::None, false), [Chat, Add, Block]);
        assert_eq!(of(Relation::None, true), [Chat, Unblock]);
    }
}
