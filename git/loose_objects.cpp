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
#include <string>
#include <string_view>

#include "git/libgit2.hpp"

namespace tidemark::git {

namespace {

constexpr std::size_t max_header_bytes = 32;            // "commit 18446744073709551615" and its NUL
constexpr std::size_t max_deflate_ratio = 1032;         // what zlib reaches at most: a larger size is a lie
constexpr std::size_t input_bytes = 64 * 1024;

struct Backend {
  git_odb_backend parent;
  std::filesystem::path objects;
};

struct Header {
  git_object_t kind = GIT_OBJECT_INVALID;
  std::size_t size = 0;
  std::string_view rest;  // of the content, what came with the header
};

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

std::filesystem::path path_of(const git_odb_backend* backend, const git_oid& id) {
  const std::string hex = from_git(id).hex();
  return reinterpret_cast<const Backend*>(backend)->objects / hex.substr(0, 2) / hex.substr(2);
}

bool parse(std::string_view text, Header& header) {
  const std::size_t end = text.find('\0');
  const std::size_t space = text.find(' ');
  if (end == std::string_view::npos || space == std::string_view::npos || space > end) return false;
  header.kind = git_object_string2type(std::string(text.substr(0, space)).c_str());
  const auto [stop, error] = std::from_chars(text.data() + space + 1, text.data() + end, header.size);
  header.rest = text.substr(end + 1);
  const bool is_known = header.kind == GIT_OBJECT_COMMIT || header.kind == GIT_OBJECT_TREE || header.kind == GIT_OBJECT_BLOB || header.kind == GIT_OBJECT_TAG;
  return error == std::errc() && stop == text.data() + end && is_known;
}

// `text` backs header.rest.
int read_head(Inflater& file, std::array<char, max_header_bytes>& text, const git_oid& id, Header& header) {
  if (!file.is_open()) return GIT_ENOTFOUND;
  const std::size_t count = file.read(text.data(), text.size());
  if (!parse(std::string_view(text.data(), count), header)) return corrupt(id, "its header is unreadable");
  return 0;
}

int read_header(std::size_t* size, git_object_t* kind, git_odb_backend* backend, const git_oid* id) {
  Inflater file(path_of(backend, *id));
  std::array<char, max_header_bytes> text;
  Header header;
  if (const int code = read_head(file, text, *id, header); code < 0) return code;
  *size = header.size;
  *kind = header.kind;
  return 0;
}

int read_object(void** data, std::size_t* size, git_object_t* kind, git_odb_backend* backend, const git_oid* id) {
  Inflater file(path_of(backend, *id));
  std::array<char, max_header_bytes> text;
  Header header;
  if (const int code = read_head(file, text, *id, header); code < 0) return code;
  if (header.size / max_deflate_ratio > file.file_size() || header.rest.size() > header.size) return corrupt(*id, "its size is wrong");
  auto* bytes = static_cast<char*>(git_odb_backend_data_alloc(backend, header.size + 1));
  if (!bytes) return -1;
  std::ranges::copy(header.rest, bytes);
  const std::size_t left = header.size - header.rest.size();
  if (file.read(bytes + header.rest.size(), left) != left || !(file.at_end() || file.finish())) {
    git_odb_backend_data_free(backend, bytes);
    return corrupt(*id, "its content is cut off, too long or damaged");
  }
  bytes[header.size] = '\0';
  *data = bytes;
  *size = header.size;
  *kind = header.kind;
  return 0;
}

int exists(git_odb_backend* backend, const git_oid* id) { return access(path_of(backend, *id).c_str(), F_OK) == 0; }

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
