"""Streams, their tasks, and the order of what tasks touch."""
