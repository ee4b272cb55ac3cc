//! The rows of a list, as the screen keeps them: rows that are gone are hidden and stay, because
//! screen readers on Linux keep hold of elements that were destroyed; and a row that comes moves the
//! number of the current one, never the current one itself.

/// How to move in a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
}

/// What the screen has to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RowChange {
    Inserted(usize),
    Updated(usize),
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row<T> {
    pub present: bool,
    pub item: T,
}

/// Something with an identity and a place of its own.
pub trait Listed {
    type Id: Eq;
    type Place: Ord;
    fn id(&self) -> Self::Id;
    fn place(&self) -> Self::Place;
    /// What first-letter navigation goes by.
    fn letters(&self) -> String;
}

#[derive(Clone, Debug)]
pub struct Rows<T> {
    rows: Vec<Row<T>>,
    current: Option<usize>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), current: None }
    }
}

impl<T: Listed> Rows<T> {
    /// Puts an item in its place, or changes it where it is.
    pub fn put(&mut self, item: T) -> Vec<RowChange> {
        let mut changes = Vec::new();
        if let Some(at) = self.index_of(item.id()) {
            let fits = |index: usize, good: &dyn Fn(&T) -> bool| {
                self.rows.get(index).is_none_or(|row| good(&row.item))
            };
            let stays = (at == 0 || fits(at - 1, &|before| before.place() <= item.place()))
                && fits(at + 1, &|after| item.place() <= after.place());
            if stays {
                self.rows[at] = Row { present: true, item };
                return vec![RowChange::Updated(at)];
            }
            // It moves: hidden where it was, shown where it belongs.
            let was_current = self.current == Some(at);
            self.rows[at].present = false;
            changes.push(RowChange::Updated(at));
            let to = self.insert(item);
            changes.push(RowChange::Inserted(to));
            if was_current {
                self.current = Some(to);
            }
            return changes;
        }
        changes.push(RowChange::Inserted(self.insert(item)));
        changes
    }

    fn insert(&mut self, item: T) -> usize {
        let to = self.rows.partition_point(|row| row.item.place() <= item.place());
        self.rows.insert(to, Row { present: true, item });
        if let Some(current) = &mut self.current
            && to <= *current
        {
            *current += 1;
        }
        to
    }

    /// Hides an item. The current row goes to the neighbor below it, else above.
    pub fn hide(&mut self, id: T::Id) -> Vec<RowChange> {
        let Some(at) = self.index_of(id) else { return Vec::new() };
        self.rows[at].present = false;
        if self.current == Some(at) {
            self.current = self.after(at).or_else(|| self.before(at));
        }
        vec![RowChange::Updated(at)]
    }

    #[must_use]
    pub fn rows(&self) -> &[Row<T>] {
        &self.rows
    }

    /// The items that are shown, in order.
    pub fn shown(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.iter().filter(|row| row.present).map(|row| &row.item)
    }

    /// The number of a row among those that are shown, from 0.
    #[must_use]
    pub fn position(&self, at: usize) -> usize {
        self.rows.iter().take(at).filter(|row| row.present).count()
    }

    #[must_use]
    pub fn count(&self) -> usize {
        self.shown().count()
    }

    #[must_use]
    pub fn current(&self) -> Option<usize> {
        self.current
    }

    #[must_use]
    pub fn chosen(&self) -> Option<&T> {
        self.current.map(|at| &self.rows[at].item)
    }

    #[must_use]
    pub fn get(&self, id: T::Id) -> Option<&T> {
        self.index_of(id).map(|at| &self.rows[at].item)
    }

    /// Makes a row the current one; one that is hidden or does not exist changes nothing.
    pub fn choose(&mut self, at: usize) {
        if self.rows.get(at).is_some_and(|row| row.present) {
            self.current = Some(at);
        }
    }

    pub fn choose_id(&mut self, id: T::Id) {
        if let Some(at) = self.index_of(id) {
            self.choose(at);
        }
    }

    /// Nothing is chosen.
    pub fn choose_none(&mut self) {
        self.current = None;
    }

    /// Where a key leads. A page is ten rows.
    pub fn walk(&mut self, step: Step) {
        const PAGE: usize = 10;
        let Some(from) = self.current else {
            self.current = match step {
                Step::Up | Step::PageUp | Step::Last => self.before(self.rows.len()),
                Step::Down | Step::PageDown | Step::First => self.first(),
            };
            return;
        };
        let many = |next: &dyn Fn(usize) -> Option<usize>| {
            (0..PAGE).fold(from, |at, _| next(at).unwrap_or(at))
        };
        let to = match step {
            Step::Up => self.before(from),
            Step::Down => self.after(from),
            Step::PageUp => Some(many(&|at| self.before(at))),
            Step::PageDown => Some(many(&|at| self.after(at))),
            Step::First => self.first(),
            Step::Last => self.before(self.rows.len()),
        };
        self.current = to.or(self.current);
    }

    /// Goes to the next row that starts with the letter, and around the end.
    pub fn letter(&mut self, letter: &str) {
        let wanted = letter.to_lowercase();
        if wanted.is_empty() {
            return;
        }
        let start = self.current.map_or(0, |at| at + 1);
        let around = (start..self.rows.len()).chain(0..start.min(self.rows.len()));
        let found = around
            .filter(|at| self.rows[*at].present)
            .find(|at| self.rows[*at].item.letters().to_lowercase().starts_with(&wanted));
        self.current = found.or(self.current);
    }

    fn index_of(&self, id: T::Id) -> Option<usize> {
        // A row that was hidden is never shown again: its element is dead to a screen reader.
        self.rows.iter().position(|row| row.present && row.item.id() == id)
    }

    fn first(&self) -> Option<usize> {
        self.rows.iter().position(|row| row.present)
    }

    fn after(&self, at: usize) -> Option<usize> {
        (at + 1..self.rows.len()).find(|at| self.rows[*at].present)
    }

    fn before(&self, at: usize) -> Option<usize> {
        (0..at).rev().find(|at| self.rows[*at].present)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, Eq, PartialEq)]
    struct Word(u32, &'static str);

    impl Listed for Word {
        type Id = u32;
        type Place = &'static str;
        fn id(&self) -> u32 {
            self.0
        }
        fn place(&self) -> &'static str {
            self.1
        }
        fn letters(&self) -> String {
            self.1.into()
        }
    }

    fn rows(words: &[&'static str]) -> Rows<Word> {
        let mut rows = Rows::default();
        for (id, word) in (0..).zip(words) {
            rows.put(Word(id, word));
        }
        rows
    }

    fn current(rows: &Rows<Word>) -> &'static str {
        rows.chosen().map_or("", |word| word.1)
    }

    #[test]
    fn a_row_that_comes_never_moves_the_current_one() {
        let mut rows = rows(&["bob", "dan"]);
        rows.choose(1);
        assert_eq!(rows.put(Word(7, "ann")), [RowChange::Inserted(0)]);
        assert_eq!(rows.put(Word(8, "cat")), [RowChange::Inserted(2)]);
        assert_eq!(rows.put(Word(9, "eve")), [RowChange::Inserted(4)]);
        assert_eq!((current(&rows), rows.current()), ("dan", Some(3)));
    }

    #[test]
    fn a_row_that_goes_is_hidden_and_gives_way_to_its_neighbor() {
        let mut rows = rows(&["ann", "bob", "cat"]);
        rows.choose(1);
        assert_eq!(rows.hide(1), [RowChange::Updated(1)]);
        assert_eq!(current(&rows), "cat");
        rows.hide(2);
        assert_eq!(current(&rows), "ann");
        assert_eq!((rows.count(), rows.rows().len()), (1, 3));
        rows.hide(0);
        assert_eq!(rows.current(), None);
    }

    #[test]
    fn who_comes_back_gets_a_new_row() {
        let mut rows = rows(&["ann", "bob"]);
        rows.hide(0);
        assert_eq!(rows.put(Word(0, "ann")), [RowChange::Inserted(1)]);
        assert_eq!((rows.count(), rows.rows().len()), (2, 3));
    }

    #[test]
    fn a_row_with_a_new_place_moves_and_stays_current() {
        let mut rows = rows(&["ann", "bob", "cat"]);
        rows.choose(0);
        let changes = rows.put(Word(0, "zoe"));
        assert_eq!(changes, [RowChange::Updated(0), RowChange::Inserted(3)]);
        assert_eq!(current(&rows), "zoe");
        assert_eq!(rows.put(Word(0, "zoe")), [RowChange::Updated(3)]);
    }

    #[test]
    fn keys_lead_where_a_list_box_leads_and_skip_what_is_hidden() {
        let names: Vec<&'static str> =
            vec!["a0", "a1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9", "c0", "c1", "c2"];
        let mut rows = rows(&names);
        rows.hide(1);
        let mut check = |step, expected: &str| {
            rows.walk(step);
            assert_eq!(current(&rows), expected, "{step:?}");
        };
        check(Step::Down, "a0");
        check(Step::Up, "a0");
        check(Step::Down, "b2");
        check(Step::PageDown, "c2");
        check(Step::Down, "c2");
        check(Step::PageUp, "b2");
        check(Step::Last, "c2");
        check(Step::First, "a0");
        rows.letter("B");
        assert_eq!(current(&rows), "b2");
        rows.letter("c");
        rows.letter("a");
        assert_eq!(current(&rows), "a0");
        rows.letter("x");
        assert_eq!(current(&rows), "a0");
    }
}
