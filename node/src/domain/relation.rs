//! How two people stand with each other, what each may do about it, and who sees whose presence.

use thrive_protocol::people::Relation;
use thrive_protocol::text::{GroupName, Nickname, RequestText};

/// What one person holds of the other.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Side {
    pub relation: Relation,
    /// This person has blocked the other.
    pub blocked: bool,
    pub nickname: Nickname,
    pub group: GroupName,
    pub request: RequestText,
}

/// Both views, seen from the one who acts.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pair {
    pub mine: Side,
    pub theirs: Side,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RelationRefusal {
    #[error("they are a contact already")]
    AlreadyContact,
    #[error("they were asked already")]
    AlreadyAsked,
    #[error("they have not asked")]
    NoRequest,
    #[error("they are no contact")]
    NotAContact,
    #[error("the caller has blocked them")]
    BlockedByYou,
    #[error("they have blocked the caller")]
    Blocked,
}

impl Default for Side {
    fn default() -> Self {
        Self {
            relation: Relation::None,
            blocked: false,
            nickname: Nickname::default(),
            group: GroupName::default(),
            request: RequestText::default(),
        }
    }
}

impl Side {
    /// Nothing is worth keeping.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.relation == Relation::None && !self.blocked
    }

    fn part(&mut self) {
        *self = Self { blocked: self.blocked, ..Self::default() };
    }

    fn join(&mut self) {
        self.relation = Relation::Contact;
        self.request = RequestText::default();
    }
}

impl Pair {
    /// Whether each may see the presence of the other.
    #[must_use]
    pub fn sees_presence(&self) -> bool {
        may_see_presence(self.mine.relation, self.mine.blocked, self.theirs.blocked)
    }

    /// Asks the other. Where both ask, both have agreed; so it is when the other asked before and was
    /// declined.
    ///
    /// # Errors
    /// There is nothing to ask for, or a block stands between them.
    pub fn request(&mut self, text: &RequestText) -> Result<(), RelationRefusal> {
        self.no_block()?;
        match self.mine.relation {
            Relation::Contact => return Err(RelationRefusal::AlreadyContact),
            Relation::Asked => return Err(RelationRefusal::AlreadyAsked),
            Relation::AsksMe => self.become_contacts(),
            Relation::None if self.theirs.relation == Relation::Asked => self.become_contacts(),
            Relation::None => {
                self.mine.relation = Relation::Asked;
                self.theirs.relation = Relation::AsksMe;
                self.mine.request = text.clone();
                self.theirs.request = text.clone();
            }
        }
        Ok(())
    }

    /// # Errors
    /// They have not asked, or a block stands between them.
    pub fn accept(&mut self) -> Result<(), RelationRefusal> {
        self.no_block()?;
        match self.mine.relation {
            Relation::AsksMe => self.become_contacts(),
            Relation::Contact => return Err(RelationRefusal::AlreadyContact),
            Relation::Asked | Relation::None => return Err(RelationRefusal::NoRequest),
        }
        Ok(())
    }

    /// The other is not told and goes on waiting, so that they do not ask again.
    ///
    /// # Errors
    /// They have not asked.
    pub fn decline(&mut self) -> Result<(), RelationRefusal> {
        match self.mine.relation {
            Relation::AsksMe => self.mine.part(),
            Relation::Contact | Relation::Asked | Relation::None => {
                return Err(RelationRefusal::NoRequest);
            }
        }
        Ok(())
    }

    /// Ends being contacts, or takes the own request back. A block stays.
    ///
    /// # Errors
    /// There is neither.
    pub fn remove(&mut self) -> Result<(), RelationRefusal> {
        match self.mine.relation {
            Relation::Contact | Relation::Asked => {
                self.mine.part();
                self.theirs.part();
            }
            Relation::AsksMe | Relation::None => return Err(RelationRefusal::NotAContact),
        }
        Ok(())
    }

    /// Contacts stay contacts, so that the other cannot tell a block from being offline. My own
    /// request is taken back; theirs is declined.
    pub fn block(&mut self) {
        self.mine.blocked = true;
        match self.mine.relation {
            Relation::Asked => {
                self.mine.part();
                self.theirs.part();
            }
            Relation::AsksMe => self.mine.part(),
            Relation::Contact | Relation::None => {}
        }
    }

    pub fn unblock(&mut self) {
        self.mine.blocked = false;
    }

    /// # Errors
    /// Strangers have no nickname: there is no list to show it in.
    pub fn name(&mut self, nickname: &Nickname) -> Result<(), RelationRefusal> {
        match self.mine.relation {
            Relation::Contact | Relation::Asked | Relation::AsksMe => {
                self.mine.nickname = nickname.clone();
                Ok(())
            }
            Relation::None => Err(RelationRefusal::NotAContact),
        }
    }

    /// # Errors
    /// Only contacts are put into groups.
    pub fn group(&mut self, group: &GroupName) -> Result<(), RelationRefusal> {
        match self.mine.relation {
            Relation::Contact => {
                self.mine.group = group.clone();
                Ok(())
            }
            Relation::Asked | Relation::AsksMe | Relation::None => {
                Err(RelationRefusal::NotAContact)
            }
        }
    }

    fn become_contacts(&mut self) {
        self.mine.join();
        self.theirs.join();
    }

    fn no_block(&self) -> Result<(), RelationRefusal> {
        match (self.mine.blocked, self.theirs.blocked) {
            (true, _) => Err(RelationRefusal::BlockedByYou),
            (false, true) => Err(RelationRefusal::Blocked),
            (false, false) => Ok(()),
        }
    }
}

/// Contacts see each other, and a block in either direction ends that for both.
#[must_use]
pub fn may_see_presence(relation: Relation, blocked: bool, blocked_by_them: bool) -> bool {
    relation == Relation::Contact && !blocked && !blocked_by_them
}

/// Whether somebody sees the presence of a person whom they found in the directory: as everywhere, or
/// because the person lets everybody see it whom no block stands against.
#[must_use]
pub fn may_see_presence_of_found(relation: Relation, blocked: bool, to_strangers: bool) -> bool {
    // Whoever has blocked the one who asks is not found at all.
    may_see_presence(relation, blocked, false) || (to_strangers && !blocked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Relation::{Asked, AsksMe, Contact, None as Stranger};
    use RelationRefusal::{
        AlreadyAsked, AlreadyContact, Blocked, BlockedByYou, NoRequest, NotAContact,
    };

    /// `(mine, theirs)` relation, and who has blocked: `-` nobody, `m` me, `t` them, `b` both.
    type Short = (Relation, Relation, char);
    type Act = fn(&mut Pair) -> Result<(), RelationRefusal>;

    fn pair((mine, theirs, block): Short) -> Pair {
        let side = |relation, blocked| Side { relation, blocked, ..Side::default() };
        Pair { mine: side(mine, "mb".contains(block)), theirs: side(theirs, "tb".contains(block)) }
    }

    fn check(act: Act, table: &[(Short, Result<Short, RelationRefusal>)]) {
        for (before, after) in table {
            let mut found = pair(*before);
            let outcome = act(&mut found).map(|()| found);
            assert_eq!(outcome, after.map(pair), "{before:?}");
        }
    }

    const REQUEST: Act = |pair| pair.request(&RequestText::default());
    const BLOCK: Act = |pair| {
        pair.block();
        Ok(())
    };

    #[test]
    fn asking_ends_in_a_request_or_in_being_contacts() {
        check(
            REQUEST,
            &[
                ((Stranger, Stranger, '-'), Ok((Asked, AsksMe, '-'))),
                ((AsksMe, Asked, '-'), Ok((Contact, Contact, '-'))),
                ((Stranger, Asked, '-'), Ok((Contact, Contact, '-'))),
                ((Asked, AsksMe, '-'), Err(AlreadyAsked)),
                ((Asked, Stranger, '-'), Err(AlreadyAsked)),
                ((Contact, Contact, '-'), Err(AlreadyContact)),
                ((Stranger, Stranger, 't'), Err(Blocked)),
                ((Stranger, Stranger, 'm'), Err(BlockedByYou)),
                ((Contact, Contact, 'b'), Err(BlockedByYou)),
            ],
        );
    }

    #[test]
    fn accepting_and_declining_need_a_request() {
        check(
            Pair::accept,
            &[
                ((AsksMe, Asked, '-'), Ok((Contact, Contact, '-'))),
                ((Stranger, Asked, '-'), Err(NoRequest)),
                ((Asked, AsksMe, '-'), Err(NoRequest)),
                ((Contact, Contact, '-'), Err(AlreadyContact)),
                ((AsksMe, Asked, 't'), Err(Blocked)),
            ],
        );
        check(
            Pair::decline,
            &[
                ((AsksMe, Asked, '-'), Ok((Stranger, Asked, '-'))),
                ((Stranger, Asked, '-'), Err(NoRequest)),
                ((Contact, Contact, '-'), Err(NoRequest)),
                ((Asked, AsksMe, '-'), Err(NoRequest)),
            ],
        );
    }

    #[test]
    fn removing_parts_both_and_leaves_blocks_alone() {
        check(
            Pair::remove,
            &[
                ((Contact, Contact, '-'), Ok((Stranger, Stranger, '-'))),
                ((Contact, Contact, 'm'), Ok((Stranger, Stranger, 'm'))),
                ((Contact, Contact, 't'), Ok((Stranger, Stranger, 't'))),
                ((Asked, AsksMe, '-'), Ok((Stranger, Stranger, '-'))),
                ((Asked, Stranger, '-'), Ok((Stranger, Stranger, '-'))),
                ((AsksMe, Asked, '-'), Err(NotAContact)),
                ((Stranger, Stranger, 'm'), Err(NotAContact)),
            ],
        );
    }

    #[test]
    fn a_block_hides_behind_being_a_contact_and_ends_what_was_open() {
        check(
            BLOCK,
            &[
                ((Contact, Contact, '-'), Ok((Contact, Contact, 'm'))),
                ((Asked, AsksMe, '-'), Ok((Stranger, Stranger, 'm'))),
                ((AsksMe, Asked, '-'), Ok((Stranger, Asked, 'm'))),
                ((Stranger, Stranger, 't'), Ok((Stranger, Stranger, 'b'))),
                ((Stranger, Stranger, 'm'), Ok((Stranger, Stranger, 'm'))),
            ],
        );
    }

    #[test]
    fn only_contacts_without_a_block_see_each_other() {
        for relation in [Stranger, Asked, AsksMe, Contact] {
            for block in ['-', 'm', 't', 'b'] {
                let sees = pair((relation, relation, block)).sees_presence();
                assert_eq!(sees, relation == Contact && block == '-', "{relation:?} {block}");
            }
        }
    }

    #[test]
    fn strangers_who_are_found_are_seen_only_if_they_want_it_and_are_not_blocked() {
        for relation in [Stranger, Asked, AsksMe] {
            assert!(!may_see_presence_of_found(relation, false, false));
            assert!(may_see_presence_of_found(relation, false, true));
            assert!(!may_see_presence_of_found(relation, true, true));
        }
        assert!(may_see_presence_of_found(Contact, false, false));
        assert!(!may_see_presence_of_found(Contact, true, true));
    }

    #[test]
    fn parting_forgets_the_nickname_the_group_and_the_request() {
        let mut pair = pair((Stranger, Stranger, '-'));
        pair.request(&RequestText::cut("It is Ann.")).unwrap();
        assert_eq!(pair.theirs.request.as_str(), "It is Ann.");
        pair.name(&Nickname::cut("Bobby")).unwrap();
        assert_eq!(pair.group(&GroupName::cut("Choir")), Err(NotAContact));
        pair.mine.relation = Contact;
        pair.group(&GroupName::cut("Choir")).unwrap();
        pair.remove().unwrap();
        assert_eq!(pair, Pair::default());
        assert_eq!(pair.name(&Nickname::cut("Bobby")), Err(NotAContact));
    }
}
