"""A board whose host and device share memory: arrays of numpy are the model's inputs and outputs.

The program gives the model its memory, in sizes that it asked for before.

python board.py MODEL INPUT.npy OUTPUT.npy
"""

import sys

import acl
import numpy as np

LOAD_TYPE, PATH, WEIGHTS, WEIGHT_SIZE, WORK, WORK_SIZE, OPTIMIZE = 1, 2, 5, 6, 7, 8, 13
FILE_WITH_MEM = 2
NPY = {0: 11, 1: 23, 3: 5, 9: 7}


def check(what, ret):
    if ret != 0:
        raise SystemExit(f"{what} failed: {ret} {acl.get_recent_err_msg()}")


class Model:
    def __init__(self, path):
        check("acl.init", acl.init())
        check("acl.rt.set_device", acl.rt.set_device(0))
        mode, ret = acl.rt.get_run_mode()
        check("acl.rt.get_run_mode", ret)
        if mode != 0:
            raise SystemExit("the device has memory of its own")
        self.memory = []
        self.model = self.load(path)
        self.desc = acl.mdl.create_desc()
        check("acl.mdl.get_desc", acl.mdl.get_desc(self.desc, self.model))
        mdl = acl.mdl
        self.given, self.inputs = self.dataset(
            mdl.get_num_inputs, mdl.get_input_size_by_index, mdl.get_input_dims,
            mdl.get_input_data_type,
        )  # fmt: skip
        self.taken, self.outputs = self.dataset(
            mdl.get_num_outputs, mdl.get_output_size_by_index, mdl.get_output_dims,
            mdl.get_output_data_type,
        )  # fmt: skip

    def allocate(self, size):
        pointer, ret = acl.rt.malloc(size, 0)
        check("acl.rt.malloc", ret)
        self.memory.append(pointer)
        return pointer

    def load(self, path):
        work, weights, ret = acl.mdl.query_size(path)
        check("acl.mdl.query_size", ret)
        options = (
            (LOAD_TYPE, FILE_WITH_MEM), (PATH, path),
            (WEIGHTS, self.allocate(weights)), (WEIGHT_SIZE, weights),
            (WORK, self.allocate(work)), (WORK_SIZE, work), (OPTIMIZE, 1),
        )  # fmt: skip
        config = acl.mdl.create_config_handle()
        for option, value in options:
            check("acl.mdl.set_config_opt", acl.mdl.set_config_opt(config, option, value))
        model, ret = acl.mdl.load_with_config(config)
        check("acl.mdl.load_with_config", ret)
        check("destroy_config_handle", acl.mdl.destroy_config_handle(config))
        return model

    def dataset(self, count, size_of, dims_of, dtype_of):
        dataset, arrays = acl.mdl.create_dataset(), []
        for index in range(count(self.desc)):
            size = size_of(self.desc, index)
            pointer = self.allocate(size)
            _, ret = acl.mdl.add_dataset_buffer(dataset, acl.create_data_buffer(pointer, size))
            check("acl.mdl.add_dataset_buffer", ret)
            dims, ret = dims_of(self.desc, index)
            check("dims", ret)
            number = NPY[dtype_of(self.desc, index)]
            arrays.append(acl.util.ptr_to_numpy(pointer, tuple(dims["dims"]), number))
        return dataset, arrays

    def __call__(self, *given):
        for array, values in zip(self.inputs, given):  # noqa: B905
            array[:] = values
        check("acl.mdl.execute", acl.mdl.execute(self.model, self.given, self.taken))
        return self.outputs

    def close(self):
        self.inputs, self.outputs = [], []
        for dataset in (self.given, self.taken):
            for index in range(acl.mdl.get_dataset_num_buffers(dataset)):
                buffer = acl.mdl.get_dataset_buffer(dataset, index)
                check("acl.destroy_data_buffer", acl.destroy_data_buffer(buffer))
            check("acl.mdl.destroy_dataset", acl.mdl.destroy_dataset(dataset))
        check("acl.mdl.destroy_desc", acl.mdl.destroy_desc(self.desc))
        check("acl.mdl.unload", acl.mdl.unload(self.model))
        for pointer in self.memory:
            check("acl.rt.free", acl.rt.free(pointer))
        check("acl.rt.reset_device", acl.rt.reset_device(0))
        check("acl.finalize", acl.finalize())


if __name__ == "__main__":
    model = Model(sys.argv[1])
    found = [model(x)[0].copy() for x in np.load(sys.argv[2])]
    model.close()
    np.save(sys.argv[3], np.stack(found))
