"""What stands behind a pair: the side that infers, and who is still at the other."""
