-- What nobody has dealt with is looked at every few seconds, and is little.
CREATE INDEX dead_letter_open ON dead_letter (died_at) WHERE state = 'open';
