"""TensorFlow's files: checkpoints of both formats, frozen graphs."""
