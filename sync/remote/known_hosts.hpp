// A known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): is this the host's key? Through libssh2, hashed names included.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace tidemark::sync {

class KnownHosts {
 public:
  // Throws TransientError naming the file when it can't be read or is over 4 MiB. Lines that libssh2 does not understand count as absent.
  explicit KnownHosts(const std::filesystem::path& file);
  ~KnownHosts();
  KnownHosts(const KnownHosts&) = delete;
  KnownHosts& operator=(const KnownHosts&) = delete;

  enum class Answer { known, unknown, other_key, revoked };
  // `key` is the host key's blob as the server sent it.
  Answer check(const std::string& host, int port, std::string_view key) const;

  // The line that names this host with the kind of key to ask the server for (Ed25519, then ECDSA), or "". For libgit2, which asks for the kind of
  // the first line in a known_hosts of its own; RSA is left out, as asking for ssh-rsa would mean SHA-1, which servers refuse.
  std::string preferred_line(const std::string& host, int port) const;

 private:
  struct Collection;
  std::unique_ptr<Collection> known_;
  std::unique_ptr<Collection> revoked_;
};

}  // namespace tidemark::sync
