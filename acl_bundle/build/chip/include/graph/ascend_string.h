/*
 * The text that GE's C++ interface takes and gives. Our own declaration: what
 * is called lies in libgraph_base.so. No std::string stands in a signature, so
 * it is the same for both string ABIs of libstdc++ (_GLIBCXX_USE_CXX11_ABI).
 */
#ifndef ACL_BUNDLE_GRAPH_ASCEND_STRING_H
#define ACL_BUNDLE_GRAPH_ASCEND_STRING_H

#include <memory>
#include <string>

namespace ge {

class AscendString {
 public:
  AscendString() = default;
  AscendString(const char *name); /* not explicit: as GE has it */

  /* The text, "" of one that has none; good as long as the object. */
  const char *GetString() const;
  bool operator<(const AscendString &other) const;

 private:
  std::shared_ptr<std::string> name_; /* read by the library alone */
};

static_assert(sizeof(AscendString) == 16, "as in the library");

}  // namespace ge

#endif
