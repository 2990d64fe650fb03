"""What a bundle is built from: a model, and which of its constants are weights."""
