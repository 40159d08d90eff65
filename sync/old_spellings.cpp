#include "sync/old_spellings.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include "daemon/error.hpp"

namespace tidemark::sync {

namespace {

// What the old value was counted in.
enum class Old { text, seconds };

struct OldName {
  std::string_view old_name;
  std::string_view new_name;
  Old value = Old::text;
};

constexpr OldName old_flags[] = {
    {"--branch", "--ref"}, {"--rev", "--ref"}, {"--dest", "--link"}, {"--wait", "--period", Old::seconds}, {"--timeout", "--sync-timeout", Old::seconds}, {"--max-sync-failures", "--max-failures"},
};

// In this order: a later one that is set wins.
constexpr OldName old_variables[] = {
    {"GIT_SYNC_REPO", "GITSYNC_REPO"},
    {"GIT_SYNC_ROOT", "GITSYNC_ROOT"},
    {"GIT_SYNC_LINK", "GITSYNC_LINK"},
    {"GIT_SYNC_DEST", "GITSYNC_LINK"},
    {"GIT_SYNC_DEPTH", "GITSYNC_DEPTH"},
    {"GIT_SYNC_PERIOD", "GITSYNC_PERIOD"},
    {"GIT_SYNC_WAIT", "GITSYNC_PERIOD", Old::seconds},
    {"GIT_SYNC_SYNC_TIMEOUT", "GITSYNC_SYNC_TIMEOUT"},
    {"GIT_SYNC_TIMEOUT", "GITSYNC_SYNC_TIMEOUT", Old::seconds},
    {"GIT_SYNC_ONE_TIME", "GITSYNC_ONE_TIME"},
    {"GIT_SYNC_MAX_FAILURES", "GITSYNC_MAX_FAILURES"},
    {"GIT_SYNC_MAX_SYNC_FAILURES", "GITSYNC_MAX_FAILURES"},
    {"GIT_SYNC_WEBHOOK_URL", "GITSYNC_WEBHOOK_URL"},
    {"GIT_SYNC_WEBHOOK_TIMEOUT", "GITSYNC_WEBHOOK_TIMEOUT"},
    {"GIT_SYNC_WEBHOOK_BACKOFF", "GITSYNC_WEBHOOK_BACKOFF"},
    {"GIT_SYNC_HTTP_BIND", "GITSYNC_HTTP_BIND"},
    {"GIT_SYNC_USERNAME", "GITSYNC_USERNAME"},
    {"GIT_SYNC_PASSWORD", "GITSYNC_PASSWORD"},
    {"GIT_SYNC_PASSWORD_FILE", "GITSYNC_PASSWORD_FILE"},
    {"GIT_SYNC_SSH_KEY_FILE", "GITSYNC_SSH_KEY_FILE"},
    {"GIT_SSH_KEY_FILE", "GITSYNC_SSH_KEY_FILE"},
    {"GIT_SYNC_KNOWN_HOSTS", "GITSYNC_SSH_KNOWN_HOSTS"},
    {"GIT_KNOWN_HOSTS", "GITSYNC_SSH_KNOWN_HOSTS"},
    {"GIT_SYNC_SSH_KNOWN_HOSTS_FILE", "GITSYNC_SSH_KNOWN_HOSTS_FILE"},
    {"GIT_SSH_KNOWN_HOSTS_FILE", "GITSYNC_SSH_KNOWN_HOSTS_FILE"},
};

std::string translated(std::string_view value, Old kind) { return kind == Old::seconds ? std::string(value) + "s" : std::string(value); }

// Zero and the empty text were the old flags' defaults: not set.
bool is_unset(std::string_view value) { return value.empty() || value == "0"; }

std::string as_boolean(const std::string& value) {
  for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"})
    if (value == yes) return "true";
  for (const char* no : {"0", "f", "F", "false", "FALSE", "False"})
    if (value == no) return "false";
  return value;
}

// git-sync: a branch with the rev HEAD, or with none, is the branch; a rev alone is the rev; both are a mistake.
std::optional<std::string> ref_of(const std::string& branch, const std::string& rev, std::string_view branch_name, std::string_view rev_name) {
  if (!branch.empty() && (rev.empty() || rev == "HEAD")) return branch;
  if (!branch.empty()) throw ConfigError(std::string(branch_name) + " and " + std::string(rev_name) + " exclude each other; use --ref");
  if (!rev.empty()) return rev;
  return std::nullopt;
}

}  // namespace

std::vector<std::string> with_new_flags(const std::vector<std::string>& arguments) {
  std::vector<std::string> result;
  std::map<std::string_view, std::string> old_values;
  for (std::size_t i = 0; i < arguments.size(); i++) {
    const std::string& argument = arguments[i];
    const auto equals = argument.find('=');
    const auto* flag = std::find_if(std::begin(old_flags), std::end(old_flags), [&](const OldName& f) { return i > 0 && argument.substr(0, equals) == f.old_name; });
    if (flag == std::end(old_flags))
      result.push_back(argument);
    else if (equals != std::string::npos)
      old_values[flag->old_name] = argument.substr(equals + 1);
    else if (i + 1 < arguments.size())
      old_values[flag->old_name] = arguments[++i];
    else
      throw ConfigError(argument + ": needs a value");
  }
  if (const auto ref = ref_of(old_values["--branch"], old_values["--rev"], "--branch", "--rev")) result.push_back("--ref=" + *ref);
  for (const auto& flag : old_flags) {
    const std::string& value = old_values[flag.old_name];
    if (flag.new_name != "--ref" && !is_unset(value)) result.push_back(std::string(flag.new_name) + "=" + translated(value, flag.value));
  }
  return result;
}

Environment with_new_variables(const Environment& environment) {
  Environment result = environment;
  const auto value_of = [&](const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
  };
  for (const auto& variable : old_variables) {
    const auto found = environment.find(variable.old_name);
    if (found == environment.end() || found->second.empty() || (variable.value == Old::seconds && is_unset(found->second))) continue;
    result[std::string(variable.new_name)] = translated(found->second, variable.value);
  }
  if (const auto ref = ref_of(value_of("GIT_SYNC_BRANCH"), value_of("GIT_SYNC_REV"), "GIT_SYNC_BRANCH", "GIT_SYNC_REV")) result["GITSYNC_REF"] = *ref;
  if (const auto keys = result.find("GITSYNC_SSH_KEY_FILE"); keys != result.end()) std::replace(keys->second.begin(), keys->second.end(), ':', ',');
  for (const char* name : {"GITSYNC_ONE_TIME", "GITSYNC_SSH_KNOWN_HOSTS"})
    if (const auto flag = result.find(name); flag != result.end()) flag->second = as_boolean(flag->second);
  return result;
}

}  // namespace tidemark::sync
