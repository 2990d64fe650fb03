"""From a file to graphs on a device: both load flows, roles, and graphs that infer."""
