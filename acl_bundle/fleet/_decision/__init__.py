"""Which version was decided, kept where it outlasts whoever decided."""
