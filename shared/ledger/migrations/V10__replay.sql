-- What people decided about a dead letter. The row and its sealed body stay, whatever it is: a discarded letter is ended, not erased.
ALTER TABLE dead_letter
    ADD COLUMN state    text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'archived', 'discarded')),
    ADD COLUMN state_at timestamptz,
    -- The plan by which it was replayed.
    ADD COLUMN plan_id  uuid;

-- A selection of dead letters, frozen by id, and the run that replays it.
CREATE TABLE plan (
    plan_id    uuid        NOT NULL PRIMARY KEY,
    made_at    timestamptz NOT NULL,
    actor      text        NOT NULL,
    reason     text        NOT NULL,
    state      text        NOT NULL CHECK (state IN ('ready', 'running', 'done', 'stopped', 'cancelled')),
    -- The number of the present run, or of the last.
    run        integer     NOT NULL DEFAULT 0,
    -- The rules of the present run, or of the last: letters that go first, letters a second, percent of failures that end it.
    canary     integer     CHECK (canary >= 0),
    rate       integer     CHECK (rate > 0),
    stop_on    integer     CHECK (stop_on BETWEEN 1 AND 100),
    started_by text,
    started_at timestamptz,
    ended_at   timestamptz,
    -- When its last letter was published: the rate counts from there, in all processes together.
    last_at    timestamptz,
    -- What this run has published, how many of that are known to have come to something, and how many of those failed.
    published  integer     NOT NULL DEFAULT 0,
    judged     integer     NOT NULL DEFAULT 0,
    failed     integer     NOT NULL DEFAULT 0
);
CREATE INDEX plan_made ON plan (made_at);
CREATE INDEX plan_running ON plan (plan_id) WHERE state = 'running';

-- One letter of a plan: what the dry run said, and what became of it.
CREATE TABLE plan_item (
    plan_id        uuid    NOT NULL REFERENCES plan,
    nth            integer NOT NULL,
    letter_id      uuid    NOT NULL REFERENCES dead_letter,
    forecast       text    NOT NULL,
    forecast_code  text,
    forecast_field text,
    -- Why it is not replayed.
    why            text,
    -- As the dry run found them in what is sealed: opaque ids, no PHI.
    clinic         text,
    submission_id  text,
    state          text    NOT NULL CHECK (state IN ('waiting', 'published', 'skipped')),
    published_at   timestamptz,
    -- By which run.
    run            integer,
    -- How things stood before it was published: what differs later came of it.
    settled_before timestamptz,
    letters_before bigint,
    outcome        text    CHECK (outcome IN ('completed', 'held', 'failed')),
    outcome_code   text,
    PRIMARY KEY (plan_id, nth),
    UNIQUE (plan_id, letter_id)
);
CREATE INDEX plan_item_waiting ON plan_item (plan_id, nth) WHERE state = 'waiting';
CREATE INDEX plan_item_unjudged ON plan_item (plan_id) WHERE state = 'published' AND outcome IS NULL;

-- To discard takes two: whoever approves is not whoever asked.
CREATE TABLE discard (
    discard_id   uuid        NOT NULL PRIMARY KEY,
    requested_at timestamptz NOT NULL,
    requester    text        NOT NULL,
    reason       text        NOT NULL,
    letters      uuid[]      NOT NULL CHECK (cardinality(letters) > 0),
    approver     text,
    approved_at  timestamptz,
    CONSTRAINT discard_takes_two CHECK (approver <> requester),
    CONSTRAINT discard_approved CHECK ((approver IS NULL) = (approved_at IS NULL))
);
CREATE INDEX discard_waiting ON discard (requested_at) WHERE approver IS NULL;
