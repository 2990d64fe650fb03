"""A model whose shapes are open: descriptions tell it the inputs' and tell of the outputs'.

The file is read by the program and loaded from its memory.

python open_shapes.py MODEL INPUTS.npz OUTPUTS.npz ROOM
"""

import sys

import acl
import numpy as np

DTYPES = {np.dtype(np.float32): 0, np.dtype(np.int64): 9}
ND = 2


def ok(ret):
    assert ret == 0, (ret, acl.get_recent_err_msg())


class Model:
    def __init__(self, path, room):
        ok(acl.init())
        ok(acl.rt.set_device(0))
        self.room = room
        with open(path, "rb") as file:
            held = file.read()
        self.model, ret = acl.mdl.load_from_mem(acl.util.bytes_to_ptr(held), len(held))
        ok(ret)
        self.desc = acl.mdl.create_desc()
        ok(acl.mdl.get_desc(self.desc, self.model))
        dims, ret = acl.mdl.get_input_dims(self.desc, 0)
        ok(ret)
        assert -1 in dims["dims"]
        assert acl.mdl.get_output_size_by_index(self.desc, 0) == 0

    def add(self, dataset, size):
        pointer, ret = acl.rt.malloc(size, 2)
        ok(ret)
        found, ret = acl.mdl.add_dataset_buffer(dataset, acl.create_data_buffer(pointer, size))
        ok(ret)
        assert found == dataset
        return pointer

    def __call__(self, array):
        given, taken = acl.mdl.create_dataset(), acl.mdl.create_dataset()
        pointer = self.add(given, array.nbytes)
        array = np.ascontiguousarray(array)
        ok(acl.rt.memcpy(pointer, array.nbytes, array.ctypes.data, array.nbytes, 1))
        told = acl.create_tensor_desc(DTYPES[array.dtype], list(array.shape), ND)
        found, ret = acl.mdl.set_dataset_tensor_desc(given, told, 0)
        ok(ret)
        assert found == given
        count = acl.mdl.get_num_outputs(self.desc)
        for _ in range(count):
            self.add(taken, self.room)
        ok(acl.mdl.execute(self.model, given, taken))
        answers = [self.output(taken, index) for index in range(count)]
        acl.destroy_tensor_desc(told)
        for dataset in (given, taken):
            self.release(dataset)
        return answers

    def output(self, taken, index):
        said = acl.mdl.get_dataset_tensor_desc(taken, index)
        shape = []
        for axis in range(acl.get_tensor_desc_num_dims(said)):
            dim, ret = acl.get_tensor_desc_dim_v2(said, axis)
            ok(ret)
            shape.append(dim)
        kinds = {number: dtype for dtype, number in DTYPES.items()}
        array = np.empty(shape, kinds[acl.get_tensor_desc_type(said)])
        assert acl.get_tensor_desc_size(said) == array.nbytes <= self.room
        pointer = acl.get_data_buffer_addr(acl.mdl.get_dataset_buffer(taken, index))
        ok(acl.rt.memcpy(array.ctypes.data, array.nbytes, pointer, array.nbytes, 2))
        return array

    def release(self, dataset):
        for index in range(acl.mdl.get_dataset_num_buffers(dataset)):
            buffer = acl.mdl.get_dataset_buffer(dataset, index)
            ok(acl.rt.free(acl.get_data_buffer_addr(buffer)))
            ok(acl.destroy_data_buffer(buffer))
        ok(acl.mdl.destroy_dataset(dataset))

    def close(self):
        ok(acl.mdl.destroy_desc(self.desc))
        ok(acl.mdl.unload(self.model))
        ok(acl.rt.reset_device(0))
        ok(acl.finalize())


if __name__ == "__main__":
    model = Model(sys.argv[1], int(sys.argv[4]))
    with np.load(sys.argv[2]) as arrays:
        found = {name: model(arrays[name])[0] for name in arrays.files}
    model.close()
    np.savez(sys.argv[3], **found)
