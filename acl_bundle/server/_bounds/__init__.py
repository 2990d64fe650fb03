"""What a server has only so much of: threads beside the loop, bytes of requests."""
