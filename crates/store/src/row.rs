use std::fmt;
use std::str::FromStr;

use rusqlite::types::ValueRef;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{Decode, Postgres, Type};
use terms::Timestamp;

use crate::fault::Fault;
use crate::sqlite;

/// A row that a statement gave.
pub enum Row<'r> {
    Sqlite(sqlite::Row<'r>),
    Postgres(&'r PgRow),
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
pub trait FromRow: Sized + Send {
    /// The table, for the fault.
    const TABLE: &'static str;
    /// The column that names the row in a fault; every statement for this type selects it.
    const KEY: &'static str;

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn>;
}

pub(crate) fn decode<T: FromRow>(row: &Row<'_>) -> Result<T, Fault> {
    T::from_row(row).map_err(|bad| {
        let id = row.text(T::KEY).unwrap_or_else(|_| "of unknown id".to_owned());
        Fault::new(format!("read {} {id}: column {} holds {}", T::TABLE, bad.column, bad.why))
    })
}

impl Row<'_> {
    fn get<T: Column>(&self, column: &'static str) -> Result<T, BadColumn> {
        let unknown = || BadColumn::new(column, "nothing: the statement doesn't select it");
        let other = || BadColumn::new(column, "another type, or a null");
        match self {
            Self::Sqlite(row) => T::of_sqlite(row.get(column).ok_or_else(unknown)?).ok_or_else(other),
            Self::Postgres(row) => {
                use sqlx::Row as _;
                row.try_get(column).map_err(|error| match error {
                    sqlx::Error::ColumnNotFound(_) => unknown(),
                    _ => other(),
                })
            }
        }
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
        let Json(value) = self.get::<Json<serde_json::Value>>(column)?;
        serde_json::from_value(value).map_err(|_| BadColumn::new(column, "JSON of another shape"))
    }

    pub fn opt_json<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>, BadColumn> {
        let value = self.get::<Option<Json<serde_json::Value>>>(column)?;
        let value = value.map(|Json(value)| serde_json::from_value(value)).transpose();
        value.map_err(|_| BadColumn::new(column, "JSON of another shape"))
    }
}

/// What a column is read as, in the ways in which each engine has it.
trait Column: for<'r> Decode<'r, Postgres> + Type<Postgres> {
    fn of_sqlite(value: ValueRef<'_>) -> Option<Self>;
}

impl Column for String {
    fn of_sqlite(value: ValueRef<'_>) -> Option<Self> {
        value.as_str().ok().map(str::to_owned)
    }
}

impl Column for i64 {
    fn of_sqlite(value: ValueRef<'_>) -> Option<Self> {
        value.as_i64().ok()
    }
}

impl Column for bool {
    fn of_sqlite(value: ValueRef<'_>) -> Option<Self> {
        value.as_i64().ok().map(|number| number != 0)
    }
}

impl Column for Vec<u8> {
    fn of_sqlite(value: ValueRef<'_>) -> Option<Self> {
        value.as_blob().ok().map(<[u8]>::to_vec)
    }
}

impl Column for Json<serde_json::Value> {
    fn of_sqlite(value: ValueRef<'_>) -> Option<Self> {
        serde_json::from_str(value.as_str().ok()?).ok().map(Json)
    }
}

impl<T: Column> Column for Option<T>
where
    Self: for<'r> Decode<'r, Postgres> + Type<Postgres>,
{
    fn of_sqlite(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Null => Some(None),
            value => T::of_sqlite(value).map(Some),
        }
    }
}

/// One whole number, from the column `n`: for `SELECT COUNT(*) AS n`.
impl FromRow for i64 {
    const TABLE: &'static str = "a count";
    const KEY: &'static str = "n";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        row.int("n")
    }
}
