"""Pieces of a file that know where they lie, and where a file's bytes come from."""
