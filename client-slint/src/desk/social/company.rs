//! Conversations with people who are no contacts, and who wrote while one was away.

use thrive_client::{Arrival, Failure, Missed, Talk};

use super::Social;
use crate::adapters::people::CompanyView;
use crate::adapters::shell::Input;
use crate::announce::Event;
use crate::bridge::{SocialWish, Wish};
use crate::controllers::company::{Company, Person};
use crate::desk::Desk;
use crate::keys::Command;
use crate::words;

impl Desk {
    pub(in crate::desk) fn open_conversations(&mut self) {
        if let Some((view, _)) = &self.circle.conversations {
            return view.view.raise();
        }
        let empty = "Nobody has written to you who is not one of your contacts.";
        let view = CompanyView::open(
            Social::Conversations,
            "Conversations",
            empty,
            &self.settings,
            &self.tell,
        );
        let Some(view) = self.made(view) else { return };
        view.view.show();
        self.circle.conversations = Some((view, Company::default()));
        self.ask(Wish::Social(SocialWish::Talks));
    }

    pub(super) fn talks_came(&mut self, result: Result<Vec<Talk>, Failure>) {
        let Some((view, company)) = &mut self.circle.conversations else { return };
        match result {
            Ok(talks) => {
                let people = talks.iter().filter(|talk| talk.is_stranger()).map(Person::of_talk);
                let changes = company.refresh(people.collect());
                company.enter();
                view.update(company, &changes);
            }
            Err(failure) => {
                let sentence = words::failure(&failure);
                view.say(&sentence, true);
                self.problem(sentence);
            }
        }
    }

    /// Somebody wrote, or was written to: the row of the conversation is to tell it.
    pub(in crate::desk) fn talks_changed(&mut self) {
        if self.circle.conversations.is_some() {
            self.ask(Wish::Social(SocialWish::Talks));
        }
    }

    /// Told before each time that everything has been read, and once more with the list of contacts.
    pub(super) fn missed_came(&mut self, missed: Vec<Missed>) {
        // After a short break nothing was missed, and what came before is still worth looking up.
        if missed.is_empty() || missed == self.circle.missed_messages {
            return;
        }
        self.circle.missed_unsaid = true;
        self.circle.missed_messages = missed;
        self.show_missed();
    }

    /// Everything has been read: says what came meanwhile, once.
    pub(in crate::desk) fn say_missed(&mut self) {
        let unsaid = std::mem::take(&mut self.circle.missed_unsaid);
        if unsaid {
            let sentence = words::missed(&self.circle.missed_messages);
            self.event(&Event::Missed(sentence), Arrival::Live);
        }
    }

    /// Whether there is something that was missed and that nobody has said.
    pub(in crate::desk) fn has_missed(&self) -> bool {
        self.circle.missed_unsaid
    }

    pub(in crate::desk) fn open_missed(&mut self) {
        if let Some((view, _)) = &self.circle.missed {
            return view.view.raise();
        }
        let empty = "Nothing came while you were away.";
        let view =
            CompanyView::open(Social::Missed, "Missed messages", empty, &self.settings, &self.tell);
        let Some(view) = self.made(view) else { return };
        view.view.show();
        self.circle.missed = Some((view, Company::default()));
        self.show_missed();
    }

    fn show_missed(&mut self) {
        let Some(session) = &self.session else { return };
        let known = |missed: &Missed| session.contacts.get(missed.user).cloned();
        let people = self.circle.missed_messages.iter();
        let people = people.filter_map(|missed| Some(Person::of_missed(missed, known(missed)?)));
        let people: Vec<_> = people.collect();
        let Some((view, company)) = &mut self.circle.missed else { return };
        let changes = company.refresh(people);
        company.enter();
        view.update(company, &changes);
        view.say(&words::missed(&self.circle.missed_messages), false);
    }

    pub(super) fn company_command(&mut self, window: Social, command: Command) {
        let place = match window {
            Social::Missed => &mut self.circle.missed,
            _ => &mut self.circle.conversations,
        };
        let Some((view, company)) = place else { return };
        if command == Command::Entered {
            company.enter();
            return view.update(company, &[]);
        }
        let Some(contact) = company.chosen() else {
            return self.answer("There is nobody in the list.");
        };
        let contact = contact.clone();
        match command {
            Command::Open => self.open_chat_from(window, contact.username),
            Command::Add => self.ask_to_add(contact.username),
            Command::Block if contact.blocked => self.ask(Wish::Unblock(contact.user)),
            Command::Block => self.ask(Wish::Block(contact.username)),
            other => tracing::error!(?other, "A command of another window"),
        }
    }

    pub(super) fn move_in_company(&mut self, window: Social, input: &Input) {
        let place = match window {
            Social::Missed => &mut self.circle.missed,
            _ => &mut self.circle.conversations,
        };
        let Some((view, company)) = place else { return };
        match input {
            Input::Walk(step) => company.walk(*step),
            Input::Letter(letter) => company.letter(letter),
            Input::Picked(at) => company.choose(*at),
            _ => {}
        }
        view.update(company, &[]);
    }
}
