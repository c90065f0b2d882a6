-- Who may look at one field of one dead letter until when, without saying again what for. The value is nowhere here: a field is a path of
-- our own model.
CREATE TABLE reveal_grant (
    actor     text        NOT NULL CHECK (actor <> ''),
    letter_id uuid        NOT NULL REFERENCES dead_letter,
    -- The letter as it died, or its edit.
    part      text        NOT NULL CHECK (part IN ('original', 'edit')),
    field     text        NOT NULL,
    given_at  timestamptz NOT NULL,
    until     timestamptz NOT NULL,
    PRIMARY KEY (actor, letter_id, part, field)
);

-- What people corrected in a dead letter, beside its body, which stays as it died.
CREATE TABLE letter_edit (
    edit_id        uuid        NOT NULL PRIMARY KEY,
    letter_id      uuid        NOT NULL REFERENCES dead_letter,
    made_at        timestamptz NOT NULL,
    requester      text        NOT NULL CHECK (requester <> ''),
    reason         text        NOT NULL CHECK (reason <> ''),
    -- Which fields, and what they go into: kinds of effects, or the admission.
    fields         text[]      NOT NULL CHECK (cardinality(fields) > 0),
    effects        text[]      NOT NULL,
    -- The values and the body that they make, sealed, bound to the letter.
    sealed         bytea       NOT NULL,
    -- Of what was admitted before: the sealed original with the same corrections, for when it goes on from its beginning.
    original       bytea,
    state          text        NOT NULL CHECK (state IN ('waiting', 'in_force', 'withdrawn', 'superseded')),
    state_at       timestamptz NOT NULL,
    -- It says who the patient is: that takes two.
    needs_approval boolean     NOT NULL,
    approver       text,
    approved_at    timestamptz,
    CONSTRAINT letter_edit_takes_two CHECK (approver <> requester),
    CONSTRAINT letter_edit_approved CHECK ((approver IS NULL) = (approved_at IS NULL)),
    CONSTRAINT letter_edit_needs_approval CHECK (state <> 'in_force' OR NOT needs_approval OR approver IS NOT NULL),
    CONSTRAINT letter_edit_waits CHECK (state <> 'waiting' OR needs_approval AND approver IS NULL)
);
ALTER TABLE letter_edit ALTER COLUMN sealed SET STORAGE EXTERNAL, ALTER COLUMN original SET STORAGE EXTERNAL;
CREATE INDEX letter_edit_letter ON letter_edit (letter_id, made_at);
-- Of a letter one edit stands at most.
CREATE UNIQUE INDEX letter_edit_stands ON letter_edit (letter_id) WHERE state IN ('waiting', 'in_force');
CREATE INDEX letter_edit_waiting ON letter_edit (made_at) WHERE state = 'waiting';

-- With which edit a letter was dry-run: another one, or none, is another message.
ALTER TABLE plan_item ADD COLUMN edit_id uuid REFERENCES letter_edit;

-- A submission that goes on as people corrected it. Its content, by which it is known, is that of the form as it came.
ALTER TABLE submission ADD COLUMN corrected boolean NOT NULL DEFAULT false;
-- The original stays; this goes on in its place.
ALTER TABLE submission_body ADD COLUMN corrected bytea;
ALTER TABLE submission_body ALTER COLUMN corrected SET STORAGE EXTERNAL;
