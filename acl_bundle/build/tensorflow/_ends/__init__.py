"""Where a graph begins and ends, and branches that are never taken."""
