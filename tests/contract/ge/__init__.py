"""The stand-in for GE's compiler."""
