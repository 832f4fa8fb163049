use std::fmt;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Postgres, Sqlite, Type};
use terms::Timestamp;

use crate::fault::Fault;

/// A row that a statement gave.
pub enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A column whose content fits no state of its type. It never says what the content was.
#[derive(Debug)]
pub struct BadColumn {
    column: &'static str,
    why: String,
}

impl BadColumn {
    pub fn new(column: &'static str, why: impl fmt::Display) -> Self {
        Self { column, why: why.to_string() }
    }
}

/// How rows of one aggregate become its type. A row that fits no state of it is a [`Fault`] that names table, column and id.
pub trait FromRow: Sized {
    /// The table, for the fault.
    const TABLE: &'static str;
    /// The column that names the row in a fault; every statement for this type selects it.
    const KEY: &'static str;

    fn from_row(row: &Row) -> Result<Self, BadColumn>;
}

pub(crate) fn decode<T: FromRow>(row: &Row) -> Result<T, Fault> {
    T::from_row(row).map_err(|bad| {
        let id = row.text(T::KEY).unwrap_or_else(|_| "of unknown id".to_owned());
        Fault::new(format!("read {} {id}: column {} holds {}", T::TABLE, bad.column, bad.why))
    })
}

impl Row {
    fn get<T>(&self, column: &'static str) -> Result<T, BadColumn>
    where
        T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        use sqlx::Row as _;
        let got = match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        };
        got.map_err(|error| match error {
            sqlx::Error::ColumnNotFound(_) => {
                BadColumn::new(column, "nothing: the statement doesn't select it")
            }
            _ => BadColumn::new(column, "another type, or a null"),
        })
    }

    pub fn text(&self, column: &'static str) -> Result<String, BadColumn> {
        self.get(column)
    }

    pub fn opt_text(&self, column: &'static str) -> Result<Option<String>, BadColumn> {
        self.get(column)
    }

    pub fn int(&self, column: &'static str) -> Result<i64, BadColumn> {
        self.get(column)
    }

    pub fn opt_int(&self, column: &'static str) -> Result<Option<i64>, BadColumn> {
        self.get(column)
    }

    /// An integer column whose value is in the range of a narrower type.
    pub fn narrow<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, BadColumn> {
        T::try_from(self.int(column)?).map_err(|_| BadColumn::new(column, "a number out of its range"))
    }

    pub fn bool(&self, column: &'static str) -> Result<bool, BadColumn> {
        self.get(column)
    }

    pub fn time(&self, column: &'static str) -> Result<Timestamp, BadColumn> {
        self.int(column).map(Timestamp::from_millis)
    }

    pub fn opt_time(&self, column: &'static str) -> Result<Option<Timestamp>, BadColumn> {
        Ok(self.opt_int(column)?.map(Timestamp::from_millis))
    }

    /// A text column read as an id, a name of a state, or anything else that parses itself.
    pub fn parse<T: FromStr<Err: fmt::Display>>(&self, column: &'static str) -> Result<T, BadColumn> {
        self.text(column)?.parse().map_err(|error| BadColumn::new(column, error))
    }

    pub fn opt_parse<T: FromStr<Err: fmt::Display>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, BadColumn> {
        let text = self.opt_text(column)?;
        text.map(|text| text.parse()).transpose().map_err(|error| BadColumn::new(column, error))
    }

    pub fn blob(&self, column: &'static str) -> Result<Vec<u8>, BadColumn> {
        self.get(column)
    }

    pub fn opt_blob(&self, column: &'static str) -> Result<Option<Vec<u8>>, BadColumn> {
        self.get(column)
    }

    /// A SHA-256, for the `from_bytes` of its type.
    pub fn hash(&self, column: &'static str) -> Result<[u8; 32], BadColumn> {
        self.blob(column)?.try_into().map_err(|_| BadColumn::new(column, "other than 32 octets"))
    }

    pub fn opt_hash(&self, column: &'static str) -> Result<Option<[u8; 32]>, BadColumn> {
        let blob = self.opt_blob(column)?;
        blob.map(TryInto::try_into).transpose().map_err(|_| BadColumn::new(column, "other than 32 octets"))
    }

    /// A `@json` column. What didn't fit is not told, since serde's message would quote it.
    pub fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, BadColumn> {
        let sqlx::types::Json(value) = self.get::<sqlx::types::Json<serde_json::Value>>(column)?;
        serde_json::from_value(value).map_err(|_| BadColumn::new(column, "JSON of another shape"))
    }

    pub fn opt_json<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>, BadColumn> {
        let value = self.get::<Option<sqlx::types::Json<serde_json::Value>>>(column)?;
        let value = value.map(|sqlx::types::Json(value)| serde_json::from_value(value)).transpose();
        value.map_err(|_| BadColumn::new(column, "JSON of another shape"))
    }
}

/// One whole number, from the column `n`: for `SELECT COUNT(*) AS n`.
impl FromRow for i64 {
    const TABLE: &'static str = "a count";
    const KEY: &'static str = "n";

    fn from_row(row: &Row) -> Result<Self, BadColumn> {
        row.int("n")
    }
}
