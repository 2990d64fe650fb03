"""C programs that know nothing of Python."""
