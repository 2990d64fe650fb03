"""Memory of devices and of the host, and objects behind handles."""
