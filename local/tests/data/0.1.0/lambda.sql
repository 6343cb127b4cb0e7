-- As version 0.1.0 wrote it (user_version 1).
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL,
    function TEXT NOT NULL,
    payload TEXT NOT NULL,
    accepted INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    due INTEGER NOT NULL
) STRICT;

INSERT INTO event VALUES (1, 'r-1', 'rsqlflow-workflow-trigger', '{"workflow_id":"nobody"}', 1764380000000, 0, 1764380000000);
PRAGMA user_version = 1;
