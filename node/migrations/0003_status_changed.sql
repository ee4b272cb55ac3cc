-- Which of two statuses is the newer one, for nodes that hear of them in any order.
ALTER TABLE account ADD COLUMN status_changed BIGINT NOT NULL DEFAULT 0;
