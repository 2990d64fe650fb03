"""A JPEG is decoded, scaled and classified on the device.

python image.py MODEL PICTURE.jpg ANSWER.npy     the model takes RGB888 of 224 * 224, as uint8
"""

import sys

import acl
import numpy as np

NV12, RGB_888, TO_DEVICE, TO_HOST = 1, 12, 1, 2
SIDE = 224


def ok(ret):
    assert ret == 0, (ret, acl.get_recent_err_msg())


def up(size, step):
    return (size + step - 1) // step * step


class Dvpp:
    def __init__(self, stream):
        self.stream = stream
        self.channel = acl.media.dvpp_create_channel_desc()
        ok(acl.media.dvpp_create_channel(self.channel))
        self.config = acl.media.dvpp_create_resize_config()

    def picture(self, form, width, height, stride, rows, size):
        pointer, ret = acl.media.dvpp_malloc(size)
        ok(ret)
        desc = acl.media.dvpp_create_pic_desc()
        acl.media.dvpp_set_pic_desc_data(desc, pointer)
        acl.media.dvpp_set_pic_desc_format(desc, form)
        acl.media.dvpp_set_pic_desc_width(desc, width)
        acl.media.dvpp_set_pic_desc_height(desc, height)
        acl.media.dvpp_set_pic_desc_width_stride(desc, stride)
        acl.media.dvpp_set_pic_desc_height_stride(desc, rows)
        acl.media.dvpp_set_pic_desc_size(desc, size)
        return desc

    def drop(self, desc):
        ok(acl.media.dvpp_free(acl.media.dvpp_get_pic_desc_data(desc)))
        ok(acl.media.dvpp_destroy_pic_desc(desc))

    def wait(self, desc):
        ok(acl.rt.synchronize_stream(self.stream))
        ok(acl.media.dvpp_get_pic_desc_ret_code(desc))

    def decode(self, data):
        host = acl.util.bytes_to_ptr(data)
        width, height, components, ret = acl.media.dvpp_jpeg_get_image_info(host, len(data))
        ok(ret)
        assert components == 3
        size, ret = acl.media.dvpp_jpeg_predict_dec_size(host, len(data), NV12)
        ok(ret)
        device, ret = acl.media.dvpp_malloc(len(data))
        ok(ret)
        ok(acl.rt.memcpy(device, len(data), host, len(data), TO_DEVICE))
        desc = self.picture(NV12, width, height, up(width, 128), up(height, 16), size)
        ok(acl.media.dvpp_jpeg_decode_async(self.channel, device, len(data), desc, self.stream))
        self.wait(desc)
        ok(acl.media.dvpp_free(device))
        return desc

    def resize(self, desc):
        made = self.picture(NV12, SIDE, SIDE, SIDE, SIDE, SIDE * SIDE * 3 // 2)
        call = acl.media.dvpp_vpc_resize_async
        ok(call(self.channel, desc, made, self.config, self.stream))
        self.wait(made)
        self.drop(desc)
        return made

    def convert(self, desc):
        made = self.picture(RGB_888, SIDE, SIDE, SIDE * 3, SIDE, SIDE * SIDE * 3)
        ok(acl.media.dvpp_vpc_convert_color_async(self.channel, desc, made, self.stream))
        self.wait(made)
        self.drop(desc)
        return made

    def close(self):
        ok(acl.media.dvpp_destroy_resize_config(self.config))
        ok(acl.media.dvpp_destroy_channel(self.channel))
        ok(acl.media.dvpp_destroy_channel_desc(self.channel))


def infer(path, desc):
    model, ret = acl.mdl.load_from_file(path)
    ok(ret)
    about = acl.mdl.create_desc()
    ok(acl.mdl.get_desc(about, model))
    size_in = acl.mdl.get_input_size_by_index(about, 0)
    size_out = acl.mdl.get_output_size_by_index(about, 0)
    assert size_in == acl.media.dvpp_get_pic_desc_size(desc)
    out, ret = acl.rt.malloc(size_out, 0)
    ok(ret)
    buffers = [
        acl.create_data_buffer(acl.media.dvpp_get_pic_desc_data(desc), size_in),
        acl.create_data_buffer(out, size_out),
    ]
    datasets = [acl.mdl.create_dataset() for _ in buffers]
    for dataset, buffer in zip(datasets, buffers, strict=True):
        _, ret = acl.mdl.add_dataset_buffer(dataset, buffer)
        ok(ret)
    ok(acl.mdl.execute(model, *datasets))
    host, ret = acl.rt.malloc_host(size_out)
    ok(ret)
    ok(acl.rt.memcpy(host, size_out, out, size_out, TO_HOST))
    answer = np.frombuffer(acl.util.ptr_to_bytes(host, size_out), np.float32)
    for dataset, buffer in zip(datasets, buffers, strict=True):
        ok(acl.mdl.destroy_dataset(dataset))
        ok(acl.destroy_data_buffer(buffer))
    ok(acl.rt.free(out))
    ok(acl.rt.free_host(host))
    ok(acl.mdl.destroy_desc(about))
    ok(acl.mdl.unload(model))
    return answer


def main():
    path, jpeg, into = sys.argv[1:]
    ok(acl.init())
    ok(acl.rt.set_device(0))
    stream, ret = acl.rt.create_stream()
    ok(ret)
    dvpp = Dvpp(stream)
    with open(jpeg, "rb") as file:
        desc = dvpp.convert(dvpp.resize(dvpp.decode(file.read())))
    answer = infer(path, desc)
    print("class", int(answer.argmax()))
    np.save(into, answer)
    dvpp.drop(desc)
    dvpp.close()
    ok(acl.rt.destroy_stream(stream))
    ok(acl.rt.reset_device(0))
    ok(acl.finalize())


main()
