/*
 * What GE's compiler refuses, one line each: a name, the status, and the text.
 *
 *     ge_refusals small.onnx folder
 *
 * The model has an input x [1, 2] and initializers w and v.
 */
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "ge/ge_ir_build.h"
#include "parser/onnx_parser.h"

extern "C" const char *aclGetRecentErrMsg(void);

namespace {

using Options = std::map<ge::AscendString, ge::AscendString>;
using Names = std::vector<ge::AscendString>;

void said(const char *name, ge::graphStatus status) {
  const char *text = aclGetRecentErrMsg();
  std::printf("%s\t%u\t%s\n", name, status, text == nullptr ? "" : text);
}

void parse(const char *path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  ge::Graph graph;
  said("parse", ge::aclgrphParseONNXFromMem(bytes.data(), bytes.size(), {}, graph));
  said("parse null", ge::aclgrphParseONNXFromMem(nullptr, 1, {}, graph));
  said("parse no file", ge::aclgrphParseONNX("/no/such.onnx", {}, graph));
  said("parse file null", ge::aclgrphParseONNX(nullptr, {}, graph));
  said("parse no onnx", ge::aclgrphParseONNXFromMem("hello", 5, {}, graph));
  said("parse option", ge::aclgrphParseONNX(path, {{"no_option", "1"}}, graph));
  said("parse nodes", ge::aclgrphParseONNX(path, {{"ge.outputNodeName", "n:0"}}, graph));
}

void convert(const ge::Graph &graph) {
  const auto call = ge::aclgrphConvertToWeightRefreshableGraphs;
  ge::WeightRefreshableGraphs made;
  said("convert none", call(graph, {}, made));
  said("convert unknown", call(graph, {"w_Initializer_1", "w"}, made));
  said("convert twice", call(graph, {"w_Initializer_1", "w_Initializer_1"}, made));
  said("convert unknown twice", call(graph, {"w", "w"}, made));
  said("convert empty", call(graph, {""}, made));
  said("convert no const", call(graph, {"x"}, made));
  said("convert nothing", call(ge::Graph("empty"), {"w"}, made));
  said("convert", call(graph, {"w_Initializer_1"}, made));
  said("convert again", call(made.infer_graph, {"v_Initializer_0"}, made));
}

void build(const ge::Graph &graph, ge::ModelBufferData *model) {
  ge::ModelBufferData images{nullptr, 0};
  ge::WeightRefreshableGraphs made;
  ge::ModelBufferData none{nullptr, 0};
  (void)ge::aclgrphConvertToWeightRefreshableGraphs(graph, {"w_Initializer_1"}, made);
  said("build empty value", ge::aclgrphBuildModel(graph, {{"input_shape", ""}}, none));
  said("build unknown", ge::aclgrphBuildModel(graph, {{"ge.inputShape", "x:1,2"}}, none));
  said("build shape", ge::aclgrphBuildModel(graph, {{"input_shape", "z:1,2"}}, none));
  said("build dims", ge::aclgrphBuildModel(graph, {{"input_shape", "x:one"}}, none));
  said("build format", ge::aclgrphBuildModel(graph, {{"input_format", "XY"}}, none));
  said("build aipp", ge::aclgrphBuildModel(graph, {{"ge.insertOpFile", "a.cfg"}}, none));
  said("build wrong aipp", ge::aclgrphBuildModel(graph, {{"ge.insertOpFile", "wrong.cfg"}}, none));
  said("build right aipp", ge::aclgrphBuildModel(graph, {{"input_shape", "x:1,1,2,2"},
                                                         {"ge.insertOpFile", "aipp.cfg"}}, images));
  said("save images", ge::aclgrphSaveModel("images", images));
  said("build two", ge::aclgrphBuildModel(graph, {{"input_shape", "x:-1,2"},
                                                  {"ge.dynamicBatchSize", "1,2"},
                                                  {"ge.dynamicDims", "1;2"}}, none));
  said("build nothing", ge::aclgrphBuildModel(ge::Graph("empty"), {}, none));
  said("build update", ge::aclgrphBuildModel(made.var_update_graph, {}, none));
  said("build", ge::aclgrphBuildModel(graph, {}, *model));
}

void bundle(const ge::Graph &graph, ge::ModelBufferData *model) {
  const auto call = ge::aclgrphBundleBuildModel;
  ge::WeightRefreshableGraphs made;
  ge::WeightRefreshableGraphs other;
  ge::ModelBufferData none{nullptr, 0};
  (void)ge::aclgrphConvertToWeightRefreshableGraphs(graph, {"w_Initializer_1"}, made);
  (void)ge::aclgrphConvertToWeightRefreshableGraphs(graph, {"v_Initializer_0"}, other);
  const ge::Graph &infer = made.infer_graph;
  const ge::Graph &update = made.var_update_graph;
  said("bundle none", call({}, none));
  said("bundle one", call({{infer, {}}}, none));
  said("bundle empty key", call({{infer, {{"", "1"}}}, {update, {}}}, none));
  said("bundle empty value", call({{infer, {{"input_shape", ""}}}, {update, {}}}, none));
  said("bundle unknown", call({{infer, {{"ge.nothing", "1"}}}, {update, {}}}, none));
  const ge::AscendString mode = "ge.exec.precision_mode";
  said("bundle precision",
       call({{infer, {{mode, "force_fp16"}}}, {update, {{mode, "force_fp32"}}}}, none));
  said("bundle mixed", call({{infer, {}}, {other.var_update_graph, {}}}, none));
  said("bundle", call({{infer, {}}, {update, {}}}, *model));
  said("bundle plain", call({{graph, {}}, {graph, {}}}, none));
}

void save(const std::string &folder, const ge::ModelBufferData &plain,
          const ge::ModelBufferData &made) {
  const std::string path = folder + "/saved";
  const std::string nowhere = folder + "/no/folder/saved";
  const ge::ModelBufferData none{nullptr, 0};
  const ge::ModelBufferData noise{std::shared_ptr<uint8_t>(new uint8_t[300](),
                                                           std::default_delete<uint8_t[]>()), 300};
  said("save none", ge::aclgrphSaveModel(path.c_str(), none));
  said("save null", ge::aclgrphSaveModel(nullptr, plain));
  said("save noise", ge::aclgrphSaveModel(path.c_str(), noise));
  said("save bundle", ge::aclgrphSaveModel(path.c_str(), made));
  said("save nowhere", ge::aclgrphSaveModel(nowhere.c_str(), plain));
  said("save", ge::aclgrphSaveModel(path.c_str(), plain));
  said("bundle save none", ge::aclgrphBundleSaveModel(path.c_str(), none));
  said("bundle save null", ge::aclgrphBundleSaveModel(nullptr, made));
  said("bundle save plain", ge::aclgrphBundleSaveModel(path.c_str(), plain));
  said("bundle save", ge::aclgrphBundleSaveModel((path + "_bundle").c_str(), made));
}

void graphs(const std::string &folder, const ge::Graph &graph) {
  const std::string path = folder + "/graph.air";
  const std::string dump = folder + "/dump";
  ge::Graph read;
  said("graph save nothing", ge::Graph("empty").SaveToFile(path.c_str()));
  said("graph save", graph.SaveToFile(path.c_str()));
  said("graph load", read.LoadFromFile(path.c_str()));
  said("graph load none", read.LoadFromFile((folder + "/none").c_str()));
  ge::ModelBufferData model{nullptr, 0};
  said("graph build", ge::aclgrphBuildModel(read, {}, model));
  Names names;
  said("graph names", read.GetAllOpName(names));
  std::printf("count\t%zu\t%s\n", names.size(), read.FindNodeByName("n") ? "found" : "lost");
  said("dump", ge::aclgrphDumpGraph(graph, dump.c_str(), dump.size()));
  said("dump length", ge::aclgrphDumpGraph(graph, dump.c_str(), 1));
  ge::AscendString name;
  said("no node", ge::GNode().GetName(name));
  int32_t version = 0;
  said("version", ge::aclgrphGetIRVersion(&version, &version, &version));
  said("version null", ge::aclgrphGetIRVersion(&version, nullptr, &version));
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  ge::Graph graph;
  ge::ModelBufferData plain{nullptr, 0};
  ge::ModelBufferData made{nullptr, 0};
  parse(argv[1]);
  said("parse file", ge::aclgrphParseONNX(argv[1], {}, graph));
  convert(graph);
  said("build early", ge::aclgrphBuildModel(graph, {}, plain));
  Options none;
  Options chip = {{"ge.socVersion", "Ascend910B3"}, {"ge.unknown", "1"}};
  Options precise = {{"ge.socVersion", "Ascend910B3"}, {"ge.exec.precision_mode", "float16"}};
  said("initialize none", ge::aclgrphBuildInitialize(none));
  said("initialize precision", ge::aclgrphBuildInitialize(precise));
  said("initialize", ge::aclgrphBuildInitialize(chip));
  said("initialize again", ge::aclgrphBuildInitialize(chip));
  build(graph, &plain);
  bundle(graph, &made);
  save(argv[2], plain, made);
  graphs(argv[2], graph);
  ge::aclgrphBuildFinalize();
  said("build late", ge::aclgrphBuildModel(graph, {}, plain));
  return 0;
}
