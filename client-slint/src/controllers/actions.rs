//! What can be done with one person, whoever they are: the rows of the window that stands for a context
//! menu, and what the commands of a list do.

use thrive_client::{Contact, Relation};

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

    fn of(relation: Relation, blocked: bool) -> Vec<Action> {
        let contact = Contact {
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
        };
        actions(&contact).into_iter().map(|(action, _)| action).collect()
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
