-- Deleting an account that was never verified looks for its conversations: along an index, and not at each of them.
CREATE INDEX direct_high_idx ON direct (high);
