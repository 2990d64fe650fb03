"""An image classifier's session, as many programs have it: arrays to pointers and back.

python static.py MODEL INPUT.npy OUTPUT.npy
"""

import sys

import acl
import numpy as np

HUGE_FIRST = 0
TO_DEVICE, TO_HOST = 1, 2
FLOAT32 = 11


def check(what, ret):
    if ret != 0:
        raise SystemExit(f"{what} failed: {ret} {acl.get_recent_err_msg()}")


class Net:
    def __init__(self, device, path):
        self.device = device
        check("acl.init", acl.init())
        check("acl.rt.set_device", acl.rt.set_device(device))
        self.context, ret = acl.rt.create_context(device)
        check("acl.rt.create_context", ret)
        self.model, ret = acl.mdl.load_from_file(path)
        check("acl.mdl.load_from_file", ret)
        self.desc = acl.mdl.create_desc()
        check("acl.mdl.get_desc", acl.mdl.get_desc(self.desc, self.model))
        mdl = acl.mdl
        self.inputs = self._dataset(mdl.get_num_inputs, mdl.get_input_size_by_index)
        self.outputs = self._dataset(mdl.get_num_outputs, mdl.get_output_size_by_index)

    def _dataset(self, count, size_of):
        dataset = acl.mdl.create_dataset()
        for index in range(count(self.desc)):
            size = size_of(self.desc, index)
            pointer, ret = acl.rt.malloc(size, HUGE_FIRST)
            check("acl.rt.malloc", ret)
            buffer = acl.create_data_buffer(pointer, size)
            _, ret = acl.mdl.add_dataset_buffer(dataset, buffer)
            check("acl.mdl.add_dataset_buffer", ret)
        return dataset

    def run(self, array):
        buffer = acl.mdl.get_dataset_buffer(self.inputs, 0)
        pointer, size = acl.get_data_buffer_addr(buffer), acl.get_data_buffer_size(buffer)
        source = acl.util.numpy_to_ptr(array)
        check("memcpy", acl.rt.memcpy(pointer, size, source, array.nbytes, TO_DEVICE))
        check("execute", acl.mdl.execute(self.model, self.inputs, self.outputs))
        return [self._fetch(i) for i in range(acl.mdl.get_dataset_num_buffers(self.outputs))]

    def _fetch(self, index):
        buffer = acl.mdl.get_dataset_buffer(self.outputs, index)
        size = acl.get_data_buffer_size_v2(buffer)
        host, ret = acl.rt.malloc_host(size)
        check("acl.rt.malloc_host", ret)
        device = acl.get_data_buffer_addr(buffer)
        check("memcpy", acl.rt.memcpy(host, size, device, size, TO_HOST))
        dims, ret = acl.mdl.get_cur_output_dims(self.desc, index)
        check("acl.mdl.get_cur_output_dims", ret)
        view = acl.util.ptr_to_numpy(host, tuple(dims["dims"]), FLOAT32)
        found = view.copy()
        check("acl.rt.free_host", acl.rt.free_host(host))
        return found

    def release(self):
        check("unload", acl.mdl.unload(self.model))
        check("destroy_desc", acl.mdl.destroy_desc(self.desc))
        for dataset in (self.inputs, self.outputs):
            for index in range(acl.mdl.get_dataset_num_buffers(dataset)):
                buffer = acl.mdl.get_dataset_buffer(dataset, index)
                check("free", acl.rt.free(acl.get_data_buffer_addr(buffer)))
                check("destroy_data_buffer", acl.destroy_data_buffer(buffer))
            check("destroy_dataset", acl.mdl.destroy_dataset(dataset))
        check("destroy_context", acl.rt.destroy_context(self.context))
        check("reset_device", acl.rt.reset_device(self.device))
        check("finalize", acl.finalize())


if __name__ == "__main__":
    net = Net(0, sys.argv[1])
    (found,) = net.run(np.load(sys.argv[2]))
    np.save(sys.argv[3], found)
    net.release()
