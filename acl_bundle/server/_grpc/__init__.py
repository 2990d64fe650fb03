"""The protocol over gRPC, on the stubs of tritonclient."""
