#include "sync/remote/known_hosts.hpp"

#include <libssh2.h>

#include <array>
#include <fstream>
#include <sstream>
#include <vector>

#include "daemon/error.hpp"

namespace tidemark::sync {

namespace {

constexpr std::size_t max_file_bytes = 4 * 1024 * 1024;
constexpr int any_key = LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW;

struct SessionFree {
  void operator()(LIBSSH2_SESSION* session) const { libssh2_session_free(session); }
};
struct HostsFree {
  void operator()(LIBSSH2_KNOWNHOSTS* hosts) const { libssh2_knownhost_free(hosts); }
};

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw TransientError("read " + file.string() + ": it can't be opened; mount the known hosts there or name them by --ssh-known-hosts-file");
  std::string text(max_file_bytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) throw TransientError("read " + file.string() + ": reading failed");
  if (static_cast<std::size_t>(in.gcount()) > max_file_bytes) throw TransientError("read " + file.string() + ": it is larger than 4 MiB");
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

}  // namespace

struct KnownHosts::Collection {
  // A session without a connection: libssh2 takes its allocator and its last error from it.
  std::unique_ptr<LIBSSH2_SESSION, SessionFree> session{libssh2_session_init()};
  std::unique_ptr<LIBSSH2_KNOWNHOSTS, HostsFree> hosts{session ? libssh2_knownhost_init(session.get()) : nullptr};
  std::vector<std::string> lines;

  Collection() {
    if (!hosts) throw std::bad_alloc();
  }

  void add(std::string_view line) {
    const int code = libssh2_knownhost_readline(hosts.get(), line.data(), line.size(), LIBSSH2_KNOWNHOST_FILE_OPENSSH);
    if (code == LIBSSH2_ERROR_ALLOC) throw std::bad_alloc();
    if (code == 0) lines.emplace_back(line);
  }

  int check(const std::string& host, int port, std::string_view key, libssh2_knownhost** found = nullptr) const {
    return libssh2_knownhost_checkp(hosts.get(), host.c_str(), port, key.data(), key.size(), any_key, found);
  }
};

KnownHosts::KnownHosts(const std::filesystem::path& file) : known_(std::make_unique<Collection>()), revoked_(std::make_unique<Collection>()) {
  constexpr std::string_view revoked = "@revoked ";
  std::istringstream lines(read_file(file));
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || line[0] == '#') continue;
    if (line.starts_with(revoked)) {
      revoked_->add(std::string_view(line).substr(revoked.size()));
    } else if (line[0] != '@') {
      known_->add(line);
    }
  }
}

KnownHosts::~KnownHosts() = default;

KnownHosts::Answer KnownHosts::check(const std::string& host, int port, std::string_view key) const {
  if (revoked_->check(host, port, key) == LIBSSH2_KNOWNHOST_CHECK_MATCH) return Answer::revoked;
  switch (known_->check(host, port, key)) {
    case LIBSSH2_KNOWNHOST_CHECK_MATCH:
      return Answer::known;
    case LIBSSH2_KNOWNHOST_CHECK_MISMATCH:
      return Answer::other_key;
    default:
      return Answer::unknown;
  }
}

std::string KnownHosts::preferred_line(const std::string& host, int port) const {
  constexpr std::array preference = {LIBSSH2_KNOWNHOST_KEY_ED25519, LIBSSH2_KNOWNHOST_KEY_ECDSA_256, LIBSSH2_KNOWNHOST_KEY_ECDSA_384,
                                     LIBSSH2_KNOWNHOST_KEY_ECDSA_521};
  std::size_t best = preference.size();
  std::string result;
  for (const std::string& line : known_->lines) {
    Collection one;
    one.add(line);
    libssh2_knownhost* found = nullptr;
    // A key that cannot be right: "mismatch" says that the line names the host.
    if (one.check(host, port, std::string_view("", 1), &found) != LIBSSH2_KNOWNHOST_CHECK_MISMATCH || !found) continue;
    const int kind = found->typemask & LIBSSH2_KNOWNHOST_KEY_MASK;
    for (std::size_t rank = 0; rank < best; ++rank) {
      if (preference[rank] != kind) continue;
      best = rank;
      result = line;
    }
  }
  return result;
}

}  // namespace tidemark::sync
