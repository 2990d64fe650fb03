"""build.from_torch: modules of torch, and what their bundles answer."""
