#include "python.h"

#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "refusal.h"

extern char **environ;

namespace fake {

namespace {

/* A folder of its own, gone with the object. */
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "acl-bundle-XXXXXX").string();

    if (mkdtemp(name.data()) == nullptr)
      throw std::runtime_error("no folder " + name + ": " + std::strerror(errno));
    path_ = name;
  }
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const char *name) const { return path_ + '/' + name; }
  const std::string &path() const { return path_; }

 private:
  std::string path_;
};

const char *interpreter() {
  const char *path = getenv("ACL_BUNDLE_PYTHON");

  if (path == nullptr || path[0] == '\0')
    fail("ACL_BUNDLE_PYTHON is not set. It names the Python that has acl_bundle, which does the"
         " work of this stand-in: eval \"$(acl-bundle fake env)\" sets it");
  return path;
}

/* Runs it in the folder, which holds nothing that could be imported instead. */
void run(const Folder &folder, const char *verb) {
  const char *const script =
      "cd \"$1\" && exec \"$2\" -m acl_bundle.fake.compiler \"$3\" </dev/null >output 2>&1";
  const char *const arguments[] = {"sh", "-c", script, "sh", folder.path().c_str(), interpreter(),
                                   verb, nullptr};
  pid_t child = 0;
  const int error = posix_spawn(&child, "/bin/sh", nullptr, nullptr,
                                const_cast<char *const *>(arguments), environ);

  if (error != 0) fail(std::string("no child process: ") + std::strerror(error));
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    /* A signal of this process's own. Where SIGCHLD is ignored, it waits and fails at the end. */
  }
}

/* What it printed last, in place of an answer. */
std::string last_words(const Folder &folder) {
  std::string output;

  try {
    output = read_file(folder.file("output"));
  } catch (const std::runtime_error &) {
    return "it did not begin";
  }
  const size_t most = 2000;
  return output.size() > most ? output.substr(output.size() - most) : output;
}

}  // namespace

Fields python(const char *verb, const Fields &request) {
  const Folder folder;

  write_file(folder.file("request"), to_bytes(request));
  run(folder, verb);
  if (!std::filesystem::exists(folder.file("answer")))
    fail(std::string("`") + interpreter() + " -m acl_bundle.fake.compiler " + verb +
         "` gave no answer: " + last_words(folder));
  Fields answer = from_bytes(read_file(folder.file("answer")));
  const std::string text = answer.empty() ? "" : answer.front().second;
  const std::string status = answer.empty() ? "" : answer.front().first;
  if (status == "invalid") invalid(text);
  if (status != "success") fail(text);
  answer.erase(answer.begin());
  return answer;
}

}  // namespace fake
