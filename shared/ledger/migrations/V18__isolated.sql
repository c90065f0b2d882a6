-- When a message was put with the dead letters because processes died of it. Replayed it is judged anew: what it died of may be mended.
ALTER TABLE suspect ADD COLUMN isolated_at timestamptz;
