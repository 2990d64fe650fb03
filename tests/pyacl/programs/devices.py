"""A copy of a model on each device, a batch cut into shares, streams that run at the same time.

Contexts change within one thread, and each device has a thread of its own after that.

python devices.py MODEL INPUT.npy OUTPUT.npy
"""

import sys
import threading

import acl
import numpy as np

TO_DEVICE, TO_HOST, HUGE_FIRST = 1, 2, 0


def ok(ret):
    assert ret == 0, (ret, acl.get_recent_err_msg())


def made(answer):
    found, ret = answer
    ok(ret)
    return found


class Worker:
    def __init__(self, device, path):
        self.device = device
        ok(acl.rt.set_device(device))
        self.context = made(acl.rt.create_context(device))
        self.stream = made(acl.rt.create_stream())
        self.model = made(acl.mdl.load_from_file(path))
        self.desc = acl.mdl.create_desc()
        ok(acl.mdl.get_desc(self.desc, self.model))
        self.sizes = (
            acl.mdl.get_input_size_by_index(self.desc, 0),
            acl.mdl.get_output_size_by_index(self.desc, 0),
        )
        self.memory = [made(acl.rt.malloc(size, HUGE_FIRST)) for size in self.sizes]
        self.hosts = [made(acl.rt.malloc_host(size)) for size in self.sizes]
        self.buffers = [
            acl.create_data_buffer(*one) for one in zip(self.memory, self.sizes, strict=True)
        ]
        self.sets = [acl.mdl.create_dataset() for _ in self.sizes]
        for dataset, buffer in zip(self.sets, self.buffers, strict=True):
            made(acl.mdl.add_dataset_buffer(dataset, buffer))

    def start(self, array):
        """Queue copies and a run; nothing waits here."""
        ok(acl.rt.set_context(self.context))
        assert array.nbytes == self.sizes[0]
        raw = array.tobytes()
        ok(acl.rt.memcpy(self.hosts[0], len(raw), acl.util.bytes_to_ptr(raw), len(raw), 0))
        size, taken = self.sizes
        ok(acl.rt.memcpy_async(
            self.memory[0], size, self.hosts[0], size, TO_DEVICE, self.stream
        ))  # fmt: skip
        ok(acl.mdl.execute_async(self.model, *self.sets, self.stream))
        ok(acl.rt.memcpy_async(
            self.hosts[1], taken, self.memory[1], taken, TO_HOST, self.stream
        ))  # fmt: skip

    def wait(self):
        ok(acl.rt.set_context(self.context))
        ok(acl.rt.synchronize_stream(self.stream))
        return np.frombuffer(acl.util.ptr_to_bytes(self.hosts[1], self.sizes[1]), np.float32)

    def close(self):
        ok(acl.rt.set_context(self.context))
        for dataset, buffer, pointer, host in zip(
            self.sets, self.buffers, self.memory, self.hosts, strict=True
        ):
            ok(acl.mdl.destroy_dataset(dataset))
            ok(acl.destroy_data_buffer(buffer))
            ok(acl.rt.free(pointer))
            ok(acl.rt.free_host(host))
        ok(acl.mdl.destroy_desc(self.desc))
        ok(acl.mdl.unload(self.model))
        ok(acl.rt.destroy_stream(self.stream))
        ok(acl.rt.destroy_context(self.context))
        ok(acl.rt.reset_device(self.device))


def main(path, source, target):
    ok(acl.init())
    count = made(acl.rt.get_device_count())
    assert count > 1
    workers = [Worker(device, path) for device in range(count)]
    shares = np.load(source)
    rounds = [shares[at : at + count] for at in range(0, len(shares), count)]
    found = []
    for share in rounds:  # one thread, a context for each
        for worker, array in zip(workers, share, strict=False):
            worker.start(array)
        found += [worker.wait() for worker, _ in zip(workers, share, strict=False)]
    again = [None] * len(workers)

    def work(at):
        workers[at].start(shares[at])
        again[at] = workers[at].wait()

    threads = [threading.Thread(target=work, args=(at,)) for at in range(len(workers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(again, found[:count])
    for worker in workers:
        worker.close()
    ok(acl.finalize())
    np.save(target, np.stack(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
