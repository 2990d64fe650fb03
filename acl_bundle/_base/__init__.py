"""What every room stands on: arrays, files, ownership, waiting. No library is needed."""
