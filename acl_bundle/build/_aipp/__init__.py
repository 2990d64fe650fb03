"""AIPP in front of a graph's inputs: which input takes which image, and the record of it."""
