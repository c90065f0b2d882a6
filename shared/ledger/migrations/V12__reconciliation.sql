-- What was held against each other, when, and by whom. Counts and differences only: no PHI.
CREATE TABLE reconciliation_run (
    run_id   uuid        NOT NULL PRIMARY KEY,
    day      date        NOT NULL,
    -- Null: all clinics.
    clinic   text,
    -- Whether ops did it by itself, as it does once for each day.
    daily    boolean     NOT NULL,
    actor    text        NOT NULL CHECK (actor <> ''),
    begun_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    -- The counts of each clinic.
    compared jsonb       NOT NULL,
    -- What could not be compared, and why.
    gaps     text[]      NOT NULL
);
CREATE UNIQUE INDEX reconciliation_daily ON reconciliation_run (day) WHERE daily;
CREATE INDEX reconciliation_begun ON reconciliation_run (begun_at);

-- One row for each difference.
CREATE TABLE reconciliation_row (
    run_id       uuid    NOT NULL,
    n            integer NOT NULL,
    kind         text    NOT NULL,
    clinic       text,
    admission_id uuid,
    difference   jsonb   NOT NULL,
    -- When its submission was published again, by `--repair`.
    redriven_at  timestamptz,
    PRIMARY KEY (run_id, n)
);

-- Whose write a resource of the EHR is: found by the identifier that it carries.
CREATE INDEX ehr_op_identity ON ehr_op USING hash (idempotency);
-- What waits for a person is little, and looked for in every run.
CREATE INDEX submission_stopped ON submission (received_at) WHERE state IN ('held', 'dead');
