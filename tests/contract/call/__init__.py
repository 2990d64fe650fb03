"""What holds at the door of every function: exports, messages, refusals, violations."""
