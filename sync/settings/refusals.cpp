#include "sync/settings/refusals.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/settings_sources.hpp"

namespace tidemark::sync {

namespace {

enum class Shape { value, flag };
enum class Verdict { refused, not_needed };

struct Refusal {
  std::string_view name;
  Shape shape;
  Verdict verdict;
  std::string_view harmless;  // values that change nothing, with commas between; "" is always one
  std::string_view reason;    // and what to do instead
};

constexpr Refusal refusals[] = {
    {"filter", Shape::value, Verdict::refused, "",
     "libgit2 makes no partial clones; leave it out, and save by --depth and by --checkout=none where no files are read"},
    {"git", Shape::value, Verdict::refused, "git", "no git command is run, libgit2 is built in; leave it out"},
    {"http-pprof", Shape::flag, Verdict::refused, "false",
     "these are profiles of Go programs; leave it out, and use --http-metrics, or perf(1) on the node"},
    {"change-permissions", Shape::value, Verdict::refused, "0", "git-sync has dropped it too; leave it out"},
    {"add-user", Shape::flag, Verdict::not_needed, "false", "ssh needs no record of the user here"},
    {"ssh", Shape::flag, Verdict::not_needed, "false", "--repo says whether it is ssh"},
};

// `value` is one of the words with commas between.
bool is_one_of(std::string_view value, std::string_view words) {
  while (!words.empty()) {
    const auto comma = std::min(words.find(','), words.size());
    if (words.substr(0, comma) == value) return true;
    words.remove_prefix(std::min(comma + 1, words.size()));
  }
  return false;
}

bool is_harmless(const Refusal& refusal, std::string_view value) {
  if (refusal.shape == Shape::flag && is_one_of(value, "0,f,F,FALSE,False")) return true;
  return value.empty() || is_one_of(value, refusal.harmless);
}

const Refusal* find_refusal(std::string_view argument) {
  if (!argument.starts_with("--")) return nullptr;
  const auto name = argument.substr(2, argument.find('=') - 2);
  const auto* found = std::find_if(std::begin(refusals), std::end(refusals), [&](const Refusal& refusal) { return refusal.name == name; });
  return found == std::end(refusals) ? nullptr : found;
}

void judge(Spelling& spelling, const Refusal& refusal, const std::string& shown_name, std::string_view value) {
  if (is_harmless(refusal, value)) return;
  auto& lines = refusal.verdict == Verdict::refused ? spelling.problems : spelling.notes;
  lines.push_back(fmt::format("{}: {}{}", shown_name, refusal.verdict == Verdict::refused ? "" : "not needed: ", refusal.reason));
}

}  // namespace

void take_out_refusals(Spelling& spelling) {
  std::vector<std::string> kept;
  const auto& arguments = spelling.arguments;
  for (std::size_t i = 0; i < arguments.size(); i++) {
    const std::string& argument = arguments[i];
    const Refusal* refusal = i == 0 ? nullptr : find_refusal(argument);
    if (refusal == nullptr) {
      kept.push_back(argument);
      continue;
    }
    const auto equals = argument.find('=');
    std::string value = "true";
    if (equals != std::string::npos)
      value = argument.substr(equals + 1);
    else if (refusal->shape == Shape::value)
      value = i + 1 < arguments.size() ? arguments[++i] : "";
    judge(spelling, *refusal, argument.substr(0, equals), value);
  }
  spelling.arguments = std::move(kept);
  for (const auto& refusal : refusals) {
    const std::string variable = variable_name("GITSYNC", std::string(refusal.name));
    const auto found = spelling.environment.find(variable);
    if (found == spelling.environment.end()) continue;
    judge(spelling, refusal, variable, found->second);
    spelling.environment.erase(found);
  }
}

}  // namespace tidemark::sync
