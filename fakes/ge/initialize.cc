/* libge_compiler.so: the compiler's life, and its version. */
#include "initialize.h"

#include <mutex>
#include <set>

#include "refusal.h"

namespace fake {

namespace {

struct State {
  std::mutex mutex;
  bool begun = false;
  Fields options;
};

State &state() {
  static State *const made = new State; /* for threads that outlive main as well */
  return *made;
}

}  // namespace

Fields global_options() {
  const std::lock_guard<std::mutex> locked(state().mutex);

  if (!state().begun) fail("aclgrphBuildInitialize was not called");
  return state().options;
}

namespace {

const std::set<std::string> kPrecisions = {
    "force_fp16", "force_fp32", "cube_fp16in_fp32out", "allow_mix_precision",
    "allow_fp32_to_fp16", "must_keep_origin_dtype", "allow_mix_precision_fp16",
    "allow_mix_precision_bf16"};
const std::set<std::string> kPrecisionsV2 = {
    "fp16", "origin", "cube_fp16in_fp32out", "mixed_float16", "mixed_bfloat16", "cube_hif8",
    "mixed_hif8"};

/* Unknown options only warn in GE, but a precision must be one. */
void check(const std::string &key, const std::string &value) {
  const bool first = key == "ge.exec.precision_mode";

  if (!first && key != "ge.exec.precision_mode_v2") return;
  if ((first ? kPrecisions : kPrecisionsV2).count(value) == 0)
    invalid("E10001: value [" + value + "] for parameter [" + key + "] is invalid");
}

/* The chips themselves are not listed here: their number grows. */
void check_chip(const std::string &name) {
  const std::string family = "Ascend";

  if (name.empty()) invalid("ge.socVersion is missing: it names the chip, Ascend910B3 say");
  if (name.compare(0, family.size(), family) != 0 || name.size() == family.size())
    invalid("E10001: value '" + name + "' for parameter [ge.socVersion] is invalid; a chip's name"
            " is right, Ascend910B3 say");
}

}  // namespace

}  // namespace fake

namespace ge {

graphStatus aclgrphBuildInitialize(std::map<AscendString, AscendString> &global_options) {
  return fake::answered("aclgrphBuildInitialize", [&] {
    const std::lock_guard<std::mutex> locked(fake::state().mutex);
    fake::Fields options;
    std::string chip;

    for (const auto &[key, value] : global_options) {
      fake::check(key.GetString(), value.GetString());
      options.emplace_back(std::string("global.") + key.GetString(), value.GetString());
      if (std::string("ge.socVersion") == key.GetString()) chip = value.GetString();
    }
    fake::check_chip(chip);
    if (!fake::state().begun) fake::state().options = std::move(options);
    fake::state().begun = true;
  });
}

void aclgrphBuildFinalize() {
  const std::lock_guard<std::mutex> locked(fake::state().mutex);

  fake::state().begun = false;
  fake::state().options.clear();
}

graphStatus aclgrphGetIRVersion(int32_t *major_version, int32_t *minor_version,
                                int32_t *patch_version) {
  return fake::answered("aclgrphGetIRVersion", [&] {
    if (major_version == nullptr || minor_version == nullptr || patch_version == nullptr)
      fake::fail("a version's place is NULL");
    *major_version = 1;
    *minor_version = 0;
    *patch_version = 0;
  });
}

}  // namespace ge
