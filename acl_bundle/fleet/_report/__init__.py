"""What is told of an update, and of a fleet."""
