//! The rows of a `LineList` or a `RowList`, changed in place.

use std::fmt;
use std::rc::Rc;

use slint::{Model, ModelRc, VecModel};

use super::shell::number;
use crate::rows::{Listed, RowChange, Rows};
use crate::ui::LineRow;

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

/// The model behind a list; a clone is the same one.
#[derive(Clone, Default)]
pub struct Lines {
    rows: Rc<VecModel<LineRow>>,
}

impl fmt::Debug for Lines {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Lines")
    }
}

impl Lines {
    #[must_use]
    pub fn new<T: Listed>(rows: &Rows<T>, line: impl Fn(&T) -> Line) -> Self {
        let all: Vec<_> = (0..rows.rows().len()).map(|at| row(rows, at, &line)).collect();
        Self { rows: Rc::new(VecModel::from(all)) }
    }

    #[must_use]
    pub fn model(&self) -> ModelRc<LineRow> {
        ModelRc::from(self.rows.clone())
    }

    /// After an insertion every number means another row, so all are compared; unchanged rows cost nothing
    /// on the screen and say nothing to a screen reader.
    pub fn update<T: Listed>(
        &self,
        rows: &Rows<T>,
        changes: &[RowChange],
        line: impl Fn(&T) -> Line,
    ) {
        for change in changes {
            match change {
                RowChange::Inserted(at) => self.rows.insert(*at, LineRow::default()),
                RowChange::Updated(_) => {}
            }
        }
        for at in 0..self.rows.row_count() {
            let row = row(rows, at, &line);
            if self.rows.row_data(at).as_ref() != Some(&row) {
                self.rows.set_row_data(at, row);
            }
        }
    }
}

fn row<T: Listed>(rows: &Rows<T>, at: usize, line: &impl Fn(&T) -> Line) -> LineRow {
    let Some(row) = rows.rows().get(at) else { return LineRow::default() };
    let Line { spoken, text, detail } = line(&row.item);
    LineRow {
        present: row.present,
        position: number(Some(rows.position(at))),
        spoken: spoken.into(),
        text: text.into(),
        detail: detail.into(),
    }
}
