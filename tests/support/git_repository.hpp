// A bare repository that the real git command fills: what our code is compared with.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/command.hpp"

namespace tidemark::testing {

// A file of a tree for fast-import; for a submodule `content` is the commit's hex.
struct File {
  std::string mode = "100644";
  std::string content;
  bool operator==(const File&) const = default;
};
using Tree = std::map<std::string, File>;  // by path, any bytes

class GitRepository {
 public:
  explicit GitRepository(std::filesystem::path path, std::vector<std::string> options = {}) : path_(std::move(path)) {
    std::vector<std::string> arguments{"git", "init", "--quiet", "--bare", "--initial-branch=main"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.push_back(path_.string());
    run(arguments, {}, environment());
  }

  const std::filesystem::path& path() const { return path_; }
  std::string url() const { return "file://" + path_.string(); }

  std::string git(std::vector<std::string> arguments, std::string_view input = {}) const {
    arguments.insert(arguments.begin(), {"git", "-C", path_.string()});
    return run(arguments, input, environment());
  }
  std::string git_line(std::vector<std::string> arguments, std::string_view input = {}) const { return trimmed(git(std::move(arguments), input)); }

  // Makes a commit whose tree is exactly `tree`, moves `ref` to it (forced) and gives its hex. The parent is `parent`, or none.
  std::string commit(const Tree& tree, const std::string& ref = "refs/heads/main", const std::optional<std::string>& parent = std::nullopt) const {
    std::string stream = "commit " + ref + "\ncommitter T <t@example.com> " + std::to_string(++clock_) + " +0000\ndata 1\nm\n";
    stream += parent ? "from " + *parent + "\n" : "";
    stream += "deleteall\n";
    for (const auto& [path, file] : tree) {
      if (file.mode == "160000") {
        stream += "M 160000 " + file.content + " " + quoted(path) + "\n";
      } else {
        stream += "M " + file.mode + " inline " + quoted(path) + "\ndata " + std::to_string(file.content.size()) + "\n" + file.content + "\n";
      }
    }
    if (!parent) stream = "reset " + ref + "\n\n" + stream;
    git({"fast-import", "--quiet", "--force"}, stream);
    return git_line({"rev-parse", ref});
  }

  // An object from raw bytes, as hash-object would refuse to check it. Gives its hex.
  std::string write_object(const std::string& kind, std::string_view bytes) const {
    return git_line({"hash-object", "-t", kind, "-w", "--stdin", "--literally"}, bytes);
  }

  static std::string quoted(std::string_view path) {
    constexpr std::string_view digits = "01234567";
    std::string text = "\"";
    for (const char c : path) {
      const auto byte = static_cast<unsigned char>(c);
      text += '\\';
      text += digits[byte >> 6];
      text += digits[byte >> 3 & 7];
      text += digits[byte & 7];
    }
    return text + "\"";
  }

  static std::vector<std::string> environment() {
    return {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",     "GIT_AUTHOR_NAME=T",    "GIT_AUTHOR_EMAIL=t@example.com",
            "GIT_COMMITTER_NAME=T",  "GIT_COMMITTER_EMAIL=t@example.com", "GIT_TERMINAL_PROMPT=0"};
  }

 private:
  std::filesystem::path path_;
  mutable long clock_ = 1'700'000'000;
};

}  // namespace tidemark::testing
