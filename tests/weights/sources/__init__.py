"""One file for each kind of file that is read, and what holds for all of them."""
