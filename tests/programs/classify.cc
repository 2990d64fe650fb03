// A JPEG is decoded, cut to a square, scaled and converted by DVPP, and classified by a model.
//
//     classify MODEL.om PICTURE.jpg     prints "class N" and the scores
#define ENABLE_DVPP_INTERFACE
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "acl/acl.h"
#include "acl/ops/acl_dvpp.h"

namespace {

const uint32_t SIDE = 224;

void Check(aclError status, const char *what)
{
    if (status == ACL_SUCCESS)
        return;
    const char *why = aclGetRecentErrMsg();
    throw std::runtime_error(std::string(what) + ": " + std::to_string(status) + " " +
                             (why != nullptr ? why : ""));
}

uint32_t AlignUp(uint32_t size, uint32_t step)
{
    return (size + step - 1) / step * step;
}

class Resource {
public:
    Resource()
    {
        Check(aclInit(nullptr), "aclInit");
        Check(aclrtSetDevice(0), "aclrtSetDevice");
        Check(aclrtCreateContext(&context, 0), "aclrtCreateContext");
        Check(aclrtCreateStream(&stream), "aclrtCreateStream");
        Check(aclrtGetRunMode(&mode), "aclrtGetRunMode");
    }
    ~Resource()
    {
        aclrtDestroyStream(stream);
        aclrtDestroyContext(context);
        aclrtResetDevice(0);
        aclFinalize();
    }
    Resource(const Resource &) = delete;
    Resource &operator=(const Resource &) = delete;

    aclrtContext context = nullptr;
    aclrtStream stream = nullptr;
    aclrtRunMode mode = ACL_HOST;
};

class Picture {
public:
    Picture(acldvppPixelFormat format, uint32_t width, uint32_t height, uint32_t stride,
            uint32_t rows, uint32_t bytes)
        : size(bytes)
    {
        Check(acldvppMalloc(&data, size), "acldvppMalloc");
        desc = acldvppCreatePicDesc();
        acldvppSetPicDescData(desc, data);
        acldvppSetPicDescFormat(desc, format);
        acldvppSetPicDescWidth(desc, width);
        acldvppSetPicDescHeight(desc, height);
        acldvppSetPicDescWidthStride(desc, stride);
        acldvppSetPicDescHeightStride(desc, rows);
        acldvppSetPicDescSize(desc, size);
    }
    ~Picture()
    {
        acldvppDestroyPicDesc(desc);
        acldvppFree(data);
    }
    Picture(const Picture &) = delete;
    Picture &operator=(const Picture &) = delete;

    void *data = nullptr;
    uint32_t size;
    acldvppPicDesc *desc = nullptr;
};

class Dvpp {
public:
    explicit Dvpp(Resource &given) : resource(given)
    {
        channel = acldvppCreateChannelDesc();
        Check(acldvppCreateChannel(channel), "acldvppCreateChannel");
        resize = acldvppCreateResizeConfig();
    }
    ~Dvpp()
    {
        acldvppDestroyResizeConfig(resize);
        acldvppDestroyChannel(channel);
        acldvppDestroyChannelDesc(channel);
    }
    Dvpp(const Dvpp &) = delete;
    Dvpp &operator=(const Dvpp &) = delete;

    void Process(const std::vector<char> &jpeg, Picture &out)
    {
        uint32_t bytes = static_cast<uint32_t>(jpeg.size());
        uint32_t width = 0;
        uint32_t height = 0;
        uint32_t size = 0;
        int32_t components = 0;
        void *data = nullptr;
        Check(acldvppJpegGetImageInfo(jpeg.data(), bytes, &width, &height, &components),
              "acldvppJpegGetImageInfo");
        Check(acldvppJpegPredictDecSize(jpeg.data(), bytes, PIXEL_FORMAT_YUV_SEMIPLANAR_420, &size),
              "acldvppJpegPredictDecSize");
        Check(acldvppMalloc(&data, bytes), "acldvppMalloc");
        aclrtMemcpyKind kind =
            resource.mode == ACL_HOST ? ACL_MEMCPY_HOST_TO_DEVICE : ACL_MEMCPY_DEVICE_TO_DEVICE;
        Check(aclrtMemcpy(data, bytes, jpeg.data(), bytes, kind), "aclrtMemcpy");
        Picture whole(PIXEL_FORMAT_YUV_SEMIPLANAR_420, width, height, AlignUp(width, 128),
                      AlignUp(height, 16), size);
        Check(acldvppJpegDecodeAsync(channel, data, bytes, whole.desc, resource.stream),
              "acldvppJpegDecodeAsync");
        Picture square(PIXEL_FORMAT_YUV_SEMIPLANAR_420, SIDE, SIDE, SIDE, SIDE,
                       SIDE * SIDE * 3 / 2);
        Cut(whole, square, width, height);
        Check(acldvppVpcConvertColorAsync(channel, square.desc, out.desc, resource.stream),
              "acldvppVpcConvertColorAsync");
        Check(aclrtSynchronizeStream(resource.stream), "aclrtSynchronizeStream");
        Check(acldvppFree(data), "acldvppFree");
    }

private:
    // The square in the middle: regions begin at even places and end at odd ones.
    void Cut(const Picture &from, const Picture &to, uint32_t width, uint32_t height)
    {
        uint32_t side = (width < height ? width : height) & ~1u;
        uint32_t left = (width - side) / 2 & ~1u;
        uint32_t top = (height - side) / 2 & ~1u;
        acldvppRoiConfig *area =
            acldvppCreateRoiConfig(left, left + side - 1, top, top + side - 1);
        Check(acldvppVpcCropResizeAsync(channel, from.desc, to.desc, area, resize,
                                        resource.stream),
              "acldvppVpcCropResizeAsync");
        Check(aclrtSynchronizeStream(resource.stream), "aclrtSynchronizeStream");
        Check(acldvppDestroyRoiConfig(area), "acldvppDestroyRoiConfig");
    }

    Resource &resource;
    acldvppChannelDesc *channel = nullptr;
    acldvppResizeConfig *resize = nullptr;
};

class Model {
public:
    explicit Model(const char *path)
    {
        Check(aclmdlLoadFromFile(path, &id), "aclmdlLoadFromFile");
        desc = aclmdlCreateDesc();
        Check(aclmdlGetDesc(desc, id), "aclmdlGetDesc");
    }
    ~Model()
    {
        aclmdlDestroyDesc(desc);
        aclmdlUnload(id);
    }
    Model(const Model &) = delete;
    Model &operator=(const Model &) = delete;

    std::vector<float> Run(const Picture &picture)
    {
        size_t bytes = aclmdlGetOutputSizeByIndex(desc, 0);
        std::vector<float> scores(bytes / sizeof(float));
        void *out = nullptr;
        if (aclmdlGetInputSizeByIndex(desc, 0) != picture.size)
            throw std::runtime_error("the model takes another picture");
        Check(aclrtMalloc(&out, bytes, ACL_MEM_MALLOC_HUGE_FIRST), "aclrtMalloc");
        aclDataBuffer *buffers[] = {aclCreateDataBuffer(picture.data, picture.size),
                                    aclCreateDataBuffer(out, bytes)};
        aclmdlDataset *datasets[] = {aclmdlCreateDataset(), aclmdlCreateDataset()};
        for (int i = 0; i < 2; i++)
            Check(aclmdlAddDatasetBuffer(datasets[i], buffers[i]), "aclmdlAddDatasetBuffer");
        Check(aclmdlExecute(id, datasets[0], datasets[1]), "aclmdlExecute");
        Check(aclrtMemcpy(scores.data(), bytes, out, bytes, ACL_MEMCPY_DEVICE_TO_HOST),
              "aclrtMemcpy");
        for (int i = 0; i < 2; i++) {
            aclmdlDestroyDataset(datasets[i]);
            aclDestroyDataBuffer(buffers[i]);
        }
        aclrtFree(out);
        return scores;
    }

private:
    uint32_t id = 0;
    aclmdlDesc *desc = nullptr;
};

void Classify(const char *path, const char *file)
{
    std::ifstream stream(file, std::ios::binary);
    std::vector<char> jpeg((std::istreambuf_iterator<char>(stream)),
                           std::istreambuf_iterator<char>());
    Resource resource;
    Dvpp dvpp(resource);
    Model model(path);
    Picture input(PIXEL_FORMAT_RGB_888, SIDE, SIDE, SIDE * 3, SIDE, SIDE * SIDE * 3);
    dvpp.Process(jpeg, input);
    std::vector<float> scores = model.Run(input);
    size_t best = 0;
    for (size_t i = 1; i < scores.size(); i++)
        best = scores[i] > scores[best] ? i : best;
    std::printf("class %zu\n", best);
    for (float score : scores)
        std::printf("%.6g\n", static_cast<double>(score));
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    try {
        Classify(argv[1], argv[2]);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
