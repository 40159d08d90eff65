#include "sync/settings/git_config.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace tidemark::sync {

namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }

  std::string key() {
    if (rest_.front() == '"') {
      std::string name = quoted();
      if (rest_.empty() || rest_.front() != ':') throw std::invalid_argument("a quoted key must be followed by a colon");
      rest_.remove_prefix(1);
      return name;
    }
    const auto colon = rest_.find(':');
    if (colon == std::string_view::npos) throw std::invalid_argument("a key without a value: write section.name:value");
    std::string name(rest_.substr(0, colon));
    rest_.remove_prefix(colon + 1);
    return name;
  }

  std::string value() {
    if (rest_.empty()) throw std::invalid_argument("a key without a value: write section.name:value");
    if (rest_.front() == '"') {
      std::string text = quoted();
      if (!rest_.empty() && rest_.front() != ',') throw std::invalid_argument("a quoted value must be followed by a comma or the end");
      if (!rest_.empty()) rest_.remove_prefix(1);
      return text;
    }
    std::string text;
    while (!rest_.empty()) {
      const char c = next();
      if (c == ',') break;
      text += c == '\\' ? escaped() : c;
    }
    return text;
  }

 private:
  char next() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  std::string quoted() {
    next();
    std::string text;
    while (!rest_.empty()) {
      const char c = next();
      if (c == '"') return text;
      text += c == '\\' ? escaped() : c;
    }
    throw std::invalid_argument("a double quote is not closed");
  }

  char escaped() {
    if (rest_.empty()) throw std::invalid_argument("a backslash stands at the end");
    switch (const char c = next(); c) {
      case 'n':
        return '\n';
      case 't':
        return '\t';
      case '"':
      case ',':
      case '\\':
        return c;
      default:
        throw std::invalid_argument(R"(a backslash may only stand before n, t, ", a comma or a backslash)");
    }
  }

  std::string_view rest_;
};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

// https://git-scm.com/docs/git-config: what is only about git's own work, its speed, its words or its storage.
constexpr std::string_view needless[] = {
    "safe.",
    "gc.",
    "pack.",
    "repack.",
    "maintenance.",
    "advice.",
    "color.",
    "init.",
    "user.",
    "author.",
    "committer.",
    "feature.",
    "index.",
    "log.",
    "trace2.",
    "fetch.parallel",
    "fetch.prune",
    "fetch.writecommitgraph",
    "fetch.unpacklimit",
    "fetch.negotiationalgorithm",
    "transfer.unpacklimit",
    "protocol.version",
    "core.fsync",
    "core.compression",
    "core.loosecompression",
    "core.bigfilethreshold",
    "core.packedgit",
    "core.deltabasecachelimit",
    "core.preloadindex",
    "core.untrackedcache",
    "core.commitgraph",
    "core.multipackindex",
    "core.logallrefupdates",
    "core.pager",
    "core.editor",
    "core.hookspath",
    "core.askpass",
    "core.abbrev",
    "core.quotepath",
    "http.postbuffer",
    "http.maxrequests",
    "http.minsessions",
    "submodule.fetchjobs",
    "checkout.workers",
    "status.",
    "diff.",
    "merge.",
    "pull.",
    "push.",
};

struct Advice {
  std::string_view key;  // or what it begins with
  std::string_view reason;
};

constexpr Advice advices[] = {
    {"http.proxy", "set the environment variable HTTPS_PROXY, HTTP_PROXY or ALL_PROXY instead"},
    {"http.sslverify", "certificates are always checked; name the server's authority by --ca-file"},
    {"http.sslca", "use --ca-file"},
    {"http.sslcert", "use --client-cert-file"},
    {"http.sslkey", "use --client-key-file"},
    {"http.extraheader", "use --username with --password-file, or --credential"},
    {"http.cookiefile", "use --cookie-file=PATH"},
    {"http.lowspeed", "use --sync-timeout, which ends a fetch that hangs"},
    {"http.", "the http settings of git are not read here"},
    {"credential.", "use --username with --password-file, or --credential"},
    {"core.sshcommand", "no ssh program is run; use --ssh-key-file, --ssh-known-hosts and --ssh-known-hosts-file"},
    {"ssh.", "no ssh program is run; use --ssh-key-file, --ssh-known-hosts and --ssh-known-hosts-file"},
    {"url.", "name the URL that is meant in --repo"},
    {"core.autocrlf", "say it in the repository's .gitattributes, which is obeyed"},
    {"core.eol", "say it in the repository's .gitattributes, which is obeyed"},
    {"core.sparsecheckout", "sparse checkouts are not read from git's settings"},
    {"core.sharedrepository", "the repository belongs to one writer; leave it out"},
    {"filter.", "filters are programs, and none is run; an --exechook-command may do it after publishing"},
    {"lfs.", "LFS needs a program; an --exechook-command may run it after publishing"},
};

// A value that asks for nothing else than what is done anyway.
bool is_as_done(const std::string& key, const std::string& value) {
  const std::string word = lower(value);
  if (key == "http.sslverify") return word == "true" || word == "1" || word == "yes" || word == "on";
  if (key == "core.autocrlf") return word == "false" || word == "input" || word == "0" || word == "no" || word == "off";
  if (key == "core.eol") return word == "lf" || word == "native";
  if (key == "core.symlinks" || key == "core.filemode") return word == "true" || word == "1" || word == "yes" || word == "on";
  return key == "core.bare" && word == "false";
}

// "http.https://host/.proxy" is "http.proxy" for one host.
std::string without_subsection(std::string_view key) {
  const auto first = key.find('.');
  const auto last = key.rfind('.');
  return lower(first == last ? key : std::string(key.substr(0, first)) + std::string(key.substr(last)));
}

}  // namespace

std::vector<GitConfigEntry> parse_git_config(std::string_view text) {
  std::vector<GitConfigEntry> entries;
  for (Reader reader(text); !reader.at_end();) {
    std::string key = reader.key();
    entries.push_back({std::move(key), reader.value()});
  }
  return entries;
}

GitConfigVerdict judge_git_config(const GitConfigEntry& entry) {
  const std::string key = without_subsection(entry.key);
  if (key.find('.') == std::string::npos) return {true, "no section: git's keys are written as section.name"};
  if (is_as_done(key, entry.value)) return {false, "this is what is done anyway"};
  for (const auto begin : needless)
    if (key.starts_with(begin)) return {false, "it concerns the git command, which is not run"};
  for (const auto& advice : advices)
    if (key.starts_with(advice.key)) return {true, std::string(advice.reason)};
  return {true, "no git command is run, and nothing here obeys it; leave it out"};
}

}  // namespace tidemark::sync
