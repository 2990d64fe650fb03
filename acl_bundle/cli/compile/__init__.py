"""``acl-bundle compile``: an ONNX model becomes a refreshable bundle for a chip."""
