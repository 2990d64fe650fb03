/* libgraph_base.so */
#include "ge.h"

namespace ge {

AscendString::AscendString(const char *name)
    : name_(name == nullptr ? nullptr : std::make_shared<std::string>(name)) {}

const char *AscendString::GetString() const { return name_ == nullptr ? "" : name_->c_str(); }

bool AscendString::operator<(const AscendString &other) const {
  return std::string(GetString()) < other.GetString();
}

}  // namespace ge
