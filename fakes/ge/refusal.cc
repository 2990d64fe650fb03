#include "refusal.h"

#include <cstdio>

extern "C" {
#include "aclfake.h"
}

namespace fake {

namespace {

/* Cut where it is long: a model may have names of any length. */
void tell(const char *function, const char *text) noexcept {
  char line[4096];

  std::snprintf(line, sizeof line, "%s: %s", function, text);
  aclfakeTell(line);
}

}  // namespace

Refusal::~Refusal() = default;

const char *Refusal::what() const noexcept { return text_.c_str(); }

ge::graphStatus refused(const char *function) noexcept {
  try {
    throw;
  } catch (const Refusal &refusal) {
    tell(function, refusal.what());
    return refusal.status();
  } catch (const std::exception &error) {
    tell(function, error.what());
  } catch (...) {
    tell(function, "something was thrown that is no exception");
  }
  return ge::GRAPH_FAILED;
}

}  // namespace fake
