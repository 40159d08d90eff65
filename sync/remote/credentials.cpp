#include "sync/remote/credentials.hpp"

#include <array>
#include <fstream>
#include <iterator>
#include <utility>

#include "daemon/error.hpp"
#include "sync/remote/known_hosts.hpp"

namespace tidemark::sync {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view default_ssh_user = "git";

std::string joined(const std::vector<std::string>& texts) {
  std::string result;
  for (const auto& text : texts) result += (result.empty() ? "" : ", ") + text;
  return result;
}

std::string_view kind_of(const git_cert_hostkey& certificate) {
  switch (certificate.raw_type) {
    case GIT_CERT_SSH_RAW_TYPE_RSA:
      return "RSA";
    case GIT_CERT_SSH_RAW_TYPE_DSS:
      return "DSA";
    case GIT_CERT_SSH_RAW_TYPE_KEY_ECDSA_256:
    case GIT_CERT_SSH_RAW_TYPE_KEY_ECDSA_384:
    case GIT_CERT_SSH_RAW_TYPE_KEY_ECDSA_521:
      return "ECDSA";
    case GIT_CERT_SSH_RAW_TYPE_KEY_ED25519:
      return "Ed25519";
    default:
      return "unknown";
  }
}

// "openssh-key-v1", NUL, and the cipher's name, "none", as base64 (OpenSSH's PROTOCOL.key).
constexpr std::string_view openssh_without_passphrase = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU";

// A private key in PEM or OpenSSH's format, without a passphrase as far as its head shows; otherwise why not. libgit2 would end the whole connection
// at it.
std::string problem_of_key(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return "can't be read";
  std::array<char, 256> head{};
  in.read(head.data(), head.size());
  const std::string_view text(head.data(), static_cast<std::size_t>(in.gcount()));
  if (text.find("-----BEGIN ") == std::string_view::npos || text.find("PRIVATE KEY-----") == std::string_view::npos) return "is no private key";
  const bool is_openssh = text.find("OPENSSH PRIVATE KEY-----") != std::string_view::npos;
  if (text.find("ENCRYPTED") != std::string_view::npos || (is_openssh && text.find(openssh_without_passphrase) == std::string_view::npos)) {
    return "has a passphrase, which is not supported";
  }
  return "";
}

}  // namespace

Credentials::Credentials(const SyncSettings& settings, RemoteUrl remote) : settings_(settings), remote_(std::move(remote)) {}

void Credentials::begin() {
  next_key_ = 0;
  tried_keys_.clear();
  skipped_keys_.clear();
  refusal_.clear();
}

int Credentials::acquire(git_credential** out, const char*, const char* username_from_url, unsigned int allowed_types, void* payload) {
  auto* self = static_cast<Credentials*>(payload);
  try {
    return self->give(out, username_from_url, allowed_types);
  } catch (const std::exception& error) {
    return self->refuse(error.what());
  }
}

int Credentials::give(git_credential** out, const char* username_from_url, unsigned int allowed_types) {
  const std::string user = username_from_url ? username_from_url : remote_.user.value_or(std::string(default_ssh_user));
  if (allowed_types & GIT_CREDENTIAL_USERNAME) return git_credential_username_new(out, user.c_str());
  if (allowed_types & GIT_CREDENTIAL_SSH_KEY) return give_ssh_key(out, user);
  return refuse(remote_.host + " does not take ssh keys for the user " + user + "; allow public key authentication there");
}

int Credentials::give_ssh_key(git_credential** out, const std::string& user) {
  while (next_key_ < settings_.ssh_key_files.size()) {
    const std::string& path = settings_.ssh_key_files[next_key_++];
    if (const std::string problem = problem_of_key(path); !problem.empty()) {
      skipped_keys_.push_back(path + " " + problem);
      continue;
    }
    tried_keys_.push_back(path);
    return git_credential_ssh_key_new(out, user.c_str(), nullptr, path.c_str(), nullptr);
  }
  std::string reason;
  if (!tried_keys_.empty()) {
    reason = remote_.host + " refuses the user " + user + " with each key of --ssh-key-file (" + joined(tried_keys_) +
             "); let one of them read the repository, or name another";
  } else {
    reason = "there is no ssh key for " + remote_.host + ": name a private key by --ssh-key-file";
  }
  if (!skipped_keys_.empty()) reason += "; not used: " + joined(skipped_keys_);
  return refuse(reason);
}

int Credentials::check_certificate(git_cert* certificate, int valid, const char* host, void* payload) {
  auto* self = static_cast<Credentials*>(payload);
  try {
    if (certificate->cert_type == GIT_CERT_HOSTKEY_LIBSSH2) {
      return self->check_host_key(*reinterpret_cast<const git_cert_hostkey*>(certificate), host);
    }
    return valid ? 0 : GIT_ECERTIFICATE;
  } catch (const std::exception& error) {
    self->refuse(error.what());
    return GIT_ECERTIFICATE;
  }
}

int Credentials::check_host_key(const git_cert_hostkey& certificate, const std::string& host) {
  if (!settings_.ssh_known_hosts) return 0;
  const KnownHosts known(settings_.ssh_known_hosts_file);
  const std::string place = remote_.port == 22 ? host : "[" + host + "]:" + std::to_string(remote_.port);
  const std::string_view key(certificate.hostkey ? certificate.hostkey : "", certificate.hostkey ? certificate.hostkey_len : 0);
  const std::string kind(kind_of(certificate));
  switch (known.check(host, remote_.port, key)) {
    case KnownHosts::Answer::known:
      return 0;
    case KnownHosts::Answer::unknown:
      refuse("the ssh host " + place + " is not in " + settings_.ssh_known_hosts_file + "; add its key (ssh-keyscan -p " +
             std::to_string(remote_.port) + " " + host + ", compared with what its owner publishes)");
      break;
    case KnownHosts::Answer::other_key:
      refuse("the ssh host " + place + " shows an " + kind + " key other than those in " + settings_.ssh_known_hosts_file +
             ": somebody may be in between; if its owner confirms the new key, put it into the file");
      break;
    case KnownHosts::Answer::revoked:
      refuse("the ssh host " + place + " shows a key that is revoked in " + settings_.ssh_known_hosts_file + "; ask its owner");
      break;
  }
  return GIT_ECERTIFICATE;
}

int Credentials::refuse(std::string reason) {
  refusal_ = std::move(reason);
  return GIT_EUSER;
}

void Credentials::prepare_home(const fs::path& home) const {
  const std::string wanted =
      settings_.ssh_known_hosts ? KnownHosts(settings_.ssh_known_hosts_file).preferred_line(remote_.host, remote_.port) + "\n" : "\n";
  const fs::path file = home / ".ssh" / "known_hosts";
  std::ifstream in(file, std::ios::binary);
  if (in && std::string(std::istreambuf_iterator<char>(in), {}) == wanted) return;
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << wanted;
  out.close();
  if (error || !out) throw TransientError("write " + file.string() + " failed; check that the volume is writable and not full");
}

}  // namespace tidemark::sync
