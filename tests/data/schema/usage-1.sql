-- usage.db of schema 1: two datasets, their chunks as they come. A file that was released: only ever added to.
PRAGMA application_id = 1316255091;
PRAGMA user_version = 1;
CREATE TABLE dataset ( n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, chunks INTEGER NOT NULL) STRICT;
CREATE TABLE chunk ( n INTEGER PRIMARY KEY, dataset INTEGER NOT NULL REFERENCES dataset (n) ON DELETE CASCADE, number INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE (dataset, number)) STRICT;
INSERT INTO dataset VALUES (1, 'd-1', 2);
INSERT INTO dataset VALUES (3, 'd-3', 0);
INSERT INTO chunk VALUES (1, 1, 0, x'000102ff');
INSERT INTO chunk VALUES (2, 1, 1, x'');
