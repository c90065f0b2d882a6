//! A table of records to be linked: folded text in named columns.

use std::collections::HashMap;

use super::text::fold;

/// Why a table was not read. Quotes no cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Not CSV with a heading and rows of its length.
    #[error("not a CSV file with a heading line and rows of the same length (line {0})")]
    Csv(u64),
    /// More values than can be numbered.
    #[error("the table is too large")]
    TooLarge,
}

/// Records with named columns. Each distinct value is kept once: equality is a comparison of numbers.
///
/// It has no `Debug`: records are PHI.
pub struct Table {
    columns: Vec<String>,
    values: Vec<String>,
    cells: Vec<Vec<u32>>,
    rows: usize,
}

impl Table {
    /// The number of the empty value, in every table.
    pub const EMPTY: u32 = 0;

    /// Reads CSV text with a heading line. Cells are folded (see [`fold`]).
    ///
    /// # Errors
    /// [`TableError`] names the line, never the text.
    pub fn from_csv(text: &str) -> Result<Self, TableError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let bad = |error: csv::Error| TableError::Csv(error.position().map_or(0, csv::Position::line));
        let columns: Vec<String> = reader.headers().map_err(bad)?.iter().map(str::to_owned).collect();
        let mut cells = vec![Vec::new(); columns.len()];
        let mut interner = HashMap::from([(String::new(), Self::EMPTY)]);
        let mut rows = 0;
        for record in reader.records() {
            for (column, cell) in cells.iter_mut().zip(&record.map_err(bad)?) {
                let next = u32::try_from(interner.len()).map_err(|_| TableError::TooLarge)?;
                column.push(*interner.entry(fold(cell)).or_insert(next));
            }
            rows += 1;
        }
        let mut values = vec![String::new(); interner.len()];
        for (value, number) in interner {
            values[number as usize] = value;
        }
        Ok(Self { columns, values, cells, rows })
    }

    /// The number of records.
    pub const fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no record.
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The place of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// The number of a record's value; [`Table::EMPTY`] if there is none.
    pub fn number(&self, row: usize, column: usize) -> u32 {
        self.cells[column][row]
    }

    /// The value of a number.
    pub fn value(&self, number: u32) -> &str {
        &self.values[number as usize]
    }

    /// A record's value.
    pub fn cell(&self, row: usize, column: usize) -> &str {
        self.value(self.number(row, column))
    }
}

#[cfg(test)]
mod tests {
    use super::{Table, TableError};

    #[test]
    fn reads_and_folds() {
        let table = Table::from_csv("a, b\nMÜLLER, 12\n, muller\n").unwrap();
        assert_eq!((table.len(), table.column("b"), table.column("c")), (2, Some(1), None));
        assert_eq!(table.cell(0, 0), "muller");
        assert_eq!(table.number(0, 0), table.number(1, 1));
        assert_eq!(table.number(1, 0), Table::EMPTY);
    }

    #[test]
    fn refuses_ragged_rows_without_quoting_them() {
        let error = Table::from_csv("a,b\n1,2\nJane\n").err().unwrap();
        assert_eq!(error, TableError::Csv(3));
    }
}
