// Who we are to an ssh remote, and who it is: keys and known hosts. Files are read when they are needed, never kept longer than a fetch, never
// logged.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "git/libgit2.hpp"
#include "sync/remote/remote_url.hpp"
#include "sync/settings/settings.hpp"

namespace tidemark::sync {

class Credentials {
 public:
  Credentials(const SyncSettings& settings, RemoteUrl remote);

  // libgit2's callbacks (git_credential_acquire_cb, git_transport_certificate_check_cb) with this object as payload. Each refusal leaves a sentence
  // in refusal().
  static int acquire(git_credential** out, const char* url, const char* username_from_url, unsigned int allowed_types, void* payload);
  static int check_certificate(git_cert* certificate, int valid, const char* host, void* payload);

  void begin();                                            // before each connection: tries anew, from the first key
  const std::string& refusal() const { return refusal_; }  // why the last connection was refused by us, in words that say what to do; "" otherwise

  const RemoteUrl& remote() const { return remote_; }

  // Before an ssh connection: libgit2 asks the server for the kind of host key that `home`/.ssh/known_hosts has. Written only when it changes.
  void prepare_home(const std::filesystem::path& home) const;

 private:
  int give(git_credential** out, const char* username_from_url, unsigned int allowed_types);
  int give_ssh_key(git_credential** out, const std::string& user);
  int check_host_key(const git_cert_hostkey& certificate, const std::string& host);
  int refuse(std::string reason);

  SyncSettings settings_;
  RemoteUrl remote_;
  std::size_t next_key_ = 0;
  std::vector<std::string> tried_keys_;
  std::vector<std::string> skipped_keys_;  // with the reason
  std::string refusal_;
};

}  // namespace tidemark::sync
