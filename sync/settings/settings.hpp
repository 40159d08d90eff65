// The sidecar's settings, with git-sync's names, defaults and environment (kubernetes/git-sync v4's manual).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/log.hpp"
#include "daemon/settings.hpp"
#include "sync/settings/credential_setting.hpp"
#include "sync/settings/github_app_setting.hpp"

namespace tidemark::sync {

enum class Checkout { full, none, sparse };
// Which submodules are fetched: those within others too, those of the repository itself, none.
enum class SubmoduleNesting { recursive, shallow, off };
// git-sync's --git-gc: here it says how many small packs may gather before they become one.
enum class Packing { automatic, always, aggressive, off };

struct SyncSettings {
  std::string repo;          // --repo: URL, or a path
  std::string ref = "HEAD";  // --ref: branch, tag or full hash
  std::string root;          // --root
  std::string link;          // --link: absolute or relative to root; default: the last segment of repo
  Duration period = std::chrono::seconds(10);
  Duration init_period{0};  // until the first success; 0 = period
  Duration sync_timeout = std::chrono::seconds(120);
  bool one_time = false;
  std::int64_t depth = 1;  // 0 = all
  SubmoduleNesting submodules = SubmoduleNesting::recursive;
  Checkout checkout = Checkout::full;
  std::string sparse_file;                              // --sparse-checkout-file
  bool group_write = false;                             // umask 0002 instead of 0022
  std::string share_files = "auto";                     // or always, never
  bool hard_links = true;                               // what follows from it
  Duration sweep_period = std::chrono::minutes(10);     // 0 = never
  std::optional<Duration> stale_timeout = Duration(0);  // how long old trees stay; nothing = whatever their age
  std::int64_t max_stale_trees = -1;                    // how many at most; negative = whatever their number
  std::int64_t max_failures = 0;  // in a row before the first success; negative = for ever. After the first success an outage never ends the process.
  std::optional<std::int64_t> init_max_failures;  // before the first success instead of max_failures
  std::optional<int> sync_on_signal;              // besides SIGHUP
  Duration stale_after{0};                        // readiness ends when the last success is older; 0 = never
  std::string error_file;                         // absolute or relative to root; empty = none
  std::string touch_file;                         // likewise
  bool http_metrics = false;
  std::string webhook_url;  // empty = none
  Duration webhook_timeout = std::chrono::seconds(1);
  Duration webhook_backoff = std::chrono::seconds(3);
  std::string webhook_method = "POST";
  std::optional<int> webhook_success_status;  // nothing = any 2xx; 0 = every answer
  std::string exechook_command;               // a path; empty = none
  Duration exechook_timeout = std::chrono::seconds(30);
  Duration exechook_backoff = std::chrono::seconds(3);
  std::string pre_publish_command;  // likewise
  Duration pre_publish_timeout = std::chrono::seconds(30);
  Duration pre_publish_backoff = std::chrono::seconds(3);
  std::string http_bind;  // empty = none
  std::string username;
  std::string password;       // GITSYNC_PASSWORD only
  std::string password_file;  // read again at every sync
  std::vector<CredentialSetting> credentials;
  std::string cookie_file;  // empty = none
  std::string askpass_url;  // empty = none
  GithubAppSetting github_app;
  std::string ca_file;           // PEM; empty = the system's authorities
  std::string client_cert_file;  // PEM; empty = none
  std::string client_key_file;   // PEM; empty = the certificate's file has it
  std::vector<std::string> ssh_key_files = {"/etc/git-secret/ssh"};
  bool ssh_known_hosts = true;
  std::string ssh_known_hosts_file = "/etc/git-secret/known_hosts";
  std::string listen;                     // empty = none
  std::string listen_secret_file;         // empty = none, on loopback alone
  std::vector<std::string> listen_repos;  // other URLs of repo
  Packing packing = Packing::always;      // --git-gc
  LogFormat log_format = LogFormat::text;
  LogLevel log_level = LogLevel::info;
  std::vector<std::string> notes;  // deprecated spellings and settings that are not needed, a line each: for the log
};

// Throws ConfigError with all problems; false when --help, --version or --man was answered. Whatever it throws, `settings` has what could be read.
bool read_settings(int argc, const char* const* argv, const Environment& environment, std::ostream& out, SyncSettings& settings);
std::optional<SyncSettings> read_settings(int argc, const char* const* argv, const Environment& environment, std::ostream& out);

// "https://host/a/b.git/" -> "b.git": git-sync's default link.
std::string default_link(std::string_view repo);

}  // namespace tidemark::sync
