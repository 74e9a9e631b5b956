//! A query that somebody else wrote: read only, and bounded in rows, bytes and time.
//!
//! It sees the tables `detections` and `tracks` (sealed hours and the database as one), `runs`, and whatever else the
//! database has. Sealed rows are laid out beside the database before the query runs, so a window of time that holds few
//! of them is quick, and one that holds more than [`Limits::sealed_rows`] is refused.

use crate::row::Record;
use crate::table::Value;
use crate::{DetectionRow, Error, Filter, HAS_PARQUET, Reader, Result, TrackRow, groups};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, ffi};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

/// How much a query may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Rows of the answer: what is beyond is left out, and said.
    pub rows: usize,
    /// Time for the query itself.
    pub time: Duration,
    /// Sealed rows that are laid out for it.
    pub sealed_rows: u64,
}

impl Default for Limits {
    /// 10,000 rows, 10 s, two million sealed rows.
    fn default() -> Self {
        Self { rows: 10_000, time: Duration::from_secs(10), sealed_rows: 2_000_000 }
    }
}

/// Bytes of one value, and of the query.
const MAX_VALUE_BYTES: i32 = 1 << 20;
/// Characters of a pattern of `LIKE` and `GLOB`.
const MAX_PATTERN: i32 = 256;
/// Steps of SQLite's machine between two looks at the clock.
const STEPS: i32 = 100;
/// Bytes of an answer.
const MAX_ANSWER_BYTES: usize = 1 << 28;

/// One value of an answer.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum Cell {
    /// Null.
    Null,
    /// A whole number.
    Int(i64),
    /// A floating-point number; JSON has no others than finite ones, and gets null.
    Real(f64),
    /// Text.
    Text(String),
}

/// What a query came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows `[n_rows × n_columns]`.
    pub rows: Vec<Vec<Cell>>,
    /// There were more rows than the limit.
    pub is_cut: bool,
}

/// Runs a query on what passes a window: station, from and to of the filter; its other fields are not looked at.
///
/// # Errors
/// It is no query, more than one, would change anything or leave the archive, takes longer than it may, or needs more
/// sealed rows than it may.
pub fn query(folder: &Path, sql: &str, window: &Filter, limits: &Limits) -> Result<Answer> {
    let reader = Reader::open(folder)?;
    if sql.contains('\0') {
        // SQLite would read as far as there.
        return Err(Error::new(folder, "the query holds a NUL: expected one SELECT"));
    }
    let window =
        Filter { station: window.station.clone(), from: window.from, to: window.to, ..Filter::default() };
    // A connection of its own: what is laid out, and the hooks, go with it.
    let mut connection = crate::schema::open_to_read(reader.folder())?;
    let failed = |error: rusqlite::Error| refusal(folder, &error, limits);
    connection
        .execute_batch(
            "PRAGMA temp_store = DEFAULT; PRAGMA cache_size = -65536; BEGIN; SELECT 1 FROM station;",
        )
        .map_err(failed)?;
    let mut room = limits.sealed_rows;
    lay_out::<DetectionRow>(&reader, &connection, &window, &mut room, limits)?;
    lay_out::<TrackRow>(&reader, &connection, &window, &mut room, limits)?;
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_VALUE_BYTES),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, MAX_PATTERN),
    ] {
        connection.set_limit(limit, value).map_err(failed)?;
    }
    connection.execute_batch("PRAGMA query_only = ON;").map_err(failed)?;
    connection.authorizer(Some(only_reads)).map_err(failed)?;
    let deadline = Instant::now() + limits.time;
    connection.progress_handler(STEPS, Some(move || Instant::now() >= deadline)).map_err(failed)?;
    answer(&connection, sql, limits, deadline).map_err(failed)
}

/// What a query may call: functions that stay within the database and take no longer than their arguments are long. The
/// clock is not looked at while one is called, so `replace`, `instr` or `trim`, which may take the product of their
/// lengths, are not among them.
#[rustfmt::skip]
const FUNCTIONS: &[&str] = &[
    // Of one row.
    "->", "->>", "abs", "coalesce", "current_date", "current_time", "current_timestamp", "date", "datetime", "format", "glob",
    "hex", "ifnull", "iif", "json", "json_array_length", "json_each", "json_extract", "json_type", "json_valid", "julianday",
    "length", "like", "lower", "max", "min", "nullif", "printf", "quote", "random", "round", "sign", "strftime", "substr",
    "substring", "time", "typeof", "unixepoch", "upper", "zeroblob",
    // Of many.
    "avg", "count", "group_concat", "json_group_array", "json_group_object", "string_agg", "sum", "total",
    "cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "nth_value", "ntile", "percent_rank", "rank",
    "row_number",
];

/// What a query may do: read, and call [`FUNCTIONS`].
fn only_reads(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Function { function_name }
            if FUNCTIONS.iter().any(|name| name.eq_ignore_ascii_case(function_name)) =>
        {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

fn answer(
    connection: &Connection,
    sql: &str,
    limits: &Limits,
    deadline: Instant,
) -> rusqlite::Result<Answer> {
    let mut statement = connection.prepare(sql)?;
    // VACUUM is asked of no hook; it gives no columns, as nothing that is no question does.
    if statement.column_count() == 0 || !statement.readonly() {
        return Err(rusqlite::Error::InvalidQuery);
    }
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let (mut answer, mut bytes) = (Answer { columns, ..Answer::default() }, 0);
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if Instant::now() >= deadline {
            return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None));
        }
        if answer.rows.len() >= limits.rows || bytes >= MAX_ANSWER_BYTES {
            answer.is_cut = true;
            return Ok(answer);
        }
        let cells = (0..answer.columns.len()).map(|at| Ok(cell(row.get_ref(at)?)));
        let cells = cells.collect::<rusqlite::Result<Vec<_>>>()?;
        let text = cells.iter().map(|cell| if let Cell::Text(text) = cell { text.len() } else { 0 });
        bytes += size_of_val(&*cells) + text.sum::<usize>();
        answer.rows.push(cells);
    }
    Ok(answer)
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Int(value),
        ValueRef::Real(value) => Cell::Real(value),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Cell::Text(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
    }
}

/// How SQLite begins to refuse a function.
const NO_FUNCTION: &str = "not authorized to use function: ";

/// What SQLite refused, in words for whoever wrote the query.
fn refusal(folder: &Path, error: &rusqlite::Error, limits: &Limits) -> Error {
    let message = match (error, error.sqlite_error_code()) {
        (_, Some(ErrorCode::OperationInterrupted)) => {
            format!("the query took more than {} s, and was stopped", limits.time.as_secs_f64())
        }
        (_, Some(ErrorCode::AuthorizationForStatementDenied | ErrorCode::ReadOnly)) => {
            "only reading is allowed: expected one SELECT".to_owned()
        }
        (_, Some(ErrorCode::TooBig)) => {
            format!("a value of the query, or its text, has more than {MAX_VALUE_BYTES} bytes")
        }
        (rusqlite::Error::InvalidQuery, _) => "no query: expected one SELECT".to_owned(),
        (rusqlite::Error::MultipleStatement, _) => "more than one statement: expected one SELECT".to_owned(),
        (rusqlite::Error::SqlInputError { msg, .. }, _) if msg.starts_with(NO_FUNCTION) => {
            format!("a query cannot call the function {}", &msg[NO_FUNCTION.len()..])
        }
        (rusqlite::Error::SqlInputError { msg, .. }, _) if msg.starts_with("not authorized") => {
            "only reading is allowed: expected one SELECT".to_owned()
        }
        (rusqlite::Error::SqlInputError { msg, .. }, _) => format!("the query cannot be understood: {msg}"),
        _ => format!("the query failed: {error}"),
    };
    // What SQLite says is in the message, or says no more than it.
    Error::new(folder, message)
}

/// Makes `detections` or `tracks` of this connection: the database's rows and, from a table beside it, the sealed ones.
fn lay_out<R: Record>(
    reader: &Reader,
    connection: &Connection,
    window: &Filter,
    room: &mut u64,
    limits: &Limits,
) -> Result<()> {
    let failed = |error| Error::sqlite(&reader.folder().database(), "lay out sealed hours", error);
    let name = R::KIND.name();
    let (from_ns, to_ns) = window.window_ns();
    let mut conditions = String::from("1");
    if let Some(station) = &window.station {
        conditions.push_str(&format!(" AND station = '{station}'"));
    }
    if window.from.is_some() || window.to.is_some() {
        conditions.push_str(&format!(" AND time_ns >= {from_ns} AND time_ns < {to_ns}"));
    }
    let mut merge = crate::merge::Merge::<R>::new();
    let mut expected = 0;
    for (id, station) in reader.stations()? {
        if window.station.as_ref().is_some_and(|wanted| *wanted != station) {
            continue;
        }
        for mark in reader.parts(R::KIND, id, &station, (from_ns, to_ns))? {
            expected += mark.rows.max(0) as u64;
            let earliest_ns = mark.min_ns;
            let mut rows = crate::sealed::Rows::<R>::new(reader.folder(), mark, (from_ns, to_ns));
            merge.add(Some(earliest_ns), Box::new(move || rows.next()));
        }
    }
    if expected == 0 {
        let sql = format!("CREATE TEMP VIEW {name} AS SELECT * FROM main.live_{name} WHERE {conditions}");
        return connection.execute_batch(&sql).map_err(failed);
    }
    if expected > *room && HAS_PARQUET {
        let message = format!(
            "{expected} sealed {name} are more than the {} that a query is given: narrow the time with --from and --to, \
             or ask DuckDB, which reads the Parquet files themselves",
            limits.sealed_rows
        );
        return Err(Error::new(reader.folder().path(), message));
    }
    *room -= expected.min(*room);
    // The same columns as the database's view has, in its order.
    let sql = format!(
        "CREATE TEMP TABLE sealed_{name} AS SELECT * FROM main.live_{name} LIMIT 0;
         CREATE TEMP VIEW {name} AS SELECT * FROM main.live_{name} WHERE {conditions}
         UNION ALL SELECT * FROM temp.sealed_{name} WHERE {conditions}"
    );
    connection.execute_batch(&sql).map_err(failed)?;
    let places = vec!["?"; R::FIELDS.len() + 1].join(", ");
    let mut insert =
        connection.prepare(&format!("INSERT INTO temp.sealed_{name} VALUES ({places})")).map_err(failed)?;
    let (mut values, mut wrong) = (Vec::new(), None);
    merge.run(&mut |row| {
        values.clear();
        row.values(&mut values);
        match bind(&mut insert, &row, &values) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                wrong = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    wrong.map_or(Ok(()), |error| Err(failed(error)))
}

fn bind<R: Record>(insert: &mut rusqlite::Statement<'_>, row: &R, values: &[Value]) -> rusqlite::Result<()> {
    insert.raw_bind_parameter(1, &**row.station().name())?;
    for (at, value) in values.iter().enumerate() {
        groups::bind(insert, at + 2, value)?;
    }
    insert.raw_execute().map(drop)
}
