#include "sync/notice_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>

#include "sync/publish/files.hpp"

namespace tidemark::sync {

namespace {

namespace fs = std::filesystem;

fs::path below(const fs::path& root, const std::string& path) { return path.empty() ? fs::path() : fs::absolute(root) / path; }

// Its folder, which is made when it is missing.
FileDescriptor folder_of(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  FileDescriptor folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) fail_with(errno, "cannot open the folder of " + path.string());
  return folder;
}

}  // namespace

ErrorFile::ErrorFile(const fs::path& root, const std::string& path, Log& log) : path_(below(root, path)), log_(log) {}

void ErrorFile::write(const std::string& message, const std::string& error, std::int64_t failures) {
  if (path_.empty()) return;
  try {
    const nlohmann::ordered_json content{{"Msg", message}, {"Err", error}, {"Args", {{"failCount", failures}}}};
    const FileDescriptor folder = folder_of(path_);
    const std::string name = path_.filename().string();
    const std::string draft = "." + name + ".new-" + random_name();
    write_new_file(folder.get(), draft, content.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n", 0666);
    if (::renameat(folder.get(), draft.c_str(), folder.get(), name.c_str()) == 0) return;
    const int reason = errno;
    ::unlinkat(folder.get(), draft.c_str(), 0);
    fail_with(reason, "cannot replace " + path_.string());
  } catch (const std::exception& problem) {
    log_.warning("could not write the error file", {{"path", path_.string()}, {"error", problem.what()}});
  }
}

void ErrorFile::remove() {
  if (path_.empty() || ::unlink(path_.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return;
  log_.warning("could not remove the error file", {{"path", path_.string()}, {"error", std::generic_category().message(errno)}});
}

TouchFile::TouchFile(const fs::path& root, const std::string& path, Log& log) : path_(below(root, path)), log_(log) {}

void TouchFile::touch() {
  if (path_.empty()) return;
  try {
    const FileDescriptor folder = folder_of(path_);
    const FileDescriptor file(::openat(folder.get(), path_.filename().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666));
    if (!file || ::futimens(file.get(), nullptr) != 0) fail_with(errno, "cannot touch " + path_.string());
  } catch (const std::exception& problem) {
    log_.warning("could not touch the file that tells of a change", {{"path", path_.string()}, {"error", problem.what()}});
  }
}

}  // namespace tidemark::sync
