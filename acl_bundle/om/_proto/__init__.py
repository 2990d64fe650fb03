"""Protobuf: one message, and the same question to many at once."""
