-- What happened, hop by hop: the timeline, the audit trail, the source of reconciliation. Partitioned by time, so that months can
-- be detached as a whole; until partitions are made for them, rows lie in the default one.
CREATE SEQUENCE journal_seq;

CREATE TABLE journal (
    seq              bigint      NOT NULL DEFAULT nextval('journal_seq'),
    at               timestamptz NOT NULL,
    started_at       timestamptz NOT NULL,
    admission_id     uuid,
    submission_id    text,
    clinic           text,
    correlation_id   uuid,
    message_id       uuid        NOT NULL,
    stage            text        NOT NULL,
    lane             text        NOT NULL,
    event            text        NOT NULL,
    state            text,
    code             text,
    field            text,
    endpoint         text,
    template_id      text,
    template_version integer,
    attempt          integer     NOT NULL,
    trace_id         text,
    actor            text,
    PRIMARY KEY (seq, at)
) PARTITION BY RANGE (at);

CREATE TABLE journal_default PARTITION OF journal DEFAULT;
CREATE INDEX journal_admission ON journal (admission_id);
CREATE INDEX journal_at ON journal USING brin (at);

-- Append-only for every role, the owner too.
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE ON journal
    FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER journal_default_no_truncate BEFORE TRUNCATE ON journal_default
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
REVOKE UPDATE, DELETE, TRUNCATE ON journal, journal_default FROM PUBLIC;
