"""The profiler: files, subscriptions, stamps, steps."""
