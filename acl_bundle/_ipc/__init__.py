"""Device memory that several processes have."""
