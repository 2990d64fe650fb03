"""The protocol over HTTP: bodies, routes, connections."""
