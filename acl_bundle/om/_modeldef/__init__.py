"""MODEL_DEF: graphs, tensors and constants, read and written."""
