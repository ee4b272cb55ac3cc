//! The rows of a `LineList` or a `RowList`, changed in place.

use slint::ModelRc;

use super::listing::Listing;
use crate::rows::{Listed, RowChange, Rows};
use crate::ui::{HeardRow, LineRow};

/// What is shown and heard of a row.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Line {
    pub spoken: String,
    pub text: String,
    pub detail: String,
}

impl Line {
    /// One that is heard as it is seen.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self { spoken: text.to_owned(), text: text.to_owned(), detail: String::new() }
    }
}

/// The models behind a list; a clone is the same ones.
#[derive(Clone, Debug, Default)]
pub struct Lines(Listing<LineRow>);

impl Lines {
    #[must_use]
    pub fn new<T: Listed>(rows: &Rows<T>, line: impl Fn(&T) -> Line) -> Self {
        let lines = Self::default();
        let all: Vec<_> = (0..rows.count()).map(RowChange::Inserted).collect();
        lines.update(rows, &all, line);
        lines
    }

    #[must_use]
    pub fn seen(&self) -> ModelRc<LineRow> {
        self.0.seen()
    }

    #[must_use]
    pub fn heard(&self) -> ModelRc<HeardRow> {
        self.0.heard()
    }

    /// Where a row is among those that are heard.
    #[must_use]
    pub fn index(&self, at: Option<usize>) -> i32 {
        self.0.index(at)
    }

    /// Words may depend on more than the rows, so all are compared.
    pub fn update<T: Listed>(
        &self,
        rows: &Rows<T>,
        changes: &[RowChange],
        line: impl Fn(&T) -> Line,
    ) {
        self.0.renew();
        self.0.update(changes, |at| {
            let Line { spoken, text, detail } = rows.rows().get(at).map(&line).unwrap_or_default();
            (spoken, LineRow { text: text.into(), detail: detail.into() })
        });
    }
}
