"""Graphs on a device: datasets, the gate over the variables, and the hot path."""
