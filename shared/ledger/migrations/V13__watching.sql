-- What the processes of the stages tell of their circuit breakers that are not closed, for people who look. Of no use once the
-- processes are gone, so it need not outlive a crash of the database.
CREATE UNLOGGED TABLE breaker (
    process  uuid        NOT NULL,
    endpoint text        NOT NULL,
    stage    text        NOT NULL,
    state    text        NOT NULL CHECK (state IN ('open', 'recovering')),
    since    timestamptz NOT NULL,
    probe_at timestamptz,
    -- Those whose messages it has put off.
    lanes    text[]      NOT NULL,
    told_at  timestamptz NOT NULL,
    PRIMARY KEY (process, endpoint)
);

-- Messages that are handled with nothing else in hand, because they came back too often. A row that is left behind by a process that
-- lives no more is a death of it. What was handled to its end has no row; that of a message that was put with the dead letters stays,
-- as the record of the crashes.
CREATE TABLE suspect (
    suspect_id uuid        NOT NULL PRIMARY KEY,
    message_id uuid        NOT NULL,
    stage      text        NOT NULL,
    lane       text        NOT NULL,
    comebacks  integer     NOT NULL,
    -- Who handles it, since when, and when it last said that it lives.
    process    uuid        NOT NULL,
    began_at   timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    -- Processes that died of it.
    deaths     integer     NOT NULL DEFAULT 0,
    died_at    timestamptz
);
CREATE INDEX suspect_message ON suspect (message_id);

-- By what a submission is looked up. Of the journal's rows only equality is asked: a hash is the smallest index that tells it.
CREATE INDEX submission_person ON submission (person_id) WHERE person_id IS NOT NULL;
CREATE INDEX submission_appointment ON submission (appointment) WHERE appointment IS NOT NULL;
CREATE INDEX journal_message ON journal USING hash (message_id);
CREATE INDEX journal_trace ON journal USING hash (trace_id);
