/*
 * What a GE may do and the stand-in never does, put before its functions by LD_PRELOAD.
 *
 * GE_LIES names one: convert, build, save (that function fails), crash, hang (while it builds), suffix
 * (the host's name in the file's), nothing (nothing is saved), noise (no bundle is saved), names
 * (constants have other names), weights (the first weight is left out).
 */
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "ge/ge_ir_build.h"

extern "C" void aclfakeTell(const char *text);

namespace {

bool lies(const char *what) {
  const char *chosen = std::getenv("GE_LIES");
  return chosen != nullptr && std::string(chosen) == what;
}

template <typename Function>
Function *next(const char *mangled) {
  void *found = dlsym(RTLD_NEXT, mangled);
  if (found == nullptr) std::abort();
  return reinterpret_cast<Function *>(found);
}

ge::graphStatus refused(const char *text) {
  aclfakeTell(text);
  return ge::GRAPH_FAILED;
}

}  // namespace

namespace ge {

graphStatus GNode::GetName(AscendString &name) const {
  const auto real = next<graphStatus(const GNode *, AscendString &)>(
      "_ZNK2ge5GNode7GetNameERNS_12AscendStringE");
  const graphStatus status = real(this, name);
  if (lies("names")) name = AscendString((std::string("const/") + name.GetString()).c_str());
  return status;
}

graphStatus aclgrphConvertToWeightRefreshableGraphs(const Graph &graph,
                                                    const std::vector<AscendString> &names,
                                                    WeightRefreshableGraphs &made) {
  const auto real = next<decltype(aclgrphConvertToWeightRefreshableGraphs)>(
      "_ZN2ge39aclgrphConvertToWeightRefreshableGraphsERKNS_5GraphERKSt6vectorINS_12AscendStringESa"
      "IS4_EERNS_23WeightRefreshableGraphsE");
  if (lies("convert")) return refused("E19999: no variables today");
  const std::vector<AscendString> rest(names.begin() + 1, names.end());
  return real(graph, lies("weights") ? rest : names, made);
}

graphStatus aclgrphBundleBuildModel(const std::vector<GraphWithOptions> &graphs,
                                    ModelBufferData &model) {
  const auto real = next<decltype(aclgrphBundleBuildModel)>(
      "_ZN2ge23aclgrphBundleBuildModelERKSt6vectorINS_16GraphWithOptionsESaIS1_EERNS_15ModelBuffer"
      "DataE");
  if (lies("build")) return refused("E90003: no tiling for this shape");
  if (lies("crash")) std::abort();
  if (lies("hang")) {
    std::ofstream(std::getenv("GE_PID")) << getpid();
    for (;;) pause();
  }
  return real(graphs, model);
}

graphStatus aclgrphBundleSaveModel(const char *output, const ModelBufferData &model) {
  const auto real = next<decltype(aclgrphBundleSaveModel)>(
      "_ZN2ge22aclgrphBundleSaveModelEPKcRKNS_15ModelBufferDataE");
  if (lies("save")) return refused("E19999: the disk is full");
  if (lies("nothing")) return GRAPH_SUCCESS;
  if (lies("noise")) {
    std::ofstream(std::string(output) + ".om") << std::string(300, 'n');
    return GRAPH_SUCCESS;
  }
  const std::string name = std::string(output) + (lies("suffix") ? "_linux_x86_64" : "");
  return real(name.c_str(), model);
}

}  // namespace ge
