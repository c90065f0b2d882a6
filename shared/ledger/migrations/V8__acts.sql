-- What people did, and why: one row for each act, written by the statement that does it. Append-only for every role, the owner too.
CREATE TABLE act (
    seq     bigint      NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    -- The name of the token, and the role that let it in.
    actor   text        NOT NULL CHECK (actor <> ''),
    role    text        NOT NULL CHECK (role <> ''),
    -- Both are closed lists in the program.
    what    text        NOT NULL,
    outcome text        NOT NULL,
    -- What it was done to, such as clinic:clinic-01.
    scope   text        NOT NULL,
    reason  text        NOT NULL CHECK (reason <> ''),
    -- Until when it holds, for what ends by itself.
    until   timestamptz
);
CREATE INDEX act_at ON act USING brin (at);

CREATE TRIGGER act_append_only BEFORE UPDATE OR DELETE ON act
    FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER act_no_truncate BEFORE TRUNCATE ON act
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
REVOKE UPDATE, DELETE, TRUNCATE ON act FROM PUBLIC;
