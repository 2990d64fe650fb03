"""Traces of real runs: what libaclrecord.so writes, read and done again on the fake."""
