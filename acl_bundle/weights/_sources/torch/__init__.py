"""torch's files: one archive, shards of a distributed checkpoint, DeepSpeed's."""
