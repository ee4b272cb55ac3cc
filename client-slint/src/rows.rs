//! The rows of a list, in their order, and which one is the current one. A row that comes or goes moves the
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

/// What the screen has to do, one after the other: each number is that of the row at this moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RowChange {
    Inserted(usize),
    Updated(usize),
    Removed(usize),
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
    rows: Vec<T>,
    /// One of them.
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
        let Some(at) = self.index_of(&item.id()) else {
            return vec![RowChange::Inserted(self.insert(item))];
        };
        let fits = |index: usize, good: &dyn Fn(&T) -> bool| self.rows.get(index).is_none_or(good);
        let stays = (at == 0 || fits(at - 1, &|before| before.place() <= item.place()))
            && fits(at + 1, &|after| item.place() <= after.place());
        if stays {
            self.rows[at] = item;
            return vec![RowChange::Updated(at)];
        }
        let is_current = self.current == Some(at);
        self.take(at);
        let to = self.insert(item);
        if is_current {
            self.current = Some(to);
        }
        vec![RowChange::Removed(at), RowChange::Inserted(to)]
    }

    fn insert(&mut self, item: T) -> usize {
        let to = self.rows.partition_point(|row| row.place() <= item.place());
        self.rows.insert(to, item);
        if let Some(current) = &mut self.current
            && to <= *current
        {
            *current += 1;
        }
        to
    }

    /// Takes an item out. The current row gives way to the neighbor below it, else above.
    pub fn remove(&mut self, id: T::Id) -> Vec<RowChange> {
        let Some(at) = self.index_of(&id) else { return Vec::new() };
        self.take(at);
        vec![RowChange::Removed(at)]
    }

    fn take(&mut self, at: usize) {
        self.rows.remove(at);
        self.current = match self.current {
            Some(current) if at < current => Some(current - 1),
            Some(current) => self.rows.len().checked_sub(1).map(|last| current.min(last)),
            None => None,
        };
    }

    #[must_use]
    pub fn rows(&self) -> &[T] {
        &self.rows
    }

    #[must_use]
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    #[must_use]
    pub fn current(&self) -> Option<usize> {
        self.current
    }

    #[must_use]
    pub fn chosen(&self) -> Option<&T> {
        self.rows.get(self.current?)
    }

    #[must_use]
    pub fn get(&self, id: T::Id) -> Option<&T> {
        self.index_of(&id).map(|at| &self.rows[at])
    }

    /// Makes a row the current one; one that does not exist changes nothing.
    pub fn choose(&mut self, at: usize) {
        if at < self.rows.len() {
            self.current = Some(at);
        }
    }

    pub fn choose_id(&mut self, id: T::Id) {
        if let Some(at) = self.index_of(&id) {
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
        let Some(last) = self.rows.len().checked_sub(1) else { return };
        self.current = Some(match (step, self.current) {
            (Step::First, _) | (Step::Down | Step::PageDown, None) => 0,
            (Step::Last, _) | (Step::Up | Step::PageUp, None) => last,
            (Step::Up, Some(from)) => from.saturating_sub(1),
            (Step::Down, Some(from)) => last.min(from + 1),
            (Step::PageUp, Some(from)) => from.saturating_sub(PAGE),
            (Step::PageDown, Some(from)) => last.min(from + PAGE),
        });
    }

    /// Goes to the next row that starts with the letter, and around the end.
    pub fn letter(&mut self, letter: &str) {
        let wanted = letter.to_lowercase();
        if wanted.is_empty() {
            return;
        }
        let start = self.current.map_or(0, |at| at + 1);
        let mut around = (start..self.rows.len()).chain(0..start);
        let found = around.find(|at| self.rows[*at].letters().to_lowercase().starts_with(&wanted));
        self.current = found.or(self.current);
    }

    fn index_of(&self, id: &T::Id) -> Option<usize> {
        self.rows.iter().position(|row| row.id() == *id)
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
    fn a_row_that_goes_gives_way_to_its_neighbor_and_moves_no_other() {
        let mut rows = rows(&["ann", "bob", "cat", "dan"]);
        rows.choose(2);
        assert_eq!(rows.remove(0), [RowChange::Removed(0)]);
        assert_eq!((current(&rows), rows.current()), ("cat", Some(1)));
        assert_eq!(rows.remove(2), [RowChange::Removed(1)]);
        assert_eq!(current(&rows), "dan");
        assert_eq!(rows.remove(3), [RowChange::Removed(1)]);
        assert_eq!(current(&rows), "bob");
        rows.remove(1);
        assert_eq!((rows.current(), rows.count()), (None, 0));
        assert_eq!(rows.remove(1), []);
    }

    #[test]
    fn nothing_is_left_of_who_has_gone_however_often_they_come_back() {
        let mut rows = rows(&["ann", "bob"]);
        for _ in 0..100 {
            rows.remove(0);
            assert_eq!(rows.put(Word(0, "ann")), [RowChange::Inserted(0)]);
        }
        assert_eq!(rows.rows(), [Word(0, "ann"), Word(1, "bob")]);
    }

    #[test]
    fn a_row_with_a_new_place_moves_and_stays_current() {
        let mut rows = rows(&["ann", "bob", "cat"]);
        rows.choose(0);
        let changes = rows.put(Word(0, "zoe"));
        assert_eq!(changes, [RowChange::Removed(0), RowChange::Inserted(2)]);
        assert_eq!(current(&rows), "zoe");
        assert_eq!(rows.put(Word(0, "zoe")), [RowChange::Updated(2)]);
        // Another one that moves takes the place of no current one.
        rows.put(Word(2, "abe"));
        assert_eq!((current(&rows), rows.current()), ("zoe", Some(2)));
    }

    #[test]
    fn keys_lead_where_a_list_box_leads() {
        let names: Vec<&'static str> =
            vec!["a0", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9", "c0", "c1", "c2"];
        let mut rows = rows(&names);
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
