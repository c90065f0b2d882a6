-- The dead letters that were collected from the broker. No PHI in clear: a body that died in clear was sealed before it came here, and the
-- other columns hold closed lists, configuration, opaque ids and times.
CREATE TABLE dead_letter (
    -- Made of the queue, the message's id, the moment of death and the body: a letter that is delivered again is the same row.
    letter_id        uuid        NOT NULL PRIMARY KEY,
    message_id       uuid,
    stage            text        NOT NULL,
    lane             text        NOT NULL,
    code             text,
    field            text,
    endpoint         text,
    template_id      text,
    template_version integer,
    fingerprint      text        NOT NULL,
    admission_id     uuid,
    submission_id    text,
    clinic           text,
    correlation_id   uuid        NOT NULL,
    trace_id         text,
    attempts         integer     NOT NULL,
    first_failed_at  timestamptz,
    died_at          timestamptz NOT NULL,
    collected_at     timestamptz NOT NULL,
    appointment_at   timestamptz,
    schema           text        NOT NULL,
    -- The sealed envelope, for replay.
    envelope         bytea       NOT NULL
);
ALTER TABLE dead_letter ALTER COLUMN envelope SET STORAGE EXTERNAL;
-- The order of lists: by time to the visit, those without one last.
CREATE INDEX dead_letter_visit ON dead_letter ((coalesce(appointment_at, 'infinity'::timestamptz)), died_at, letter_id);
CREATE INDEX dead_letter_fingerprint ON dead_letter (fingerprint, died_at);
CREATE INDEX dead_letter_message ON dead_letter (message_id);
CREATE INDEX dead_letter_admission ON dead_letter (admission_id);
