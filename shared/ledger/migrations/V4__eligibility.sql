-- Payers' answers of one day, by blind index of payer and member; the answer itself is sealed.
CREATE TABLE eligibility_answer (
    member      bytea       NOT NULL,
    day         date        NOT NULL,
    status      text        NOT NULL,
    sealed      bytea,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (member, day)
);
CREATE INDEX eligibility_answer_day ON eligibility_answer USING brin (day);

-- Whom to ask about again before the visit, because the payer did not answer in its patience.
CREATE TABLE eligibility_recheck (
    admission_id uuid        NOT NULL PRIMARY KEY,
    clinic       text        NOT NULL,
    due_at       timestamptz NOT NULL,
    -- After this moment the answer is of no use.
    before       timestamptz NOT NULL,
    asked        integer     NOT NULL DEFAULT 0,
    -- The sealed envelope with what to ask.
    envelope     bytea       NOT NULL
);
CREATE INDEX eligibility_recheck_due ON eligibility_recheck (due_at);
