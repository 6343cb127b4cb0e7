-- As version 0.1.0 wrote it (user_version 2).
CREATE TABLE topic (arn TEXT PRIMARY KEY, display_name TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE message (
sequence INTEGER PRIMARY KEY,
message_id TEXT NOT NULL,
topic_arn TEXT NOT NULL REFERENCES topic (arn),
subject TEXT,
body TEXT NOT NULL,
attributes TEXT NOT NULL,
published INTEGER NOT NULL
) STRICT;
CREATE INDEX message_of_topic ON message (topic_arn, sequence);
CREATE TABLE subscription (
arn TEXT PRIMARY KEY,
topic_arn TEXT NOT NULL REFERENCES topic (arn),
endpoint TEXT NOT NULL,
token TEXT NOT NULL,
confirmed INTEGER NOT NULL,
deleted INTEGER NOT NULL DEFAULT 0,
attributes TEXT NOT NULL,
UNIQUE (topic_arn, endpoint)
) STRICT, WITHOUT ROWID;
CREATE TABLE delivery (
id INTEGER PRIMARY KEY AUTOINCREMENT,
target TEXT NOT NULL,
payload TEXT NOT NULL,
accepted INTEGER NOT NULL,
due INTEGER NOT NULL,
tries INTEGER NOT NULL
) STRICT;
CREATE INDEX delivery_due ON delivery (due, id);

INSERT INTO topic VALUES ('arn:aws:sns:us-east-1:000000000000:old', NULL);
INSERT INTO subscription VALUES ('arn:aws:sns:us-east-1:000000000000:old:s', 'arn:aws:sns:us-east-1:000000000000:old', 'http://127.0.0.1:1/', 't', 1, 0, '{}');
PRAGMA user_version = 2;
