"""Images as a camera has them: the model's AIPP prepares them, by its file or by the program.

python aipp.py static|dynamic|gears MODEL IMAGES.npy CONFIG.json OUTPUT.npy

IMAGES has a row of bytes for each image of the batch; CONFIG the fields of insert_op.cfg. With
gears the parameters are of the largest batch, and the run is of as many images as there are.
"""

import json
import sys

import acl
import numpy as np

PARAMETERS, GEAR = "ascend_dynamic_aipp_data", "ascend_mbatch_shape_data"
FORMATS = {"YUV420SP_U8": 1, "XRGB8888_U8": 2, "RGB888_U8": 3, "YUV400_U8": 4}
TO_DEVICE, TO_HOST = 1, 2


def ok(ret, what="acl"):
    assert ret == 0, (what, ret, acl.get_recent_err_msg())


def configured(one, batch):
    """The parameters of a run; every image has the same."""
    mdl, made = acl.mdl, acl.mdl.create_aipp(batch)
    assert made, acl.get_recent_err_msg()
    ok(mdl.set_aipp_input_format(made, FORMATS[one["input_format"]]), "input format")
    ok(mdl.set_aipp_src_image_size(made, one["src_image_size_w"], one["src_image_size_h"]), "size")
    ok(mdl.set_aipp_rbuv_swap_switch(made, one["rbuv_swap_switch"]), "rbuv")
    ok(mdl.set_aipp_ax_swap_switch(made, one["ax_swap_switch"]), "ax")
    matrix = [one[f"matrix_r{r}c{c}"] for r in range(3) for c in range(3)]
    biases = [one[f"{way}_bias_{i}"] for way in ("output", "input") for i in range(3)]
    ok(mdl.set_aipp_csc_params(made, one["csc_switch"], *matrix, *biases), "csc")
    for at in range(batch):
        crop = [one[f"load_start_pos_{a}"] for a in "wh"] + [one[f"crop_size_{a}"] for a in "wh"]
        ok(mdl.set_aipp_crop_params(made, one["crop"], *crop, at), "crop")
        edges = [one[f"{side}_padding_size"] for side in ("top", "bottom", "left", "right")]
        ok(mdl.set_aipp_padding_params(made, one["padding"], *edges, at), "padding")
        ok(mdl.set_aipp_dtc_pixel_mean(made, *(one[f"mean_chn_{i}"] for i in range(4)), at), "mean")
        ok(mdl.set_aipp_dtc_pixel_min(made, *(one[f"min_chn_{i}"] for i in range(4)), at), "min")
        scales = [one[f"var_reci_chn_{i}"] for i in range(4)]
        ok(mdl.set_aipp_pixel_var_reci(made, *scales, at), "var_reci")
    return made


def check_info(model, one):
    """What the file told ATC comes back."""
    info, ret = acl.mdl.get_first_aipp_info(model, 0)
    ok(ret)
    assert info["inputFormat"] == FORMATS[one["input_format"]], info
    size = info["srcImageSizeW"], info["srcImageSizeH"]
    assert size == (one["src_image_size_w"], one["src_image_size_h"]), info
    assert info["meanChn1"] == one["mean_chn_1"], info
    assert info["varReciChn2"] == np.float32(one["var_reci_chn_2"]), info
    (shape,) = info["outDims"]
    assert info["shapeCount"] == 1, info
    assert shape["aippOutSize"] == 4 * np.prod(shape["aippOutdims"]["dims"]), shape
    assert len(shape["srcDims"]["dims"]) == shape["srcDims"]["dimCount"] == 4, shape


def configure(model, given, index, one, batch, most):
    """Put the parameters of a run where they belong, in both ways."""
    made = configured(one, batch)
    size, ret = acl.mdl.get_aipp_data_size(batch)
    ok(ret)
    assert size <= most, size
    ok(acl.mdl.set_input_aipp(model, given, index, made), "set_input_aipp")
    ok(acl.mdl.set_aipp_by_input_index(model, given, 0, made), "by input index")
    ok(acl.mdl.destroy_aipp(made))
    info, ret = acl.mdl.get_first_aipp_info(model, 0)
    assert (info["inputFormat"], ret) == (0, 0), (info, ret)
    assert acl.mdl.get_first_aipp_info(model, index) == (None, 145015)
    acl.get_recent_err_msg()


def largest(desc):
    batches, ret = acl.mdl.get_dynamic_batch(desc)
    ok(ret)
    assert batches["batchCount"] == len(batches["batch"]), batches
    return max(batches["batch"])


def set_gear(model, desc, given, batch):
    index, ret = acl.mdl.get_input_index_by_name(desc, GEAR)
    ok(ret)
    ok(acl.mdl.set_dynamic_batch_size(model, given, index, batch), "set_dynamic_batch_size")


def dataset(desc, count, size_of):
    """A buffer for each, and what they are."""
    made, memory = acl.mdl.create_dataset(), []
    for at in range(count(desc)):
        size = size_of(desc, at)
        pointer, ret = acl.rt.malloc(size, 2)
        ok(ret)
        buffer = acl.create_data_buffer(pointer, size)
        _, ret = acl.mdl.add_dataset_buffer(made, buffer)
        ok(ret)
        memory.append((pointer, size, buffer))
    return made, memory


def main(kind, path, images, config, target):
    images = np.load(images)
    with open(config, encoding="utf-8") as file:
        one = json.load(file)
    ok(acl.init())
    ok(acl.rt.set_device(0))
    model, ret = acl.mdl.load_from_file(path)
    ok(ret, path)
    desc = acl.mdl.create_desc()
    ok(acl.mdl.get_desc(desc, model))
    given, inputs = dataset(desc, acl.mdl.get_num_inputs, acl.mdl.get_input_size_by_index)
    taken, outputs = dataset(desc, acl.mdl.get_num_outputs, acl.mdl.get_output_size_by_index)
    memory = [*inputs, *outputs]
    found, attached, ret = acl.mdl.get_aipp_type(model, 0)
    ok(ret)
    if kind == "static":
        assert found == 1, found
        check_info(model, one)
    else:
        assert found == 2, found
        index, ret = acl.mdl.get_input_index_by_name(desc, PARAMETERS)
        ok(ret)
        assert attached == index, attached
        most = largest(desc) if kind == "gears" else len(images)
        configure(model, given, index, one, most, memory[index][1])
    if kind == "gears":
        set_gear(model, desc, given, len(images))
    data = images.tobytes()
    ok(acl.rt.memcpy(memory[0][0], memory[0][1], acl.util.bytes_to_ptr(data), len(data), TO_DEVICE))
    ok(acl.mdl.execute(model, given, taken), "execute")
    dims, ret = acl.mdl.get_cur_output_dims(desc, 0)
    ok(ret)
    pointer, size = memory[-1][0], 4 * int(np.prod(dims["dims"]))
    host, ret = acl.rt.malloc_host(size)
    ok(ret)
    ok(acl.rt.memcpy(host, size, pointer, size, TO_HOST))
    np.save(target, np.frombuffer(acl.util.ptr_to_bytes(host, size), "f4").reshape(dims["dims"]))
    ok(acl.rt.free_host(host))
    for pointer, _, buffer in memory:
        ok(acl.destroy_data_buffer(buffer))
        ok(acl.rt.free(pointer))
    ok(acl.mdl.destroy_dataset(given))
    ok(acl.mdl.destroy_dataset(taken))
    ok(acl.mdl.destroy_desc(desc))
    ok(acl.mdl.unload(model))
    ok(acl.rt.reset_device(0))
    ok(acl.finalize())


if __name__ == "__main__":
    main(*sys.argv[1:])
