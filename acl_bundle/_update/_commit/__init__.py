"""What a commit saves, changes and puts back, and who may write."""
