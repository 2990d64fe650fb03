"""Asynchronous runs: a thread of its own serves the callbacks that the stream makes.

python callbacks.py MODEL INPUTS.npy OUTPUTS.npy        the first axis counts the runs
"""

import sys
import threading

import acl
import numpy as np

TIMEOUT_MS = 100


class Pipeline:
    def __init__(self, path):
        assert acl.init() == 0
        assert acl.rt.set_device(0) == 0
        self.context, ret = acl.rt.create_context(0)
        assert ret == 0
        self.stream, ret = acl.rt.create_stream()
        assert ret == 0
        self.model, ret = acl.mdl.load_from_file(path)
        assert ret == 0
        self.desc = acl.mdl.create_desc()
        assert acl.mdl.get_desc(self.desc, self.model) == 0
        self.going, self.answers, self.threads = True, {}, set()

    def serve(self, args):
        (context,) = args
        assert acl.rt.set_context(context) == 0
        while self.going:
            acl.rt.process_report(TIMEOUT_MS)

    def data(self, count, size_of):
        dataset = acl.mdl.create_dataset()
        for index in range(count(self.desc)):
            size = size_of(self.desc, index)
            pointer, ret = acl.rt.malloc(size, 0)
            assert ret == 0
            _, ret = acl.mdl.add_dataset_buffer(dataset, acl.create_data_buffer(pointer, size))
            assert ret == 0
        return dataset

    def fetch(self, args):
        """Runs behind a run, in the thread of `serve`."""
        number, dataset = args
        self.threads.add(threading.get_ident())
        buffer = acl.mdl.get_dataset_buffer(dataset, 0)
        size = acl.get_data_buffer_size_v2(buffer)
        dims, _ = acl.mdl.get_output_dims(self.desc, 0)
        host = np.empty(dims["dims"], np.float32)
        pointer = acl.util.numpy_to_ptr(host)
        assert acl.rt.memcpy(pointer, size, acl.get_data_buffer_addr(buffer), size, 2) == 0
        self.answers[number] = host

    def run(self, arrays):
        thread, ret = acl.util.start_thread(self.serve, [self.context])
        assert ret == 0
        assert acl.rt.subscribe_report(thread, self.stream) == 0
        sets = []
        for number, array in enumerate(arrays):
            given = self.data(acl.mdl.get_num_inputs, acl.mdl.get_input_size_by_index)
            taken = self.data(acl.mdl.get_num_outputs, acl.mdl.get_output_size_by_index)
            sets += [given, taken]
            pointer = acl.get_data_buffer_addr(acl.mdl.get_dataset_buffer(given, 0))
            data = acl.util.bytes_to_ptr(array.tobytes())
            assert acl.rt.memcpy(pointer, array.nbytes, data, array.nbytes, 1) == 0
            assert acl.mdl.execute_async(self.model, given, taken, self.stream) == 0
            assert acl.rt.launch_callback(self.fetch, [number, taken], 1, self.stream) == 0
        assert acl.rt.synchronize_stream(self.stream) == 0
        assert acl.rt.unsubscribe_report(thread, self.stream) == 0
        self.going = False
        assert acl.util.stop_thread(thread) == 0
        assert self.threads == {thread}
        self.release(sets)
        return np.stack([self.answers[number] for number in range(len(arrays))])

    def release(self, sets):
        for dataset in sets:
            for index in range(acl.mdl.get_dataset_num_buffers(dataset)):
                buffer = acl.mdl.get_dataset_buffer(dataset, index)
                assert acl.rt.free(acl.get_data_buffer_addr(buffer)) == 0
                assert acl.destroy_data_buffer(buffer) == 0
            assert acl.mdl.destroy_dataset(dataset) == 0
        assert acl.mdl.destroy_desc(self.desc) == 0
        assert acl.mdl.unload(self.model) == 0
        assert acl.rt.destroy_stream(self.stream) == 0
        assert acl.rt.destroy_context(self.context) == 0
        assert acl.rt.reset_device(0) == 0
        assert acl.finalize() == 0


if __name__ == "__main__":
    np.save(sys.argv[3], Pipeline(sys.argv[1]).run(np.load(sys.argv[2])))
