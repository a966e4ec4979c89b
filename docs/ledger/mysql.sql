-- The tables of the ledger, for an administrator who creates them (docs/operations.md).
-- The schema is that of the OA's tables: put the site's own, and the prefix if it is another.

CREATE TABLE `ecology`.`punchbridge_origins` (origin BIGINT NOT NULL, source VARCHAR(100), corp VARCHAR(100), PRIMARY KEY (origin)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `ecology`.`punchbridge_rows` (origin BIGINT NOT NULL, target SMALLINT NOT NULL, record_id VARCHAR(100) NOT NULL, row_id BIGINT NOT NULL, account VARCHAR(64), person BIGINT NOT NULL, punched BIGINT NOT NULL, wrote BIGINT NOT NULL, sign_type SMALLINT NOT NULL, sign_from VARCHAR(50), place BIGINT NOT NULL, stored BIGINT NOT NULL, read_at BIGINT NOT NULL, absent_at BIGINT NOT NULL, absent_run VARCHAR(64), moves BIGINT NOT NULL, run_id VARCHAR(64), PRIMARY KEY (origin, target, record_id), INDEX `punchbridge_rows_punched` (origin, account, punched), INDEX `punchbridge_rows_row_id` (row_id), INDEX `punchbridge_rows_run_id` (run_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `ecology`.`punchbridge_reads` (origin BIGINT NOT NULL, account VARCHAR(64) NOT NULL, spans VARCHAR(1000), PRIMARY KEY (origin, account)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `ecology`.`punchbridge_changes` (id BIGINT NOT NULL, run_id VARCHAR(64), step BIGINT NOT NULL, removed SMALLINT NOT NULL, origin BIGINT NOT NULL, target SMALLINT NOT NULL, record_id VARCHAR(100), row_id BIGINT NOT NULL, account VARCHAR(64), person BIGINT NOT NULL, punched BIGINT NOT NULL, wrote BIGINT NOT NULL, sign_type SMALLINT NOT NULL, sign_from VARCHAR(50), place BIGINT NOT NULL, stored BIGINT NOT NULL, read_at BIGINT NOT NULL, replaced SMALLINT NOT NULL, longitude VARCHAR(50), latitude VARCHAR(50), address VARCHAR(1000), remark VARCHAR(1000), PRIMARY KEY (id), INDEX `punchbridge_changes_run_id` (run_id), INDEX `punchbridge_changes_row_id` (row_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `ecology`.`punchbridge_version` (version BIGINT NOT NULL, PRIMARY KEY (version)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT INTO `ecology`.`punchbridge_version` (version) VALUES (1);
