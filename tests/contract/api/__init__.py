"""Questions, copies and fills."""
