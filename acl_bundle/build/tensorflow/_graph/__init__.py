"""A TensorFlow graph: its nodes, its variables with names and values."""
