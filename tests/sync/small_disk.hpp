// A full disk for a test: a small tmpfs, in a child process of its own.
#pragma once

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "support/git_repository.hpp"

namespace tidemark::testing {

inline constexpr int not_permitted = 77;

// Without root's rights on the host, as in a container, these are enough to mount (user_namespaces(7)).
inline bool become_root_of_a_user_namespace() {
  const auto user = ::geteuid();
  const auto group = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  const auto put = [](const char* file, const std::string& text) { return static_cast<bool>(std::ofstream(file) << text << std::flush); };
  return put("/proc/self/setgroups", "deny") && put("/proc/self/uid_map", "0 " + std::to_string(user) + " 1") &&
         put("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
}

// Runs `body` in a child process, where `at` is a tmpfs of 8 MiB; gives its exit code.
inline int with_small_disk(const std::filesystem::path& at, const std::function<int()>& body) {
  std::filesystem::create_directory(at);
  std::cout.flush();  // not to be said by the child, too
  const pid_t child = ::fork();
  if (child == 0) {
    const bool is_isolated = ::unshare(CLONE_NEWNS) == 0 || become_root_of_a_user_namespace();
    if (!is_isolated || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 || ::mount("tmpfs", at.c_str(), "tmpfs", 0, "size=8m") != 0)
      ::_exit(not_permitted);
    int code = 1;
    try {
      code = body();
    } catch (const std::exception& error) {
      std::cerr << error.what() << std::endl;  // doctest would tell it at an end that never comes
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

// Content that takes much room in a checkout and none in the repository.
inline Tree of_megabytes(int megabytes, char letter) {
  Tree tree;
  for (int i = 0; i < megabytes; ++i) tree["file-" + std::to_string(i)] = {"100644", std::string(1024 * 1024, letter)};
  return tree;
}

#define EXPECT(condition) \
  if (!(condition)) throw std::runtime_error("not so: " #condition)

inline void check_passed(int code) {
  // An image's build forbids mounts and says so (Dockerfile); elsewhere continuous integration has to be able to.
  const auto is_set = [](const char* name) { return std::getenv(name) != nullptr && std::string_view(std::getenv(name)) == "true"; };
  if (code == not_permitted && (is_set("TIDEMARK_NO_MOUNTS") || !is_set("CI"))) {
    MESSAGE("not tested: mounting a tmpfs is not permitted here");
    return;
  }
  REQUIRE_MESSAGE(code != not_permitted, "mounting a tmpfs is not permitted here, which a test needs under CI=true");
  CHECK(code == 0);
}

}  // namespace tidemark::testing
