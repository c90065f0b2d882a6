-- Nothing in any table is PHI in clear: people are found by blind indexes (HMAC-SHA-256), and whatever holds a name, a date of
-- birth, a phone or an address is a sealed part (AES-256-GCM) that the database cannot open. So no error text, no statement
-- log and no replica can give any of it away. All statements are prepared and their values bound; the connections also
-- keep bound values out of the server's log. Operators should leave log_parameter_max_length at 0 and, where they may set it,
-- log_min_error_statement at panic.

-- One row for each admitted submission, and one for each refused conflicting copy of one.
CREATE TABLE submission (
    admission_id     uuid        NOT NULL PRIMARY KEY,
    -- Order of admission: within a clinic also the order of commit, because admissions of a clinic follow one another.
    seq              bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    clinic           text        NOT NULL,
    submission_id    text        NOT NULL,
    copy             boolean     NOT NULL,
    content          bytea       NOT NULL,
    message_id       uuid        NOT NULL,
    correlation_id   uuid        NOT NULL,
    source           text        NOT NULL,
    submitted_at     timestamptz NOT NULL,
    received_at      timestamptz NOT NULL,
    admitted_at      timestamptz NOT NULL,
    appointment_at   timestamptz,
    template_id      text,
    template_version integer,
    -- What was decided at admission: repeated to every redelivery of the message that was admitted.
    decision         text        NOT NULL CHECK (decision IN ('admitted', 'duplicate', 'rejected', 'held')),
    decision_code    text,
    decision_field   text,
    person_id        uuid,
    new_person       boolean     NOT NULL DEFAULT false,
    duplicate_of     text,
    -- Where it stands.
    state            text        NOT NULL CHECK (state IN ('in_flight', 'completed', 'duplicate', 'rejected', 'held', 'dead')),
    code             text,
    field            text,
    settled_at       timestamptz,
    eligibility      text,
    patient          text,
    appointment      text,
    notified         text[]
) WITH (fillfactor = 85);

CREATE UNIQUE INDEX submission_original ON submission (submission_id, clinic) WHERE NOT copy;
CREATE UNIQUE INDEX submission_copy ON submission (submission_id, clinic, content) WHERE copy;
CREATE UNIQUE INDEX submission_seq ON submission (seq);
CREATE INDEX submission_correlation ON submission (correlation_id);
CREATE INDEX submission_in_flight ON submission (received_at) WHERE state = 'in_flight';
CREATE INDEX submission_received ON submission USING brin (received_at);

-- The sealed original, for replay. Ciphertext does not compress.
CREATE TABLE submission_body (
    admission_id uuid  NOT NULL PRIMARY KEY,
    sealed       bytea NOT NULL
);
ALTER TABLE submission_body ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- One person at one clinic, as the matching found.
CREATE TABLE person (
    person_id  uuid        NOT NULL PRIMARY KEY,
    clinic     text        NOT NULL,
    first_seen timestamptz NOT NULL
);

-- What is known of a person, sealed: the first record, and each later one that brought a new key.
CREATE TABLE person_record (
    person_id    uuid  NOT NULL,
    admission_id uuid  NOT NULL,
    sealed       bytea NOT NULL,
    PRIMARY KEY (person_id, admission_id)
);
ALTER TABLE person_record ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- The keys that a person is found by.
CREATE TABLE person_block (
    clinic    text  NOT NULL,
    block     bytea NOT NULL,
    person_id uuid  NOT NULL,
    PRIMARY KEY (clinic, block, person_id)
);

-- Who asked for what: one request of one person is admitted once.
CREATE TABLE request (
    clinic        text  NOT NULL,
    person_id     uuid  NOT NULL,
    request       bytea NOT NULL,
    admission_id  uuid  NOT NULL,
    submission_id text  NOT NULL,
    PRIMARY KEY (clinic, person_id, request)
);

-- What waits for a person's decision, with the sealed envelope that goes on.
CREATE TABLE held (
    admission_id uuid        NOT NULL PRIMARY KEY,
    stage        text        NOT NULL,
    lane         text        NOT NULL,
    code         text        NOT NULL,
    field        text,
    envelope     bytea,
    since        timestamptz NOT NULL
);
CREATE INDEX held_since ON held (since);
