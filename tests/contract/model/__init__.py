"""Loaded models and bundles, their memory and variables."""
