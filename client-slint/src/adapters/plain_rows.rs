//! Keeps the rows of a plain list on a screen as its controller has them.

use std::fmt;
use std::rc::Rc;

use slint::{Model, ModelRc, VecModel};

use super::shell::number;
use crate::rows::{Listed, RowChange, Rows};
use crate::ui::PlainRow;

#[derive(Clone, Default)]
pub struct PlainRows(Rc<VecModel<PlainRow>>);

impl fmt::Debug for PlainRows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PlainRows")
    }
}

/// The words of a row.
#[derive(Clone, Debug, Default)]
pub struct RowWords {
    pub spoken: String,
    pub text: String,
    pub detail: String,
}

impl PlainRows {
    #[must_use]
    pub fn model(&self) -> ModelRc<PlainRow> {
        ModelRc::from(self.0.clone())
    }

    /// Changes the rows in place.
    pub fn update<T: Listed>(
        &self,
        rows: &Rows<T>,
        changes: &[RowChange],
        words: impl Fn(&T) -> RowWords,
    ) {
        for change in changes {
            match change {
                RowChange::Inserted(at) => self.0.insert(*at, PlainRow::default()),
                RowChange::Updated(_) => {}
            }
        }
        for (at, row) in rows.rows().iter().enumerate() {
            let RowWords { spoken, text, detail } = words(&row.item);
            let row = PlainRow {
                present: row.present,
                position: number(Some(rows.position(at))),
                spoken: spoken.into(),
                text: text.into(),
                detail: detail.into(),
            };
            if self.0.row_data(at).as_ref() != Some(&row) {
                self.0.set_row_data(at, row);
            }
        }
    }
}
