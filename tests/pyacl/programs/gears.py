"""Models of several shapes: the program names the shape before each run.

python gears.py batch|hw|dims MODEL INPUTS.npz OUTPUTS.npz
"""

import sys

import acl
import numpy as np

SHAPE_INPUT = "ascend_mbatch_shape_data"


def ok(ret, what="acl"):
    assert ret == 0, (what, ret, acl.get_recent_err_msg())


def malloc_dataset(desc, count, size_of):
    dataset, memory = acl.mdl.create_dataset(), []
    for index in range(count):
        size = size_of(desc, index)
        pointer, ret = acl.rt.malloc(size, 2)
        ok(ret)
        buffer = acl.create_data_buffer(pointer, size)
        dataset, ret = acl.mdl.add_dataset_buffer(dataset, buffer)
        ok(ret)
        memory.append((pointer, size, buffer))
    return dataset, memory


def choose_batch(model, desc, dataset, index, shape):
    found, ret = acl.mdl.get_dynamic_batch(desc)
    ok(ret)
    assert shape[0] in found["batch"][: found["batchCount"]], found
    ok(acl.mdl.set_dynamic_batch_size(model, dataset, index, shape[0]))


def choose_hw(model, desc, dataset, index, shape):
    found, ret = acl.mdl.get_dynamic_hw(desc, -1)
    ok(ret)
    assert list(shape[2:]) in found["hw"][: found["hwCount"]], found
    ok(acl.mdl.set_dynamic_hw_size(model, dataset, index, shape[2], shape[3]))


def choose_dims(model, desc, dataset, index, shape):
    count, ret = acl.mdl.get_input_dynamic_gear_count(desc, -1)
    ok(ret)
    gears, ret = acl.mdl.get_input_dynamic_dims(desc, -1, count)
    ok(ret)
    assert list(shape) in [one["dims"][: one["dimCount"]] for one in gears], gears
    dims = {"name": "", "dimCount": len(shape), "dims": list(shape)}
    ok(acl.mdl.set_input_dynamic_dims(model, dataset, index, dims))


def main(kind, path, source, target):
    ok(acl.init())
    ok(acl.rt.set_device(0))
    model, ret = acl.mdl.load_from_file(path)
    ok(ret, path)
    desc = acl.mdl.create_desc()
    ok(acl.mdl.get_desc(desc, model))
    index, ret = acl.mdl.get_input_index_by_name(desc, SHAPE_INPUT)
    ok(ret)
    given, inputs = malloc_dataset(
        desc, acl.mdl.get_num_inputs(desc), acl.mdl.get_input_size_by_index
    )
    taken, outputs = malloc_dataset(
        desc, acl.mdl.get_num_outputs(desc), acl.mdl.get_output_size_by_index
    )
    choose = {"batch": choose_batch, "hw": choose_hw, "dims": choose_dims}[kind]
    answers = {}
    for name, array in np.load(source).items():
        data = array.tobytes()
        pointer, size, _ = inputs[0]
        ok(acl.rt.memcpy(pointer, size, acl.util.bytes_to_ptr(data), len(data), 1))
        choose(model, desc, given, index, array.shape)
        ok(acl.mdl.execute(model, given, taken))
        dims, ret = acl.mdl.get_cur_output_dims(desc, 0)
        ok(ret)
        shape = dims["dims"][: dims["dimCount"]]
        count = int(np.prod(shape)) * 4
        host, ret = acl.rt.malloc_host(count)
        ok(ret)
        ok(acl.rt.memcpy(host, count, outputs[0][0], count, 2))
        answers[name] = np.frombuffer(acl.util.ptr_to_bytes(host, count), "f4").reshape(shape)
        ok(acl.rt.free_host(host))
    np.savez(target, **answers)
    for dataset, memory in ((given, inputs), (taken, outputs)):
        ok(acl.mdl.destroy_dataset(dataset))
        for pointer, _, buffer in memory:
            ok(acl.destroy_data_buffer(buffer))
            ok(acl.rt.free(pointer))
    ok(acl.mdl.destroy_desc(desc))
    ok(acl.mdl.unload(model))
    ok(acl.rt.reset_device(0))
    ok(acl.finalize())


if __name__ == "__main__":
    main(*sys.argv[1:])
