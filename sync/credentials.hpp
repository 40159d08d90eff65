// Who we are to a remote: http user and password, ssh keys and known hosts. Files are read when they are needed, never kept longer than a fetch, never logged.
#pragma once

#include <string>
#include <vector>

#include "git/libgit2.hpp"
#include "sync/settings.hpp"

namespace tidemark::sync {

class Credentials {
 public:
  explicit Credentials(const SyncSettings& settings);

  // libgit2's callbacks (git_credential_acquire_cb, git_transport_certificate_check_cb) with this object as payload. Each refusal leaves a sentence in refusal().
  static int acquire(git_credential** out, const char* url, const char* username_from_url, unsigned int allowed_types, void* payload);
  static int check_certificate(git_cert* certificate, int valid, const char* host, void* payload);

  void begin();                              // before each connection: tries anew, from the first key
  const std::string& refusal() const;        // why the last connection was refused by us, in words that say what to do; "" otherwise

 private:
  // the implementer's
};

}  // namespace tidemark::sync
