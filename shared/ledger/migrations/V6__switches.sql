-- What is paused: by whom, why and until when.
CREATE TABLE switch (
    scope  text        NOT NULL PRIMARY KEY,
    actor  text        NOT NULL,
    reason text        NOT NULL,
    since  timestamptz NOT NULL,
    until  timestamptz
);
