#include "sync/publish/index_file.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>
#include <utility>

#include "daemon/error.hpp"

namespace tidemark::sync {

namespace {

constexpr std::size_t buffer_bytes = 64 * 1024;
constexpr std::size_t header_bytes = 12;
constexpr std::size_t fixed_bytes = 62;  // of an entry: ten numbers, the id, the flags
constexpr std::size_t trailer_bytes = 20;
constexpr std::size_t longest_path = 64 * 1024;
constexpr std::uint16_t name_mask = 0x0fff, stage_mask = 0x3000, extended_flag = 0x4000;
constexpr std::uint16_t skip_worktree = 0x4000;  // in the two bytes that follow where the flag above is set

void put32(std::string& out, std::uint32_t value) {
  const char bytes[] = {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8), static_cast<char>(value)};
  out.append(bytes, sizeof bytes);
}

void put16(std::string& out, std::uint16_t value) {
  const char bytes[] = {static_cast<char>(value >> 8), static_cast<char>(value)};
  out.append(bytes, sizeof bytes);
}

std::uint32_t get32(const char* at) {
  const auto byte = [&](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(at[i])); };
  return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}

// An entry is filled up with 1 to 8 NUL bytes to a multiple of eight.
std::size_t padding(std::size_t entry_bytes) { return 8 - entry_bytes % 8; }

std::size_t read_some(int fd, char* to, std::size_t bytes) {
  while (true) {
    const ssize_t got = ::read(fd, to, bytes);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return 0;
  }
}

struct DigestDeleter {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

// The format's trailer.
class Sha1 {
 public:
  Sha1() : context_(EVP_MD_CTX_new()) {
    if (!context_) throw std::bad_alloc();
    if (EVP_DigestInit_ex(context_.get(), EVP_sha1(), nullptr) != 1) throw StalledError("libcrypto offers no SHA-1, which git's index needs");
  }
  void add(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  std::string finish() {
    std::string digest(trailer_bytes, '\0');
    EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
    return digest;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, DigestDeleter> context_;
};

}  // namespace

FileStat FileStat::of(const struct stat& status, git::Mode mode) {
  const auto cut = [](auto value) { return static_cast<std::uint32_t>(value); };
  return {cut(status.st_ctim.tv_sec),
          cut(status.st_ctim.tv_nsec),
          cut(status.st_mtim.tv_sec),
          cut(status.st_mtim.tv_nsec),
          cut(status.st_dev),
          cut(status.st_ino),
          cut(mode),
          cut(status.st_uid),
          cut(status.st_gid),
          cut(status.st_size)};
}

bool FileStat::is_same_file(const FileStat& other) const {
  return inode == other.inode && size == other.size && mtime_seconds == other.mtime_seconds && mtime_nanoseconds == other.mtime_nanoseconds;
}

std::optional<IndexReader> IndexReader::open(int directory, const std::string& name) {
  FileDescriptor file(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return std::nullopt;
  IndexReader reader(std::move(file));
  if (!reader.verify()) return std::nullopt;
  return reader;
}

IndexReader::IndexReader(FileDescriptor file) : file_(std::move(file)) { buffer_.reserve(buffer_bytes + longest_path); }

// Reads the file once whole, so that no entry of a damaged one is ever used. An all-zero trailer is git's index.skipHash: nothing vouches for it.
bool IndexReader::verify() {
  struct stat status{};
  if (::fstat(file_.get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size < static_cast<off_t>(header_bytes + trailer_bytes))
    return false;
  Sha1 sha1;
  std::string chunk(buffer_bytes, '\0');
  for (std::size_t left = static_cast<std::size_t>(status.st_size) - trailer_bytes; left > 0;) {
    const std::size_t got = read_some(file_.get(), chunk.data(), std::min(left, chunk.size()));
    if (got == 0) return false;
    sha1.add({chunk.data(), got});
    left -= got;
  }
  std::string trailer(trailer_bytes, '\0');
  if (read_some(file_.get(), trailer.data(), trailer_bytes) != trailer_bytes || trailer != sha1.finish()) return false;
  if (::lseek(file_.get(), 0, SEEK_SET) != 0) return false;
  const std::string_view header = take(header_bytes);
  if (header.size() != header_bytes || header.substr(0, 4) != "DIRC") return false;
  left_ = get32(header.data() + 8);
  const std::uint32_t version = get32(header.data() + 4);
  return version == 2 || version == 3;
}

bool IndexReader::fill(std::size_t bytes) {
  if (buffer_.size() - position_ >= bytes) return true;
  buffer_.erase(0, position_);
  position_ = 0;
  while (buffer_.size() < bytes) {
    const std::size_t before = buffer_.size();
    buffer_.resize(std::max(bytes, buffer_bytes));
    const std::size_t got = read_some(file_.get(), buffer_.data() + before, buffer_.size() - before);
    buffer_.resize(before + got);
    if (got == 0) return false;
  }
  return true;
}

std::string_view IndexReader::take(std::size_t bytes) {
  fill(bytes);
  const std::string_view taken = std::string_view(buffer_).substr(position_, bytes);
  position_ += taken.size();
  return taken;
}

const IndexEntry* IndexReader::next() {
  if (left_ == 0) return nullptr;
  left_--;
  std::size_t size = fixed_bytes;
  const std::string_view fixed = take(fixed_bytes);
  if (fixed.size() != fixed_bytes) return nullptr;
  const auto number = [&](std::size_t i) { return get32(fixed.data() + 4 * i); };
  entry_.stat = {number(0), number(1), number(2), number(3), number(4), number(5), number(6), number(7), number(8), number(9)};
  entry_.oid = git::Oid::from_raw(reinterpret_cast<const unsigned char*>(fixed.data()) + 40);
  const auto flags = static_cast<std::uint16_t>(get32(fixed.data() + 58) & 0xffff);
  entry_.is_merged = (flags & stage_mask) == 0;
  if ((flags & extended_flag) != 0) size += take(2).size();
  std::size_t length = flags & name_mask;
  if (length == name_mask) {  // this long or longer: up to the NUL
    std::size_t searched = length;
    while (true) {
      if (!fill(searched + 1)) return nullptr;
      const auto end = buffer_.find('\0', position_ + searched);
      if (end != std::string::npos) {
        length = end - position_;
        break;
      }
      searched = buffer_.size() - position_;
      if (searched > longest_path) return nullptr;
    }
  }
  entry_.path = take(length);
  if (entry_.path.size() != length) return nullptr;
  take(padding(size + length));
  return &entry_;
}

IndexWriter::IndexWriter(int directory, const std::string& name)
    : file_(::openat(directory, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666)) {
  if (!file_) fail_with(errno, "cannot make the file " + name);
  buffer_.reserve(buffer_bytes + longest_path);
  buffer_ = "DIRC";
  put32(buffer_, 0);  // the version and how many entries: known in the end
  put32(buffer_, 0);
}

void IndexWriter::add(std::string_view path, const git::Oid& oid, const FileStat& stat, Presence presence) {
  for (const std::uint32_t number : {stat.ctime_seconds, stat.ctime_nanoseconds, stat.mtime_seconds, stat.mtime_nanoseconds, stat.device, stat.inode,
                                     stat.mode, stat.user, stat.group, stat.size})
    put32(buffer_, number);
  buffer_ += oid.bytes();
  const bool is_left_out = presence == Presence::left_out;
  const auto flags = static_cast<std::uint16_t>(std::min<std::size_t>(path.size(), name_mask) | (is_left_out ? extended_flag : 0));
  put16(buffer_, flags);
  if (is_left_out) {
    put16(buffer_, skip_worktree);
    version_ = 3;
  }
  buffer_ += path;
  buffer_.append(padding(fixed_bytes + (is_left_out ? 2 : 0) + path.size()), '\0');
  entries_++;
  if (buffer_.size() >= buffer_bytes) flush();
}

void IndexWriter::flush() {
  write_all(file_.get(), buffer_, "the published tree's index");
  written_ += buffer_.size();
  buffer_.clear();
}

void IndexWriter::finish() {
  flush();
  std::string header;
  put32(header, version_);
  put32(header, entries_);
  if (::pwrite(file_.get(), header.data(), header.size(), 4) != static_cast<ssize_t>(header.size()))
    fail_with(errno, "cannot write the published tree's index");
  if (::lseek(file_.get(), 0, SEEK_SET) != 0) fail_with(errno, "cannot read the published tree's index");
  Sha1 sha1;
  std::string chunk(buffer_bytes, '\0');
  for (std::size_t left = written_; left > 0;) {
    const std::size_t got = read_some(file_.get(), chunk.data(), std::min(left, chunk.size()));
    if (got == 0) fail_with(EIO, "cannot read the published tree's index");
    sha1.add({chunk.data(), got});
    left -= got;
  }
  write_all(file_.get(), sha1.finish(), "the published tree's index");
}

}  // namespace tidemark::sync
