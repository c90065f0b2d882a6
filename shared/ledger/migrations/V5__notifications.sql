-- Each message to a patient: sent once. A send whose outcome is unknown is not repeated.
CREATE TABLE notification (
    admission_id uuid        NOT NULL,
    channel      text        NOT NULL,
    state        text        NOT NULL CHECK (state IN ('ready', 'intent', 'sent', 'unknown', 'refused')),
    attempts     integer     NOT NULL,
    lease_until  timestamptz,
    -- The provider's identifier of the message.
    provider_id  text,
    code         text,
    changed_at   timestamptz NOT NULL,
    PRIMARY KEY (admission_id, channel)
) WITH (fillfactor = 80);
