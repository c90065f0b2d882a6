-- What a person is shown of a hold, as the stage found it: who the person may be. Opaque ids and names of fields, no values.
CREATE TABLE hold_candidate (
    admission_id uuid        NOT NULL,
    stage        text        NOT NULL,
    -- A person at validation, a patient of the EHR at the ehr-writer.
    candidate    text        NOT NULL,
    agrees       text[]      NOT NULL,
    differs      text[]      NOT NULL,
    found_at     timestamptz NOT NULL,
    PRIMARY KEY (admission_id, stage, candidate)
);

-- What a person is shown of a hold: the slots that were free.
CREATE TABLE hold_slot (
    admission_id uuid        NOT NULL,
    slot_id      text        NOT NULL,
    starts       timestamptz NOT NULL,
    minutes      integer     NOT NULL,
    found_at     timestamptz NOT NULL,
    PRIMARY KEY (admission_id, slot_id)
);

-- What people decided. Append-only for every role, the owner too.
CREATE TABLE hold_decision (
    seq          bigint      NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL,
    admission_id uuid        NOT NULL,
    stage        text        NOT NULL,
    code         text        NOT NULL,
    field        text,
    -- A closed list in the program.
    decision     text        NOT NULL,
    -- What it names: a person, a patient, a paper, a slot, a resource.
    names        text,
    -- For a slot: when it starts.
    starts       timestamptz,
    -- For another person: whom they were held for, and are not.
    others       text[]      NOT NULL,
    actor        text        NOT NULL CHECK (actor <> ''),
    role         text        NOT NULL CHECK (role <> ''),
    reason       text        NOT NULL CHECK (reason <> '')
);
CREATE INDEX hold_decision_admission ON hold_decision (admission_id, seq);

CREATE TRIGGER hold_decision_append_only BEFORE UPDATE OR DELETE ON hold_decision
    FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER hold_decision_no_truncate BEFORE TRUNCATE ON hold_decision
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
REVOKE UPDATE, DELETE, TRUNCATE ON hold_decision FROM PUBLIC;

-- Decided, and not yet known to be on its way again: its row goes when the broker has confirmed the message.
CREATE TABLE hold_release (
    seq          bigint NOT NULL PRIMARY KEY,
    admission_id uuid   NOT NULL
);
