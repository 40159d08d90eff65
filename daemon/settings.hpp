// The settings of a process: each is a flag (`--name`), an environment variable and a line of the `--config` file (TOML: `name = value`), in that
// order of precedence. All problems of all three are collected and reported at once. An empty variable counts as unset, as git-sync takes it; those
// that Kubernetes makes for a Service of the prefix's name (PREFIX_SERVICE_HOST, PREFIX_PORT=tcp://...) are left alone. In the file a comment stands
// on its own line.
#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/units.hpp"

namespace tidemark {

using Environment = std::map<std::string, std::string, std::less<>>;
Environment process_environment();

class Settings {
 public:
  // `environment_prefix`: "TIDEMARK" makes `--max-file-size` also TIDEMARK_MAX_FILE_SIZE.
  Settings(std::string program, std::string description, std::string environment_prefix);
  ~Settings();
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

  // What one setting is. `group` heads it in --help. An empty `flag_placeholder` is derived from the type ("DURATION").
  struct Option {
    std::string name;  // without the dashes
    std::string help;  // one line; --help adds the default and the variable by itself
    std::string group = "";
    std::string placeholder = "";
    std::vector<std::string> environment_aliases = {};  // whole names that also set it, after the prefixed one
    bool environment_only = false;                      // a secret without a flag
  };

  // The target keeps its present value, the default, unless something sets it.
  void add(Option option, std::string& target);
  void add(Option option, std::vector<std::string>& target);  // repeatable; the environment's and the file's value is split at commas
  void add(Option option, bool& target);                      // `--name`, `--name=false`
  void add(Option option, std::int64_t& target);
  void add(Option option, Duration& target);
  void add(Option option, Bytes& target);
  // Anything else: `set` returns a problem in words ("not one of full, none") or nothing.
  void add(Option option, std::string default_text, std::function<std::optional<std::string>(std::string_view)> set);

  // Of the same kind and repeatable: `set` gets each value, the environment's and the file's whole.
  void add_repeated(Option option, std::function<std::optional<std::string>(std::string_view)> set);

  // A rule over several settings, asked after all are read, if nothing was wrong before: returns a problem in words or nothing.
  void check(std::function<std::optional<std::string>()> rule);
  void check_all(std::function<std::vector<std::string>()> rule);  // one that may find several problems

  // Reads everything. Throws ConfigError with every problem: unknown flags (with the nearest known name), unknown variables with the prefix, unknown
  // lines of the file, unreadable values (naming which of the three sources it came from). Returns false when --help or --version was asked for and
  // has been printed to `out`: exit 0.
  bool parse(int argc, const char* const* argv, const Environment& environment, std::ostream& out);

  bool was_set(std::string_view name) const;  // by any of the three sources
  std::string help() const;                   // what --help prints
  // The flags as rows of a Markdown table (`| flag | default | meaning |`), as `--help=markdown` prints and README.md holds.
  std::string markdown() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

// The first line of a secret's file, without its line end. Throws TransientError naming the file (never the content) when it can't be read, is empty
// or is over 64 KiB.
std::string read_secret_file(const std::string& path);
std::string read_whole_secret_file(const std::string& path);  // all of its lines; likewise, but it may be empty

}  // namespace tidemark
