"""The only way to C: the library is found and opened, and every status becomes an exception."""
