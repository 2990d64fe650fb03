"""Runs behind their caller: second ids of graphs, timeouts, futures, streams."""
