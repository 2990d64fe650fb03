"""aclInit and its configuration, and the fake's own controls."""
