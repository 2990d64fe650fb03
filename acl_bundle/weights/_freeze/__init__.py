"""Weights baked into a model file: a new file, the same model with other constants."""
