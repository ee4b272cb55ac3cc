//! The models behind a list of rows: what is seen of them, and what is heard.
//!
//! A row that goes is gone for the eye. For the ear its element stays, hidden, for as long as the window is
//! there: Slint gives the number of an element that is destroyed to the next one that is made, and screen
//! readers on Linux keep the dead one under that number, so that a new row would be heard by an old name.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use slint::{Model, ModelRc, SharedString, VecModel};

use super::shell::number;
use crate::rows::RowChange;
use crate::ui::HeardRow;

/// A clone is the same one.
#[derive(Clone)]
pub struct Listing<R: 'static> {
    seen: Rc<VecModel<R>>,
    heard: Rc<VecModel<HeardRow>>,
    places: Rc<RefCell<Vec<Place>>>,
}

/// Of a row that is there.
#[derive(Clone, Copy)]
struct Place {
    /// Its index among those that are heard, the hidden ones too.
    heard: usize,
    changed: bool,
}

impl<R> Default for Listing<R> {
    fn default() -> Self {
        Self { seen: Rc::default(), heard: Rc::default(), places: Rc::default() }
    }
}

impl<R> fmt::Debug for Listing<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Listing")
    }
}

impl<R: Clone + Default + PartialEq + 'static> Listing<R> {
    #[must_use]
    pub fn seen(&self) -> ModelRc<R> {
        ModelRc::from(self.seen.clone())
    }

    #[must_use]
    pub fn heard(&self) -> ModelRc<HeardRow> {
        ModelRc::from(self.heard.clone())
    }

    /// Takes the changes in their order. `row` tells of a row, as it is after all of them, what is heard and
    /// what is seen. Rows that have not changed cost nothing on the screen and say nothing to a screen reader.
    pub fn update(&self, changes: &[RowChange], row: impl Fn(usize) -> (String, R)) {
        let mut places = self.places.borrow_mut();
        for change in changes {
            match *change {
                RowChange::Inserted(at) => {
                    let end = self.heard.row_count();
                    let heard = places.get(at).map_or(end, |it| it.heard);
                    self.seen.insert(at, R::default());
                    self.heard.insert(heard, HeardRow::default());
                    places[at..].iter_mut().for_each(|below| below.heard += 1);
                    places.insert(at, Place { heard, changed: true });
                }
                RowChange::Updated(at) => places[at].changed = true,
                RowChange::Removed(at) => {
                    self.seen.remove(at);
                    self.heard.set_row_data(places.remove(at).heard, HeardRow::default());
                }
            }
        }
        for (at, place) in places.iter_mut().enumerate() {
            let position = number(Some(at));
            if std::mem::take(&mut place.changed) {
                let (spoken, seen) = row(at);
                put(&self.seen, at, seen);
                let spoken = SharedString::from(spoken);
                put(&self.heard, place.heard, HeardRow { present: true, position, spoken });
            } else if let Some(heard) = self.heard.row_data(place.heard)
                && heard.position != position
            {
                self.heard.set_row_data(place.heard, HeardRow { position, ..heard });
            }
        }
    }

    /// All rows are asked for again the next time.
    pub fn renew(&self) {
        self.places.borrow_mut().iter_mut().for_each(|place| place.changed = true);
    }

    /// Where a row is among those that are heard; -1 for none.
    #[must_use]
    pub fn index(&self, at: Option<usize>) -> i32 {
        number(at.and_then(|at| Some(self.places.borrow().get(at)?.heard)))
    }
}

fn put<T: Clone + PartialEq + 'static>(model: &VecModel<T>, at: usize, row: T) {
    if model.row_data(at).as_ref() != Some(&row) {
        model.set_row_data(at, row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(listing: &Listing<i32>, changes: &[RowChange], rows: &[i32]) {
        listing.update(changes, |at| (format!("row {}", rows[at]), rows[at]));
    }

    fn seen(listing: &Listing<i32>) -> Vec<i32> {
        listing.seen.iter().collect()
    }

    /// Everything that has an element, with a dot for what is hidden.
    fn heard(listing: &Listing<i32>) -> Vec<String> {
        let words = |it: HeardRow| match it.present {
            true => format!("{} {}", it.position, it.spoken),
            false => ".".to_owned(),
        };
        listing.heard.iter().map(words).collect()
    }

    #[test]
    fn who_goes_is_gone_for_the_eye_and_hidden_for_the_ear_and_comes_back_as_a_new_row() {
        let listing = Listing::default();
        let inserted = [0, 1, 2].map(RowChange::Inserted);
        update(&listing, &inserted, &[1, 2, 3]);
        update(&listing, &[RowChange::Removed(1)], &[1, 3]);
        assert_eq!(seen(&listing), [1, 3]);
        assert_eq!(heard(&listing), ["0 row 1", ".", "1 row 3"]);
        assert_eq!([Some(0), Some(1), Some(2), None].map(|it| listing.index(it)), [0, 2, -1, -1]);
        update(&listing, &[RowChange::Inserted(1)], &[1, 2, 3]);
        assert_eq!(seen(&listing), [1, 2, 3]);
        assert_eq!(heard(&listing), ["0 row 1", ".", "1 row 2", "2 row 3"]);
    }

    #[test]
    fn changes_are_taken_in_their_order_and_nothing_else_is_touched() {
        let listing = Listing::default();
        update(&listing, &[0, 1, 2].map(RowChange::Inserted), &[1, 2, 3]);
        let changes = [RowChange::Updated(2), RowChange::Removed(0), RowChange::Inserted(2)];
        listing.update(&changes, |at| {
            assert_ne!(at, 0, "it has not changed");
            (format!("row {at}"), 10 * i32::try_from(at).unwrap())
        });
        assert_eq!(seen(&listing), [2, 10, 20]);
        assert_eq!(heard(&listing), [".", "0 row 2", "1 row 1", "2 row 2"]);
        listing.renew();
        update(&listing, &[], &[7, 8, 9]);
        assert_eq!(seen(&listing), [7, 8, 9]);
    }
}
