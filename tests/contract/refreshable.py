"""A bundle whose variables lie in memory of the test's."""

from __future__ import annotations

from typing import Any

from .face import Acl
from .programs import Linear, places


class Refreshable:
    """The linear bundle over variable memory of the test's."""

    def __init__(self, acl: Acl) -> None:
        self.acl, linear = acl, Linear()
        self.offsets, self.size = places(linear.variables)
        self.memory = acl.malloc(self.size)
        made = acl.init_bundle(linear.to_bytes(), self.memory, self.size)
        self.infer, self.init, self.update = (acl.load_model_of(made, k) for k in range(3))

    def at(self, index: int) -> Any:
        """The address of a variable."""
        return self.acl.ffi.cast("char *", self.memory) + self.offsets[index]

    def run(self, loaded: int, *slots: Any) -> int:
        """A synchronous run of init or update, or of infer without slots."""
        acl = self.acl
        inputs, outputs = acl.dataset(24), acl.dataset(16)
        if loaded != self.infer:
            inputs, outputs = acl.dataset(*slots), acl.dataset()
        return int(acl.aclmdlExecute(loaded, inputs.handle, outputs.handle))

    def assign(self, **values: Any) -> int:
        """An update of w, b or both; the others are kept."""
        acl = self.acl
        inputs = acl.dataset(bytes(24), bytes(8))
        for index, (name, dims) in enumerate((("w", (3, 2)), ("b", (2,)))):
            inputs.describe(index, dims if name in values else (0,))
        return int(acl.aclmdlExecute(self.update, inputs.handle, acl.dataset().handle))
