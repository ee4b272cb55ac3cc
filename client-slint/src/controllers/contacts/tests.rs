//! The contact list.

use thrive_client::Presence;

use super::*;

fn contact(id: i64, name: &str) -> Contact {
    Contact {
        user: UserId(id),
        username: Username::parse(name).unwrap(),
        nickname: String::new(),
        group: String::new(),
        relation: Relation::Contact,
        blocked: false,
        request: String::new(),
        presence: Presence::new(Availability::Away, "lunch".into()),
        unread: 2,
        typing: false,
        admin: false,
    }
}

#[test]
fn a_row_says_the_name_first_and_what_is_special_last() {
    let mut contacts = Contacts::default();
    contacts.put(contact(1, "ann"));
    assert_eq!(contacts.line(0).unwrap().spoken, "ann, 2 unread, away, lunch");
    contacts.put(Contact { typing: true, unread: 0, ..contact(1, "ann") });
    assert_eq!(contacts.line(0).unwrap().spoken, "ann, away, lunch");
    contacts.put(Contact { blocked: true, unread: 0, ..contact(1, "ann") });
    assert_eq!(contacts.line(0).unwrap().spoken, "ann, blocked");
}

#[test]
fn a_request_stands_first_and_enter_answers_it() {
    let mut contacts = Contacts::default();
    contacts.put(contact(1, "ann"));
    let request = Contact {
        relation: Relation::AsksMe,
        request: "hi".into(),
        unread: 0,
        ..contact(2, "zoe")
    };
    contacts.put(request.clone());
    assert_eq!(contacts.line(0).unwrap().spoken, "zoe asks to be your contact: hi");
    contacts.enter();
    assert_eq!(contacts.open(), Plan::Request(request));
}

#[test]
fn blocking_follows_the_chosen_contact() {
    let mut contacts = Contacts::default();
    assert_eq!(contacts.block(), Plan::Nothing(NOBODY));
    contacts.put(contact(1, "ann"));
    contacts.put(Contact { blocked: true, ..contact(2, "bob") });
    contacts.enter();
    assert_eq!(contacts.block_label(), "Block");
    contacts.walk(Step::Down);
    assert_eq!((contacts.block_label(), contacts.block()), ("Unblock", Plan::Unblock(UserId(2))));
}

fn names(contacts: &Contacts) -> Vec<String> {
    let lines = (0..contacts.rows.rows().len()).filter_map(|at| contacts.line(at));
    lines.map(|line| line.name).collect()
}

#[test]
fn a_search_narrows_the_list_and_keeps_who_is_chosen() {
    let mut contacts = Contacts::default();
    contacts.reload(vec![contact(1, "ann"), contact(2, "bob"), contact(3, "nancy")]);
    contacts.begin();
    contacts.walk(Step::Last);
    contacts.search(" AN");
    assert_eq!(names(&contacts), ["ann", "nancy"]);
    contacts.put(Contact { unread: 9, ..contact(2, "bob") });
    contacts.put(Contact { unread: 9, ..contact(3, "nancy") });
    assert_eq!(names(&contacts), ["ann", "nancy"]);
    assert_eq!(contacts.chosen().unwrap().user, UserId(3));
    contacts.search("");
    assert_eq!(names(&contacts), ["ann", "bob", "nancy"]);
    assert_eq!(contacts.chosen().unwrap().user, UserId(3));
}

#[test]
fn by_status_rows_move_only_when_the_list_is_entered() {
    let is = |availability| Presence::new(availability, String::new());
    let online = |id, name| Contact { presence: is(Availability::Online), ..contact(id, name) };
    let mut contacts = Contacts::default();
    contacts.order(Order::Status);
    contacts.reload(vec![contact(1, "ann"), online(2, "bob"), contact(3, "cat")]);
    assert_eq!(names(&contacts), ["bob", "ann", "cat"]);
    contacts.begin();
    contacts.put(online(3, "cat"));
    contacts.put(contact(2, "bob"));
    assert_eq!(names(&contacts), ["bob", "ann", "cat"]);
    contacts.enter();
    assert_eq!(names(&contacts), ["cat", "ann", "bob"]);
    assert_eq!(contacts.chosen().unwrap().user, UserId(2), "who was chosen still is");
    contacts.order(Order::NameBackwards);
    assert_eq!(names(&contacts), ["cat", "bob", "ann"]);
}

#[test]
fn whoever_only_wrote_is_known_but_in_no_list() {
    let mut contacts = Contacts::default();
    contacts.put(Contact { relation: Relation::None, ..contact(7, "zoe") });
    assert_eq!((contacts.count(), contacts.unread_elsewhere()), (0, 2));
    assert!(contacts.get(UserId(7)).is_some());
    contacts.put(Contact { relation: Relation::None, blocked: true, ..contact(7, "zoe") });
    assert_eq!(contacts.count(), 1, "or nobody could unblock them");
}

#[test]
fn an_admin_is_marked_for_the_eye_and_the_ear() {
    let mut contacts = Contacts::default();
    contacts.put(Contact { admin: true, unread: 0, ..contact(1, "ann") });
    let line = contacts.line(0).unwrap();
    assert_eq!(
        (line.name.as_str(), line.spoken.as_str()),
        ("ann (Admin)", "ann (Admin), away, lunch")
    );
}

#[test]
fn a_reload_leaves_out_who_is_gone() {
    let mut contacts = Contacts::default();
    contacts.reload(vec![contact(1, "ann"), contact(2, "bob")]);
    contacts.reload(vec![contact(2, "bob"), contact(3, "cat")]);
    assert_eq!(contacts.count(), 2);
    assert_eq!(names(&contacts), ["bob", "cat"]);
    assert_eq!(contacts.unread(), 4);
}

fn in_group(id: i64, name: &str, group: &str) -> Contact {
    Contact { group: group.into(), unread: 0, ..contact(id, name) }
}

fn three_groups() -> Contacts {
    let mut contacts = Contacts::default();
    contacts.reload(vec![
        in_group(1, "zoe", "Family"),
        in_group(2, "bob", "choir"),
        in_group(3, "ann", ""),
        in_group(4, "cat", "Choir"),
    ]);
    contacts.begin();
    contacts
}

#[test]
fn who_is_in_a_group_stands_below_its_heading_and_who_is_in_none_last() {
    let mut contacts = three_groups();
    assert_eq!(names(&contacts), ["choir", "bob", "cat", "Family", "zoe", "No group", "ann"]);
    assert_eq!(contacts.chosen().unwrap().user, UserId(2), "a person, not a heading");
    assert_eq!((contacts.count(), contacts.people()), (7, 4));
    assert_eq!(contacts.line(0).unwrap().spoken, "choir, group, open, 2 of 2 online");
    contacts.put(Contact { relation: Relation::AsksMe, ..in_group(9, "yes", "") });
    assert_eq!(names(&contacts)[0], "yes", "requests stand above all groups");
}

#[test]
fn without_groups_there_are_no_headings_and_the_last_one_takes_them_away() {
    let mut contacts = Contacts::default();
    contacts.reload(vec![in_group(1, "ann", ""), in_group(2, "bob", "")]);
    assert_eq!(names(&contacts), ["ann", "bob"]);
    contacts.close(["".to_owned(), "work".to_owned()].into());
    assert_eq!(names(&contacts), ["ann", "bob"], "there is no heading that could be opened");
    contacts.put(in_group(2, "bob", "Work"));
    assert_eq!(names(&contacts), ["Work", "No group"], "both were closed before");
    contacts.put(in_group(2, "bob", ""));
    assert_eq!(names(&contacts), ["ann", "bob"]);
    contacts.put(in_group(2, "bob", "Pub"));
    contacts.gone(UserId(2));
    assert_eq!(names(&contacts), ["ann"]);
}

#[test]
fn a_closed_group_hides_its_people_and_says_what_they_wrote() {
    let mut contacts = three_groups();
    contacts.fold(Fold::Out);
    assert!(contacts.is_at_heading());
    assert_eq!(contacts.open(), Plan::Fold);
    assert_eq!(contacts.delete(), Plan::Nothing(A_GROUP));
    contacts.turn();
    assert_eq!(names(&contacts), ["choir", "Family", "zoe", "No group", "ann"]);
    assert!(contacts.is_at_heading(), "the heading stays chosen");
    contacts.put(Contact { unread: 3, ..in_group(4, "cat", "Choir") });
    let spoken = |contacts: &Contacts| contacts.line(contacts.current().unwrap()).unwrap().spoken;
    assert_eq!(spoken(&contacts), "choir, group, closed, 2 of 2 online", "not while it is heard");
    contacts.walk(Step::Down);
    contacts.walk(Step::Up);
    assert_eq!(spoken(&contacts), "choir, group, closed, 3 unread, 2 of 2 online");
    assert_eq!(contacts.closed().iter().collect::<Vec<_>>(), ["choir"]);
    contacts.search("ca");
    assert_eq!(names(&contacts), ["cat"], "a search finds who is in a closed group");
    contacts.search("");
    assert_eq!(names(&contacts), ["choir", "Family", "zoe", "No group", "ann"]);
}

#[test]
fn left_and_right_lead_as_in_a_tree() {
    let mut contacts = three_groups();
    let name = |contacts: &Contacts| contacts.line(contacts.current().unwrap()).unwrap().name;
    contacts.walk(Step::Down);
    contacts.fold(Fold::In);
    assert_eq!(name(&contacts), "cat");
    contacts.fold(Fold::Out);
    assert_eq!(name(&contacts), "choir");
    contacts.fold(Fold::In);
    assert_eq!(name(&contacts), "bob", "into the group");
    contacts.fold(Fold::Out);
    contacts.fold(Fold::Out);
    contacts.fold(Fold::Out);
    assert_eq!((name(&contacts), names(&contacts).len()), ("choir".into(), 5));
    contacts.fold(Fold::In);
    assert_eq!((name(&contacts), names(&contacts).len()), ("choir".into(), 7));
}

#[test]
fn somebody_who_changes_the_group_stays_chosen() {
    let mut contacts = three_groups();
    contacts.put(in_group(2, "bob", "Family"));
    assert_eq!(names(&contacts), ["Choir", "cat", "Family", "bob", "zoe", "No group", "ann"]);
    assert_eq!(contacts.chosen().unwrap().user, UserId(2));
}

#[test]
fn whoever_vanishes_into_a_closed_group_leaves_its_heading_chosen_and_nobody_else() {
    let mut contacts = three_groups();
    contacts.close(["family".to_owned()].into());
    let name = |contacts: &Contacts| contacts.line(contacts.current().unwrap()).unwrap().name;
    assert_eq!(name(&contacts), "bob");
    contacts.put(in_group(2, "bob", "Family"));
    assert_eq!((name(&contacts), contacts.chosen()), ("Family".into(), None));
    contacts.search("bo");
    assert_eq!(name(&contacts), "bob");
    contacts.search("");
    assert_eq!((name(&contacts), contacts.chosen()), ("Family".into(), None));
}

#[test]
fn somebody_is_chosen_as_long_as_there_is_a_row() {
    let mut contacts = Contacts::default();
    contacts.close(["work".to_owned()].into());
    contacts.reload(vec![in_group(1, "bob", "Work")]);
    contacts.begin();
    assert!(contacts.is_at_heading());
    contacts.put(in_group(1, "bob", ""));
    assert_eq!(contacts.chosen().unwrap().user, UserId(1));
}

fn chosen(contacts: &Contacts) -> String {
    contacts.line(contacts.current().unwrap()).unwrap().spoken
}

/// What the server says of Bob and Cat, one after the other, and then of the group; or the other way round.
fn rename(contacts: &mut Contacts, name: &str, news_first: bool) {
    contacts.rename_group("choir", name);
    let users = [UserId(2), UserId(4)];
    if !news_first {
        contacts.renamed(&users, name);
    }
    contacts.put(in_group(2, "bob", name));
    contacts.put(in_group(4, "cat", name));
    if news_first {
        contacts.renamed(&users, name);
    }
}

#[test]
fn a_group_that_is_renamed_stays_chosen_and_closed_whatever_comes_first() {
    for news_first in [true, false] {
        let mut contacts = three_groups();
        contacts.fold(Fold::Out);
        contacts.turn();
        rename(&mut contacts, "Singers", news_first);
        assert_eq!(names(&contacts), ["Family", "zoe", "Singers", "No group", "ann"]);
        assert_eq!(chosen(&contacts), "Singers, group, closed, 2 of 2 online");
        assert_eq!(contacts.closed().iter().collect::<Vec<_>>(), ["singers"]);
        contacts.turn();
        contacts.rename_group("Singers", "SINGERS");
        contacts.renamed(&[UserId(2), UserId(4)], "SINGERS");
        assert_eq!(chosen(&contacts), "SINGERS, group, open, 2 of 2 online");
    }
}

#[test]
fn a_group_that_joins_another_is_as_open_as_that_one() {
    for news_first in [true, false] {
        let mut contacts = three_groups();
        contacts.close(["choir".to_owned()].into());
        contacts.walk(Step::First);
        rename(&mut contacts, "Family", news_first);
        assert_eq!(names(&contacts), ["Family", "bob", "cat", "zoe", "No group", "ann"]);
        assert_eq!(chosen(&contacts), "Family, group, open, 3 of 3 online");
        assert!(contacts.closed().is_empty());
    }
}

#[test]
fn the_first_who_was_in_a_group_that_is_gone_is_chosen() {
    for news_first in [true, false] {
        let mut contacts = three_groups();
        contacts.fold(Fold::Out);
        contacts.turn();
        rename(&mut contacts, "", news_first);
        assert_eq!(names(&contacts), ["Family", "zoe", "No group", "ann", "bob", "cat"]);
        assert_eq!(contacts.chosen().unwrap().user, UserId(2));
        assert!(contacts.closed().is_empty());

        let mut contacts = three_groups();
        contacts.fold(Fold::Out);
        contacts.close(["".to_owned()].into());
        rename(&mut contacts, "", news_first);
        assert_eq!(chosen(&contacts), "No group, group, closed, 3 of 3 online", "nobody is seen");
    }
}

#[test]
fn whoever_went_elsewhere_is_left_there_and_what_was_refused_leaves_no_trace() {
    let mut contacts = three_groups();
    contacts.close(["choir".to_owned()].into());
    contacts.walk(Step::Last);
    rename(&mut contacts, "Singers", true);
    assert_eq!(contacts.chosen().unwrap().user, UserId(3));
    contacts.rename_group("Singers", "Pub");
    contacts.not_renamed();
    assert_eq!(contacts.closed().iter().collect::<Vec<_>>(), ["singers"]);
    contacts.rename_group("Singers", "Pub\u{202e}");
    contacts.renamed(&[UserId(2), UserId(4)], "Pub");
    assert_eq!(names(&contacts), ["Family", "zoe", "Pub", "No group", "ann"]);
    assert_eq!(contacts.closed().iter().collect::<Vec<_>>(), ["pub"]);
}
