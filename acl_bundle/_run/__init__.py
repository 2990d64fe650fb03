"""Graphs on a device: memory, datasets, the gate over the variables, and the hot path."""
