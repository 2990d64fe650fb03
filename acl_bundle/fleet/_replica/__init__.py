"""One replica: a model, what is prepared for it, and whether it may infer."""
