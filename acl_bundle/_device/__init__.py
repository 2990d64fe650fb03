"""Memory of devices, and arrays in it."""
