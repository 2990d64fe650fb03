/*
 * ge_compile: GE compiles one ONNX model into a refreshable bundle.
 *
 *     ge_compile <folder>
 *
 * A process of its own, for GE initializes once in a process and may end it.
 * The folder has a file "request" of fields: model, output (without ".om"),
 * constant (each, in order), global.<option>, infer.<option>. Here it gets
 * "step", the step that goes on, and "answer": what was found, and if a step
 * failed its status and the library's text. A field is
 * "<bytes of the key> <bytes of the value>\n", the key, the value.
 */
#include <dlfcn.h>
#include <signal.h>
#include <sys/prctl.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ge/ge_ir_build.h"
#include "graph/gnode.h"
#include "graph/graph.h"
#include "parser/onnx_parser.h"

namespace {

using Options = std::map<ge::AscendString, ge::AscendString>;

struct Request {
  std::string model;
  std::string output;
  std::vector<std::string> constants;
  Options global;
  Options infer;
};

/* A step that failed, after its answer was written. */
struct Failed {};

std::string folder;
std::string answer;
std::string step;

void tell(const std::string &key, const std::string &value) {
  answer += std::to_string(key.size()) + ' ' + std::to_string(value.size()) + '\n' + key + value;
}

void write(const char *name, const std::string &bytes) {
  std::ofstream file(folder + '/' + name, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void begin(const char *name) {
  step = name;
  write("step", step);
}

/* A function of libascendcl.so, which a toolkit has; NULL where it lacks it. */
template <typename Function>
Function *of_acl(const char *name) {
  static void *const library = dlopen("libascendcl.so", RTLD_NOW | RTLD_GLOBAL);
  return library == nullptr ? nullptr : reinterpret_cast<Function *>(dlsym(library, name));
}

void check(ge::graphStatus status) {
  if (status == ge::GRAPH_SUCCESS) return;
  const auto last = of_acl<const char *()>("aclGetRecentErrMsg");
  const char *const text = last == nullptr ? nullptr : last();
  tell("status", std::to_string(status));
  tell("text", text == nullptr ? "" : text);
  throw Failed();
}

std::string after(const std::string &key, const std::string &prefix) {
  return key.compare(0, prefix.size(), prefix) == 0 ? key.substr(prefix.size()) : std::string();
}

void take(Request *request, const std::string &key, const std::string &value) {
  const std::string global = after(key, "global.");
  const std::string infer = after(key, "infer.");
  if (key == "model") request->model = value;
  if (key == "output") request->output = value;
  if (key == "constant") request->constants.push_back(value);
  if (!global.empty()) request->global[global.c_str()] = value.c_str();
  if (!infer.empty()) request->infer[infer.c_str()] = value.c_str();
}

Request read_request() {
  std::ifstream file(folder + "/request", std::ios::binary);
  Request request;
  size_t of_key = 0;
  size_t of_value = 0;

  while (file >> of_key >> of_value) {
    std::string key(of_key, '\0');
    std::string value(of_value, '\0');
    file.get();
    file.read(key.data(), static_cast<std::streamsize>(of_key));
    file.read(value.data(), static_cast<std::streamsize>(of_value));
    take(&request, key, value);
  }
  return request;
}

void tell_version() {
  struct Version { /* aclCANNPackageVersion, and room for what later releases add */
    char version[128];
    char rest[1024];
  } version = {};
  int32_t major = 0;
  int32_t minor = 0;
  int32_t patch = 0;
  const auto cann = of_acl<int(int, void *)>("aclsysGetCANNVersion");

  if (cann != nullptr && cann(0, &version) == 0) tell("cann", version.version);
  if (ge::aclgrphGetIRVersion(&major, &minor, &patch) == ge::GRAPH_SUCCESS)
    tell("ir", std::to_string(major) + '.' + std::to_string(minor) + '.' + std::to_string(patch));
}

/* Are the names those of constants? All constants are told, for a message. */
void check_constants(const ge::Graph &graph, const std::vector<std::string> &names) {
  std::set<std::string> missing(names.begin(), names.end());

  for (const ge::GNode &node : graph.GetAllNodes()) {
    ge::AscendString name;
    ge::AscendString type;
    check(node.GetName(name));
    check(node.GetType(type));
    if (std::string(type.GetString()) == "Const") {
      missing.erase(name.GetString());
      tell("const", name.GetString());
    } else if (missing.count(name.GetString()) != 0) {
      tell("other", std::string(name.GetString()) + '\n' + type.GetString());
    }
  }
  for (const std::string &one : missing) tell("missing", one);
  if (!missing.empty()) throw Failed();
}

void build(const Request &request, const ge::Graph &graph) {
  const std::vector<ge::AscendString> names = [&] {
    std::vector<ge::AscendString> made;
    for (const std::string &one : request.constants) made.emplace_back(one.c_str());
    return made;
  }();
  ge::WeightRefreshableGraphs parts;
  ge::ModelBufferData model{nullptr, 0};

  begin("convert");
  check(ge::aclgrphConvertToWeightRefreshableGraphs(graph, names, parts));
  begin("build");
  check(ge::aclgrphBundleBuildModel({{parts.infer_graph, request.infer},
                                     {parts.var_init_graph, {}},
                                     {parts.var_update_graph, {}}},
                                    model));
  begin("save");
  check(ge::aclgrphBundleSaveModel(request.output.c_str(), model));
}

void compile(Request request) {
  ge::Graph graph("model");

  begin("initialize");
  tell_version();
  check(ge::aclgrphBuildInitialize(request.global));
  begin("parse");
  check(ge::aclgrphParseONNX(request.model.c_str(), Options(), graph));
  begin("constants");
  check_constants(graph, request.constants);
  build(request, graph);
  begin("finalize");
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* does not outlive who asked for it */
  folder = argv[1];
  int status = 0;
  try {
    compile(read_request());
  } catch (const Failed &) {
    status = 1;
  }
  write("answer", answer);
  ge::aclgrphBuildFinalize();
  return status;
}
