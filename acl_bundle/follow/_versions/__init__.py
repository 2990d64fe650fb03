"""What a version is: a source's contract, names and their order, stamps, signatures."""
