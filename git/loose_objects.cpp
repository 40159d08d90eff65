#include "git/loose_objects.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "git/libgit2.hpp"

namespace tidemark::git {

namespace {

constexpr std::size_t max_header_bytes = 32;     // "commit 18446744073709551615" and its NUL
constexpr std::size_t max_deflate_ratio = 1032;  // what zlib reaches at most: a larger size is a lie
constexpr std::size_t input_bytes = 64 * 1024;

int corrupt(const git_oid& id, const std::string& reason) {
  git_error_set_str(GIT_ERROR_ODB, ("loose object " + from_git(id).hex() + " is corrupt: " + reason).c_str());
  return -1;
}

// A file that is inflated from its beginning.
class Inflater {
 public:
  explicit Inflater(const std::filesystem::path& file) : descriptor_(open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ >= 0) ready_ = inflateInit(&stream_) == Z_OK;
  }
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
    if (descriptor_ >= 0) close(descriptor_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool is_open() const { return ready_; }
  std::size_t file_size() const {
    struct stat status = {};
    return fstat(descriptor_, &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0;
  }
  bool at_end() const { return ended_; }

  // Fills as much of the buffer as the stream has; less than asked for only at its end or when it is broken.
  std::size_t read(char* data, std::size_t size) {
    std::size_t done = 0;
    while (done < size && !ended_ && fill()) {
      const std::size_t part = std::min<std::size_t>(size - done, 1U << 30);
      stream_.next_out = reinterpret_cast<Bytef*>(data + done);
      stream_.avail_out = static_cast<uInt>(part);
      const int code = inflate(&stream_, Z_NO_FLUSH);
      done += part - stream_.avail_out;
      ended_ = code == Z_STREAM_END;
      if (code != Z_OK && code != Z_STREAM_END) break;
    }
    return done;
  }

  // After the content only the stream's own end may follow.
  bool finish() {
    char extra = 0;
    return read(&extra, 1) == 0 && ended_;
  }

 private:
  bool fill() {
    if (stream_.avail_in > 0) return true;
    ssize_t count = 0;
    do count = ::read(descriptor_, input_.data(), input_.size());
    while (count < 0 && errno == EINTR);
    if (count <= 0) return false;
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
    stream_.avail_in = static_cast<uInt>(count);
    return true;
  }

  int descriptor_;
  bool ready_ = false;
  bool ended_ = false;
  z_stream stream_ = {};
  std::array<char, input_bytes> input_;
};

// An object's file, read up to its content.
struct Opened {
  explicit Opened(const std::filesystem::path& path) : file(path) {}

  Inflater file;
  git_object_t kind = GIT_OBJECT_INVALID;
  std::size_t size = 0;
  std::array<char, max_header_bytes> text;
  std::string_view rest;  // in `text`: of the content, what came with the header
};

struct Backend {
  git_odb_backend parent;
  std::filesystem::path objects;
  // Whose header was asked for last: mostly it is read next. libgit2 may have several threads.
  std::mutex mutex = {};
  git_oid last_id = {};
  std::unique_ptr<Opened> last = nullptr;
};

std::filesystem::path path_of(const Backend& backend, const git_oid& id) {
  const std::string hex = from_git(id).hex();
  return backend.objects / hex.substr(0, 2) / hex.substr(2);
}

bool parse(std::size_t count, Opened& object) {
  const std::string_view text(object.text.data(), count);
  const std::size_t end = text.find('\0');
  const std::size_t space = text.find(' ');
  if (end == std::string_view::npos || space == std::string_view::npos || space > end) return false;
  object.kind = git_object_string2type(std::string(text.substr(0, space)).c_str());
  const auto [stop, error] = std::from_chars(text.data() + space + 1, text.data() + end, object.size);
  object.rest = text.substr(end + 1);
  const bool is_known =
      object.kind == GIT_OBJECT_COMMIT || object.kind == GIT_OBJECT_TREE || object.kind == GIT_OBJECT_BLOB || object.kind == GIT_OBJECT_TAG;
  return error == std::errc() && stop == text.data() + end && is_known;
}

// Nothing, with what libgit2 is to be told in `code`, when it can't be read.
std::unique_ptr<Opened> open_object(const Backend& backend, const git_oid& id, int& code) {
  auto object = std::make_unique<Opened>(path_of(backend, id));
  if (!object->file.is_open())
    code = GIT_ENOTFOUND;
  else if (!parse(object->file.read(object->text.data(), object->text.size()), *object))
    code = corrupt(id, "its header is unreadable");
  if (code < 0) object.reset();
  return object;
}

std::unique_ptr<Opened> take_last(Backend& backend, const git_oid& id) {
  const std::lock_guard lock(backend.mutex);
  return git_oid_equal(&backend.last_id, &id) ? std::move(backend.last) : nullptr;
}

// The one that was looked at last, or freshly opened.
std::unique_ptr<Opened> take(Backend& backend, const git_oid& id, int& code) {
  code = 0;
  auto object = take_last(backend, id);
  return object ? std::move(object) : open_object(backend, id, code);
}

int read_header(std::size_t* size, git_object_t* kind, git_odb_backend* parent, const git_oid* id) {
  auto& backend = *reinterpret_cast<Backend*>(parent);
  int code = 0;
  auto object = take(backend, *id, code);
  if (!object) return code;
  *size = object->size;
  *kind = object->kind;
  const std::lock_guard lock(backend.mutex);
  backend.last_id = *id;
  backend.last = std::move(object);
  return 0;
}

int read_object(void** data, std::size_t* size, git_object_t* kind, git_odb_backend* parent, const git_oid* id) {
  int code = 0;
  const auto object = take(*reinterpret_cast<Backend*>(parent), *id, code);
  if (!object) return code;
  if (object->size / max_deflate_ratio > object->file.file_size() || object->rest.size() > object->size) return corrupt(*id, "its size is wrong");
  auto* bytes = static_cast<char*>(git_odb_backend_data_alloc(parent, object->size + 1));
  if (!bytes) return -1;
  std::ranges::copy(object->rest, bytes);
  const std::size_t left = object->size - object->rest.size();
  if (object->file.read(bytes + object->rest.size(), left) != left || !(object->file.at_end() || object->file.finish())) {
    git_odb_backend_data_free(parent, bytes);
    return corrupt(*id, "its content is cut off, too long or damaged");
  }
  bytes[object->size] = '\0';
  *data = bytes;
  *size = object->size;
  *kind = object->kind;
  return 0;
}

int exists(git_odb_backend* backend, const git_oid* id) { return access(path_of(*reinterpret_cast<Backend*>(backend), *id).c_str(), F_OK) == 0; }

void free_backend(git_odb_backend* backend) { delete reinterpret_cast<Backend*>(backend); }

// libgit2 calls these: nothing may be thrown through it.
template <auto Function, typename... Arguments>
int guarded(Arguments... arguments) {
  try {
    return Function(arguments...);
  } catch (const std::exception& error) {
    git_error_set_str(GIT_ERROR_ODB, error.what());
    return -1;
  }
}

}  // namespace

git_odb_backend* make_loose_backend(const std::filesystem::path& objects) {
  auto* backend = new Backend{{}, objects};
  git_odb_init_backend(&backend->parent, GIT_ODB_BACKEND_VERSION);
  backend->parent.read = guarded<read_object, void**, std::size_t*, git_object_t*, git_odb_backend*, const git_oid*>;
  backend->parent.read_header = guarded<read_header, std::size_t*, git_object_t*, git_odb_backend*, const git_oid*>;
  backend->parent.exists = guarded<exists, git_odb_backend*, const git_oid*>;
  backend->parent.free = free_backend;
  return &backend->parent;
}

}  // namespace tidemark::git
