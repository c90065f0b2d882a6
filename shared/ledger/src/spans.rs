//! The client span of a statement or a group commit, by OpenTelemetry's conventions for databases. No values: statements have parameters.

use tracing::{Instrument as _, Span, field::Empty, info_span};

/// Does the work within a span. What is done for no trace, such as looking at switches, makes none.
pub(crate) async fn within<T, E>(summary: &str, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    if Span::current().is_none() {
        return work.await;
    }
    let span = info_span!(
        "database",
        otel.name = summary,
        otel.kind = "client",
        otel.status_code = Empty,
        db.system.name = "postgresql",
        db.query.summary = summary,
        error.r#type = Empty,
    );
    let done = work.instrument(span.clone()).await;
    if done.is_err() {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", "store_down");
    }
    done
}

/// What a statement does and the first table that it names: `SELECT submission`.
pub(crate) fn summary(sql: &str) -> String {
    let mut words = sql
        .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ','))
        .filter(|word| !word.is_empty());
    let Some(operation) = words.next() else { return String::new() };
    let table = match operation {
        "UPDATE" => words.next(),
        "INSERT" => words.nth(1),
        _ => words.skip_while(|word| *word != "FROM").nth(1),
    };
    [Some(operation), table].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn a_statement_is_told_by_what_it_does_and_to_what() {
        for (sql, told) in [
            ("SELECT state, count(*) AS n FROM submission WHERE clinic = $1", "SELECT submission"),
            ("INSERT INTO act (actor) VALUES ($1)", "INSERT act"),
            ("UPDATE ehr_op SET state = 'done'", "UPDATE ehr_op"),
            ("DELETE FROM suspect WHERE id = $1", "DELETE suspect"),
            ("WITH a AS (SELECT 1 FROM held) SELECT 2", "WITH held"),
            ("SELECT 1", "SELECT"),
        ] {
            assert_eq!(summary(sql), told);
        }
    }
}
