// serving: a model behind classes of C++11, with a thread for each worker.
//
//     serving MODEL WORKERS ROUNDS FLOATS
//
// What is taken from AscendCL is owned by an object and given back by its end, whatever is thrown;
// each worker has a context, a stream and a copy of the model, and infers ROUNDS times. The rows of
// FLOATS are divided among the workers. Each row's output is one line, in the order of the rows.
// Then it loads a file that is not there, and prints what the exception says.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "acl/acl.h"

namespace {

class AclFailure : public std::runtime_error {
public:
    AclFailure(const char *call, aclError code) : std::runtime_error(text(call, code)), code_(code)
    {
    }
    aclError code() const { return code_; }

private:
    static std::string text(const char *call, aclError code)
    {
        const char *detail = aclGetRecentErrMsg();
        std::ostringstream out;
        out << call << " returned " << code;
        if (detail != nullptr)
            out << ": " << detail;
        return out.str();
    }
    aclError code_;
};

void check(const char *call, aclError code)
{
    if (code != ACL_SUCCESS)
        throw AclFailure(call, code);
}
#define CHECK(call) check(#call, (call))

class Process {
public:
    Process() { CHECK(aclInit(nullptr)); }
    ~Process() { aclFinalize(); }
    Process(const Process &) = delete;
    Process &operator=(const Process &) = delete;
};

class Device {
public:
    explicit Device(int32_t id) : id_(id) { CHECK(aclrtSetDevice(id_)); }
    ~Device() { aclrtResetDevice(id_); }
    Device(const Device &) = delete;
    Device &operator=(const Device &) = delete;

private:
    int32_t id_;
};

struct ContextEnd {
    void operator()(void *context) const { aclrtDestroyContext(context); }
};
struct StreamEnd {
    void operator()(void *stream) const { aclrtDestroyStream(stream); }
};
struct DescEnd {
    void operator()(aclmdlDesc *desc) const { aclmdlDestroyDesc(desc); }
};
using Context = std::unique_ptr<void, ContextEnd>;
using Stream = std::unique_ptr<void, StreamEnd>;
using Desc = std::unique_ptr<aclmdlDesc, DescEnd>;

Context make_context(int32_t device)
{
    aclrtContext made = nullptr;
    CHECK(aclrtCreateContext(&made, device));
    return Context(made);
}

Stream make_stream()
{
    aclrtStream made = nullptr;
    CHECK(aclrtCreateStream(&made));
    return Stream(made);
}

class Model {
public:
    explicit Model(const std::string &path) : desc_(aclmdlCreateDesc())
    {
        CHECK(aclmdlLoadFromFile(path.c_str(), &id_));
        aclError code = aclmdlGetDesc(desc_.get(), id_);
        if (code != ACL_SUCCESS) {
            AclFailure failure("aclmdlGetDesc", code);
            aclmdlUnload(id_);
            throw failure;
        }
    }
    ~Model() { aclmdlUnload(id_); }
    Model(const Model &) = delete;
    Model &operator=(const Model &) = delete;

    uint32_t id() const { return id_; }
    size_t input_size() const { return aclmdlGetInputSizeByIndex(desc_.get(), 0); }
    size_t output_size() const { return aclmdlGetOutputSizeByIndex(desc_.get(), 0); }

private:
    Desc desc_;
    uint32_t id_ = 0;
};

// A dataset of one buffer of device memory.
class Tensor {
public:
    explicit Tensor(size_t size) : size_(size), dataset_(aclmdlCreateDataset())
    {
        CHECK(aclrtMalloc(&memory_, size_, ACL_MEM_MALLOC_NORMAL_ONLY));
        buffer_ = aclCreateDataBuffer(memory_, size_);
        CHECK(aclmdlAddDatasetBuffer(dataset_, buffer_));
    }
    ~Tensor()
    {
        aclmdlDestroyDataset(dataset_);
        aclDestroyDataBuffer(buffer_);
        aclrtFree(memory_);
    }
    Tensor(const Tensor &) = delete;
    Tensor &operator=(const Tensor &) = delete;

    aclmdlDataset *dataset() const { return dataset_; }
    size_t size() const { return size_; }
    void *memory() const { return memory_; }

private:
    size_t size_;
    void *memory_ = nullptr;
    aclmdlDataset *dataset_;
    aclDataBuffer *buffer_ = nullptr;
};

using Row = std::vector<float>;

class Worker {
public:
    explicit Worker(const std::string &path)
        : context_(make_context(0)), stream_(make_stream()), model_(path),
          input_(model_.input_size()), output_(model_.output_size())
    {
    }

    Row infer(const Row &x)
    {
        Row y(output_.size() / sizeof(float));
        CHECK(aclrtMemcpy(input_.memory(), input_.size(), x.data(), x.size() * sizeof(float),
                          ACL_MEMCPY_HOST_TO_DEVICE));
        CHECK(aclmdlExecuteAsync(model_.id(), input_.dataset(), output_.dataset(), stream_.get()));
        CHECK(aclrtSynchronizeStream(stream_.get()));
        CHECK(aclrtMemcpy(y.data(), output_.size(), output_.memory(), output_.size(),
                          ACL_MEMCPY_DEVICE_TO_HOST));
        return y;
    }

private:
    Context context_;  // first, and so the last to end: all below belongs to it
    Stream stream_;
    Model model_;
    Tensor input_, output_;
};

// Runs the function in so many threads and throws what the first of them threw.
void in_threads(size_t count, const std::function<void(size_t)> &function)
{
    std::vector<std::thread> threads;
    std::exception_ptr thrown;
    std::mutex mutex;
    for (size_t i = 0; i < count; i++) {
        threads.emplace_back([&, i] {
            try {
                function(i);
            } catch (...) {
                std::lock_guard<std::mutex> hold(mutex);
                if (!thrown)
                    thrown = std::current_exception();
            }
        });
    }
    for (std::thread &thread : threads)
        thread.join();
    if (thrown)
        std::rethrow_exception(thrown);
}

std::vector<Row> read_rows(const std::string &path, size_t length)
{
    std::ifstream file(path, std::ios::binary);
    std::vector<Row> rows;
    Row row(length);
    auto bytes = static_cast<std::streamsize>(length * sizeof(float));
    while (file.read(reinterpret_cast<char *>(row.data()), bytes))
        rows.push_back(row);
    return rows;
}

void serve(const std::string &path, size_t workers, size_t rounds, const std::string &floats)
{
    std::vector<Row> rows, answers;
    {
        Model model(path);
        rows = read_rows(floats, model.input_size() / sizeof(float));
    }
    answers.resize(rows.size());
    in_threads(workers, [&](size_t i) {
        Worker worker(path);
        for (size_t round = 0; round < rounds; round++)
            for (size_t row = i; row < rows.size(); row += workers)
                answers[row] = worker.infer(rows[row]);
    });
    for (const Row &row : answers) {
        for (float value : row)
            std::printf("%.9g ", static_cast<double>(value));
        std::printf("\n");
    }
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 5) {
        std::cerr << "serving MODEL WORKERS ROUNDS FLOATS\n";
        return 2;
    }
    try {
        Process process;
        Device device(0);
        serve(argv[1], std::strtoul(argv[2], nullptr, 10), std::strtoul(argv[3], nullptr, 10),
              argv[4]);
        try {
            Worker worker("no such file.om");
        } catch (const AclFailure &failure) {
            std::cout << failure.code() << ' ' << failure.what() << std::endl;
        }
    } catch (const std::exception &error) {
        std::cerr << error.what() << std::endl;
        return 1;
    }
    return 0;
}
