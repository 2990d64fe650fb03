"""The committed weights, once on a host, for any number of replicas to read."""
