-- The EHR-writer's ledger.

-- What several submissions of one person share: the patient, and each coverage. Locked before any effect on it is decided.
CREATE TABLE ehr_slot (
    slot_id     uuid   NOT NULL PRIMARY KEY,
    clinic      text   NOT NULL,
    person_id   uuid   NOT NULL,
    kind        text   NOT NULL,
    key         bytea  NOT NULL,
    -- The effect that has, or had last, the right to write.
    owner_op    uuid   NOT NULL,
    resource_id text,
    version     text,
    -- Order of admission of what was written last: an older one does not overwrite it.
    written_seq bigint NOT NULL,
    UNIQUE (clinic, person_id, kind, key)
) WITH (fillfactor = 85);

-- One effect. Of each submission and kind one row is in force; others are earlier rounds, which a person (or the release of
-- a slot) brought to an end.
CREATE TABLE ehr_op (
    op_id         uuid        NOT NULL PRIMARY KEY,
    admission_id  uuid        NOT NULL,
    kind          text        NOT NULL,
    in_force      boolean     NOT NULL,
    slot_id       uuid,
    -- create, or update of what the slot holds; decided when the lease is given.
    role          text        NOT NULL CHECK (role IN ('create', 'update')),
    -- The opaque value that is written into the resource.
    idempotency   bytea       NOT NULL,
    seq           bigint      NOT NULL,
    state         text        NOT NULL
        CHECK (state IN ('ready', 'intent', 'done', 'rejected', 'unknown', 'conflict', 'parked')),
    -- Attempts begun: the number of the last is its lease's token.
    attempts      integer     NOT NULL,
    searches      integer     NOT NULL,
    lease_until   timestamptz,
    unknown_since timestamptz,
    empty_search  timestamptz,
    resource_id   text,
    version       text,
    code          text,
    changed_at    timestamptz NOT NULL
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX ehr_op_in_force ON ehr_op (admission_id, kind) WHERE in_force;
CREATE INDEX ehr_op_earlier ON ehr_op (admission_id, kind) WHERE NOT in_force;
CREATE INDEX ehr_op_open ON ehr_op (changed_at) WHERE state NOT IN ('done', 'rejected');

-- Each lease, outcome and search, in order: every write that an EHR saw has its intent here, committed earlier.
CREATE TABLE ehr_attempt (
    op_id        uuid        NOT NULL,
    admission_id uuid        NOT NULL,
    kind         text        NOT NULL,
    attempt      integer     NOT NULL,
    event        text        NOT NULL,
    state        text        NOT NULL,
    code         text,
    at           timestamptz NOT NULL
);
CREATE INDEX ehr_attempt_admission ON ehr_attempt (admission_id);
CREATE INDEX ehr_attempt_at ON ehr_attempt USING brin (at);
CREATE TRIGGER ehr_attempt_append_only BEFORE UPDATE OR DELETE ON ehr_attempt
    FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER ehr_attempt_no_truncate BEFORE TRUNCATE ON ehr_attempt
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
REVOKE UPDATE, DELETE, TRUNCATE ON ehr_attempt FROM PUBLIC;
