"""Names of weights: what is given under which name, and what others call the same weight."""
