"""``acl-bundle serve``: a model behind the Open Inference Protocol."""
