-- What the gateways answered with 202: one row for each submission, however often and through however many of them it came. They write it
-- down on their own disks first and bring it here later, so that they need no database to accept. No PHI.
CREATE TABLE accepted (
    submission_id text        NOT NULL,
    clinic        text        NOT NULL,
    source        text        NOT NULL,
    received_at   timestamptz NOT NULL,
    -- Whether it was seen to be admitted. What was not is looked for again.
    admitted      boolean     NOT NULL,
    PRIMARY KEY (submission_id, clinic)
);
CREATE INDEX accepted_received ON accepted USING brin (received_at);
CREATE INDEX accepted_open ON accepted (clinic, received_at) WHERE NOT admitted;

-- How far each gateway has brought its count. One that stopped for good says that all of it is here; one that says nothing any more may have
-- taken the rest of its count with it.
CREATE TABLE gateway_count (
    gateway    uuid        NOT NULL PRIMARY KEY,
    begun_at   timestamptz NOT NULL,
    told_until timestamptz NOT NULL,
    closed     boolean     NOT NULL
);
