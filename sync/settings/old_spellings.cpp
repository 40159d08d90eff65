#include "sync/settings/old_spellings.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include "daemon/text.hpp"

namespace tidemark::sync {

namespace {

// What the old value was counted in.
enum class Old { text, number, seconds };

// A flag of git-sync v3 with its variable. It is not in the way of the new one only while it has its default: "" or 0.
struct OldFlag {
  std::string_view flag;
  std::string_view variable;
  std::string_view new_flag;
  Old value = Old::text;
};

constexpr OldFlag old_flags[] = {
    {"--branch", "GIT_SYNC_BRANCH", "--ref"},
    {"--rev", "GIT_SYNC_REV", "--ref"},
    {"--dest", "GIT_SYNC_DEST", "--link"},
    {"--wait", "GIT_SYNC_WAIT", "--period", Old::seconds},
    {"--timeout", "GIT_SYNC_TIMEOUT", "--sync-timeout", Old::seconds},
    {"--max-sync-failures", "GIT_SYNC_MAX_SYNC_FAILURES", "--max-failures", Old::number},
    {"--sync-hook-command", "GIT_SYNC_HOOK_COMMAND", "--exechook-command"},
    {"--change-permissions", "GIT_SYNC_PERMISSIONS", "--change-permissions", Old::number},
    {"--password", "", "GITSYNC_PASSWORD"},
    {"--v", "", "--verbose"},
};

struct OldVariable {
  std::string_view old_name;
  std::string_view new_name;
};

// Those whose names differ in more than GIT_SYNC_ for GITSYNC_.
constexpr OldVariable renamed_variables[] = {
    {"GIT_SSH_KEY_FILE", "GITSYNC_SSH_KEY_FILE"},   {"GIT_SYNC_KNOWN_HOSTS", "GITSYNC_SSH_KNOWN_HOSTS"},
    {"GIT_KNOWN_HOSTS", "GITSYNC_SSH_KNOWN_HOSTS"}, {"GIT_SSH_KNOWN_HOSTS_FILE", "GITSYNC_SSH_KNOWN_HOSTS_FILE"},
    {"GIT_COOKIE_FILE", "GITSYNC_COOKIE_FILE"},     {"GIT_ASKPASS_URL", "GITSYNC_ASKPASS_URL"},
};

constexpr std::string_view kept_names[] = {
    "REPO",
    "DEPTH",
    "SUBMODULES",
    "SPARSE_CHECKOUT_FILE",
    "ROOT",
    "LINK",
    "ERROR_FILE",
    "PERIOD",
    "SYNC_TIMEOUT",
    "ONE_TIME",
    "SYNC_ON_SIGNAL",
    "MAX_FAILURES",
    "TOUCH_FILE",
    "ADD_USER",
    "GROUP_WRITE",
    "EXECHOOK_COMMAND",
    "EXECHOOK_TIMEOUT",
    "EXECHOOK_BACKOFF",
    "WEBHOOK_URL",
    "WEBHOOK_METHOD",
    "WEBHOOK_SUCCESS_STATUS",
    "WEBHOOK_TIMEOUT",
    "WEBHOOK_BACKOFF",
    "USERNAME",
    "PASSWORD",
    "PASSWORD_FILE",
    "SSH_KEY_FILE",
    "SSH_KNOWN_HOSTS_FILE",
    "COOKIE_FILE",
    "ASKPASS_URL",
    "GIT",
    "GIT_CONFIG",
    "GIT_GC",
    "HTTP_BIND",
    "HTTP_METRICS",
    "HTTP_PPROF",
};

std::string value_of(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

bool is_unset(const std::string& value, Old kind) {
  return value.empty() || (kind != Old::text && value.find_first_not_of("0.") == std::string::npos);
}

std::string deprecated(std::string_view old_name, std::string_view new_name) { return fmt::format("{} is deprecated; use {}", old_name, new_name); }

const OldFlag* find_flag(std::string_view name) {
  const auto* found = std::find_if(std::begin(old_flags), std::end(old_flags), [&](const OldFlag& flag) { return flag.flag == name; });
  return found == std::end(old_flags) ? nullptr : found;
}

// "-v5", "-v=5", "-v 5" and "-?" in the long form, and the flag that takes no value without an equals sign with one.
std::vector<std::string> without_shorthands(const std::vector<std::string>& arguments) {
  std::vector<std::string> result;
  for (const auto& argument : arguments) {
    if (argument == "-?")
      result.emplace_back("--help");
    else if (argument == "--cookie-file")
      result.emplace_back("--cookie-file=true");
    else if (argument == "-v")
      result.emplace_back("--verbose");
    else if (argument.starts_with("-v") && argument.find_first_not_of("=0123456789", 2) == std::string::npos)
      result.push_back("--verbose=" + argument.substr(argument[2] == '=' ? 3 : 2));
    else
      result.push_back(argument);
  }
  return result;
}

class Rewriter {
 public:
  Rewriter(const std::vector<std::string>& arguments, const Environment& environment) : old_(environment), result_{{}, environment} {
    take_flags(without_shorthands(arguments));
  }

  Spelling rewritten() && {
    rename_variables();
    for (const auto& flag : old_flags) override(flag);
    override_ref();
    if (const auto keys = result_.environment.find("GITSYNC_SSH_KEY_FILE"); keys != result_.environment.end())
      std::replace(keys->second.begin(), keys->second.end(), ':', ',');
    report_unknown_variables();
    return std::move(result_);
  }

 private:
  void take_flags(const std::vector<std::string>& arguments) {
    for (std::size_t i = 0; i < arguments.size(); i++) {
      const std::string& argument = arguments[i];
      const auto equals = argument.find('=');
      const OldFlag* flag = i == 0 ? nullptr : find_flag(argument.substr(0, equals));
      if (flag == nullptr)
        result_.arguments.push_back(argument);
      else if (equals != std::string::npos)
        given_[flag->flag] = argument.substr(equals + 1);
      else if (i + 1 < arguments.size())
        given_[flag->flag] = arguments[++i];
      else
        result_.problems.push_back(argument + ": needs a value");
    }
  }

  // The old variable stands in for the old flag when that is not given.
  std::string old_value(const OldFlag& flag) {
    if (const auto found = given_.find(flag.flag); found != given_.end()) return found->second;
    return flag.variable.empty() ? "" : value_of(old_, flag.variable);
  }

  void override(const OldFlag& flag) {
    const std::string value = old_value(flag);
    if (is_unset(value, flag.value)) return;
    if (flag.flag != flag.new_flag) result_.notes.push_back(deprecated(given_.contains(flag.flag) ? flag.flag : flag.variable, flag.new_flag));
    if (flag.new_flag == "--ref") return;
    if (flag.new_flag.starts_with("--"))
      result_.arguments.push_back(fmt::format("{}={}{}", flag.new_flag, value, flag.value == Old::seconds ? "s" : ""));
    else
      result_.environment[std::string(flag.new_flag)] = value;
  }

  // git-sync: a branch with the rev HEAD, or with none, is the branch; a rev alone is the rev; both are a mistake.
  void override_ref() {
    const std::string branch = old_value(*find_flag("--branch"));
    const std::string rev = old_value(*find_flag("--rev"));
    if (!branch.empty() && !rev.empty() && rev != "HEAD")
      result_.problems.emplace_back("--branch and --rev (or GIT_SYNC_BRANCH and GIT_SYNC_REV) exclude each other; use --ref");
    else if (!branch.empty() || !rev.empty())
      result_.arguments.push_back("--ref=" + (branch.empty() ? rev : branch));
  }

  void rename_variables() {
    for (const auto name : kept_names) rename(fmt::format("GIT_SYNC_{}", name), fmt::format("GITSYNC_{}", name));
    for (const auto& [old_name, new_name] : renamed_variables) rename(old_name, new_name);
  }

  void rename(std::string_view old_name, std::string_view new_name) {
    const std::string value = value_of(old_, old_name);
    if (value.empty()) return;
    const bool both = !value_of(old_, new_name).empty();
    result_.notes.push_back(deprecated(old_name, new_name) + (both ? fmt::format(" (both are set, and the old one wins as with git-sync)") : ""));
    result_.environment[std::string(new_name)] = value;
  }

  // Not a problem, unlike an unknown GITSYNC_*: a Service named git-sync makes such variables too (GIT_SYNC_SERVICE_HOST, GIT_SYNC_PORT...).
  void report_unknown_variables() {
    std::vector<std::string> names;
    for (const auto name : kept_names) names.push_back(fmt::format("GIT_SYNC_{}", name));
    for (const auto& renamed : renamed_variables) names.emplace_back(renamed.old_name);
    for (const auto& flag : old_flags)
      if (!flag.variable.empty()) names.emplace_back(flag.variable);
    for (const auto& [name, value] : old_) {
      const bool made_by_kubernetes = name.find("_SERVICE_") != std::string::npos || name.find("_PORT") != std::string::npos;
      if (!name.starts_with("GIT_SYNC_") || made_by_kubernetes || std::find(names.begin(), names.end(), name) != names.end()) continue;
      const std::string near = nearest(name, names);
      result_.notes.push_back(name + " is not read: no such setting" + (near.empty() ? "" : "; did you mean " + near + "?"));
    }
  }

  const Environment& old_;
  std::map<std::string_view, std::string> given_;  // values of old flags on the command line
  Spelling result_;
};

}  // namespace

Spelling with_new_spellings(const std::vector<std::string>& arguments, const Environment& environment) {
  return Rewriter(arguments, environment).rewritten();
}

}  // namespace tidemark::sync
