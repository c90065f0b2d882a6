-- The stage that held or killed the submission, while it is held or dead; null otherwise, and for what admission itself held. Hops
-- of one submission may be committed out of order: an earlier stage's late row must not move what a later stage has stopped.
-- In the submission's own row, so that it is read under the same lock as the state.
ALTER TABLE submission ADD COLUMN stopped_by text;

UPDATE submission s SET stopped_by = h.stage FROM held h WHERE h.admission_id = s.admission_id AND s.state = 'held';
UPDATE submission s SET stopped_by =
    (SELECT j.stage FROM journal j WHERE j.admission_id = s.admission_id AND j.state = 'dead' ORDER BY j.seq DESC LIMIT 1)
    WHERE s.state = 'dead';
