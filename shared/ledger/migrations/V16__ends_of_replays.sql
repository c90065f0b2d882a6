-- Why a run was stopped: too many of its letters failed, or nothing was heard of what it had published.
ALTER TABLE plan ADD COLUMN stopped_because text CHECK (stopped_because IN ('failures', 'silence'));
-- When its run was heard of last: something was published, or it became known what became of something.
ALTER TABLE plan ADD COLUMN heard_at timestamptz;

-- When a dry run found that what a letter asks for was done by another message: nobody has to do anything about it any more.
ALTER TABLE dead_letter ADD COLUMN done_at timestamptz;
