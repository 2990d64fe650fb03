"""What all commands have in common: arguments, the console, errors and statuses."""
