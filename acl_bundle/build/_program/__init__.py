"""The program that the fake runs: written, made runnable, tried."""
