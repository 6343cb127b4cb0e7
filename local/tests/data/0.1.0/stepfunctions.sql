-- As version 0.1.0 wrote it (user_version 1).
-- Texts of definitions, each once: an execution keeps the one that it was started with.
CREATE TABLE definition (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE machine (
    arn TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role_arn TEXT NOT NULL,
    definition_id INTEGER NOT NULL REFERENCES definition (id),
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE execution (
    id INTEGER PRIMARY KEY,
    arn TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    machine_arn TEXT NOT NULL,
    machine_name TEXT NOT NULL,
    role_arn TEXT NOT NULL,
    definition_id INTEGER NOT NULL REFERENCES definition (id),
    input TEXT NOT NULL,
    started INTEGER NOT NULL,
    seed BLOB NOT NULL,
    -- The Task state that started it; awaited if that waits for its end.
    parent_id INTEGER,
    parent_task INTEGER,
    awaited INTEGER NOT NULL,
    status TEXT NOT NULL,
    stopped INTEGER,
    output TEXT,
    error TEXT,
    cause TEXT,
    redrives INTEGER NOT NULL DEFAULT 0,
    redriven INTEGER,
    -- Whether the rules were told of its end.
    announced INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX execution_of_machine ON execution (machine_arn, id);
CREATE UNIQUE INDEX execution_of_task ON execution (parent_id, parent_task) WHERE parent_id IS NOT NULL;
CREATE INDEX execution_to_tell ON execution (id) WHERE announced = 0;
-- Redrives by the clients' tokens for them.
CREATE TABLE redrive (
    execution_id INTEGER NOT NULL REFERENCES execution (id) ON DELETE CASCADE,
    client_token TEXT NOT NULL,
    moment INTEGER NOT NULL,
    PRIMARY KEY (execution_id, client_token)
) STRICT, WITHOUT ROWID;
CREATE TABLE journal (
    execution_id INTEGER NOT NULL REFERENCES execution (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    moment INTEGER NOT NULL,
    input TEXT NOT NULL,
    PRIMARY KEY (execution_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE event (
    execution_id INTEGER NOT NULL REFERENCES execution (id) ON DELETE CASCADE,
    id INTEGER NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (execution_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE token (
    token TEXT PRIMARY KEY,
    execution_id INTEGER NOT NULL REFERENCES execution (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX token_of_execution ON token (execution_id);

INSERT INTO definition VALUES (1, '{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": true}}}');
INSERT INTO machine VALUES ('arn:aws:states:us-east-1:000000000000:stateMachine:old', 'old', 'arn:aws:iam::000000000000:role/r', 1, 1764380000000, 1764380000000);
INSERT INTO execution VALUES (1, 'arn:aws:states:us-east-1:000000000000:execution:old:done', 'done', 'arn:aws:states:us-east-1:000000000000:stateMachine:old', 'old', 'arn:aws:iam::000000000000:role/r', 1, '{}', 1764380000000, x'0707070707070707070707070707070707070707070707070707070707070707', NULL, NULL, 0, 'SUCCEEDED', 1764380001000, '{}', NULL, NULL, 0, NULL, 1);
INSERT INTO execution VALUES (2, 'arn:aws:states:us-east-1:000000000000:execution:old:waits', 'waits', 'arn:aws:states:us-east-1:000000000000:stateMachine:old', 'old', 'arn:aws:iam::000000000000:role/r', 1, '{}', 1764380000000, x'0707070707070707070707070707070707070707070707070707070707070707', NULL, NULL, 0, 'RUNNING', NULL, NULL, NULL, NULL, 0, NULL, 0);
INSERT INTO execution VALUES (3, 'arn:aws:states:us-east-1:000000000000:execution:old:redriven', 'redriven', 'arn:aws:states:us-east-1:000000000000:stateMachine:old', 'old', 'arn:aws:iam::000000000000:role/r', 1, '{}', 1764380000000, x'0707070707070707070707070707070707070707070707070707070707070707', NULL, NULL, 0, 'RUNNING', NULL, NULL, NULL, NULL, 1, 1764380000500, 0);
INSERT INTO journal VALUES (2, 0, 1764380000000, '"Start"');
INSERT INTO journal VALUES (3, 0, 1764380000000, '"Start"');
INSERT INTO journal VALUES (3, 1, 1764380000500, '"Redrive"');
PRAGMA user_version = 1;
