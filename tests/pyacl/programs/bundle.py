"""A bundle whose weights are given anew: init, infer, update, infer.

python bundle.py BUNDLE ARRAYS.npz ANSWERS.npz      ARRAYS: x, and each weight by its name
"""

import sys

import acl
import acl.mdl
import acl.rt
import numpy as np


def ok(ret):
    assert ret == 0, (ret, acl.get_recent_err_msg())


class Graph:
    def __init__(self, model):
        self.model, self.memory = model, []
        self.desc = acl.mdl.create_desc()
        ok(acl.mdl.get_desc(self.desc, model))
        number_in, number_out = (
            acl.mdl.get_num_inputs(self.desc),
            acl.mdl.get_num_outputs(self.desc),
        )
        self.names = [acl.mdl.get_input_name_by_index(self.desc, i) for i in range(number_in)]
        self.given = self.dataset(number_in, acl.mdl.get_input_size_by_index)
        self.taken = self.dataset(number_out, acl.mdl.get_output_size_by_index)

    def dataset(self, count, size_of):
        made = acl.mdl.create_dataset()
        for index in range(count):
            size = max(size_of(self.desc, index), 1)
            pointer, ret = acl.rt.malloc(size, 0)
            ok(ret)
            buffer = acl.create_data_buffer(pointer, size)
            self.memory.append((pointer, buffer))
            made, ret = acl.mdl.add_dataset_buffer(made, buffer)
            ok(ret)
        return made

    def describe(self, index, array):
        """Tell an update the shape of a weight; without it the weight is not assigned."""
        desc = acl.create_tensor_desc(0, list(array.shape), 2)
        dataset, ret = acl.mdl.set_dataset_tensor_desc(self.given, desc, index)
        ok(ret)
        assert dataset == self.given
        assert acl.destroy_tensor_desc(desc) is None

    def run(self, arrays=()):
        for index, array in enumerate(arrays):
            buffer = acl.mdl.get_dataset_buffer(self.given, index)
            pointer, size = acl.get_data_buffer_addr(buffer), acl.get_data_buffer_size_v2(buffer)
            if size < array.nbytes:  # an update graph tells no sizes
                ok(acl.rt.free(pointer))
                size = array.nbytes
                pointer, ret = acl.rt.malloc(size, 0)
                ok(ret)
                ok(acl.update_data_buffer(buffer, pointer, size))
                self.memory[index] = (pointer, buffer)
                self.describe(index, array)
            host, _whole = acl.util.numpy_contiguous_to_ptr(array)
            ok(acl.rt.memcpy(pointer, size, host, array.nbytes, 1))
        ok(acl.mdl.execute(self.model, self.given, self.taken))

    def output(self):
        pointer, _ = self.memory[len(self.names)]
        dims, ret = acl.mdl.get_output_dims(self.desc, 0)
        ok(ret)
        found = np.empty(dims["dims"], np.float32)
        ok(acl.rt.memcpy(acl.util.numpy_to_ptr(found), found.nbytes, pointer, found.nbytes, 2))
        return found

    def release(self):
        ok(acl.mdl.destroy_dataset(self.given))
        ok(acl.mdl.destroy_dataset(self.taken))
        for pointer, buffer in self.memory:
            ok(acl.destroy_data_buffer(buffer))
            ok(acl.rt.free(pointer))
        ok(acl.mdl.destroy_desc(self.desc))


def main(path, source, target):
    ok(acl.init())
    ok(acl.rt.set_device(0))
    with open(path, "rb") as file:
        data = file.read()
    bundle, ret = acl.mdl.bundle_load_from_mem(acl.util.bytes_to_ptr(data), len(data))
    ok(ret)
    count, ret = acl.mdl.bundle_get_model_num(bundle)
    ok(ret)
    graphs = []
    for index in range(count):
        model, ret = acl.mdl.bundle_get_model_id(bundle, index)
        ok(ret)
        graphs.append(Graph(model))
    infer, init, update = graphs
    arrays = np.load(source)
    init.run()
    infer.run([arrays["x"]])
    before = infer.output()
    update.run([arrays[name.removesuffix("_var_data")] for name in update.names])
    infer.run([arrays["x"]])
    np.savez(target, before=before, after=infer.output())
    for graph in graphs:
        graph.release()
    ok(acl.mdl.bundle_unload(bundle))
    ok(acl.rt.reset_device(0))
    ok(acl.finalize())


if __name__ == "__main__":
    main(*sys.argv[1:])
