"""``acl-bundle record``: a program runs, and leaves a trace of its calls of AscendCL."""
