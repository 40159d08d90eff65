// What the settings are and where their values go: the one place that turns text into values. The sources are read in settings_sources.
#include "daemon/settings.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <ostream>
#include <utility>

#include "daemon/error.hpp"
#include "daemon/settings_sources.hpp"
#include "daemon/text.hpp"

namespace tidemark {

namespace {

using Problem = std::optional<std::string>;
using Setter = std::function<Problem(const std::vector<std::string>&)>;

std::string in_quotes(std::string_view value) { return "'" + one_line(value, 100) + "'"; }

std::string joined(const std::vector<std::string>& values) {
  std::string text;
  for (const auto& value : values) text += (text.empty() ? "" : ",") + value;
  return text;
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (start <= text.size()) {
    const auto end = std::min(text.find(',', start), text.size());
    if (end > start) parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

// Go's spellings (strconv.ParseBool), as git-sync's flags take them.
Problem set_bool(bool& target, std::string_view text) {
  constexpr std::array<std::string_view, 6> yes{"true", "1", "t", "T", "TRUE", "True"};
  constexpr std::array<std::string_view, 6> no{"false", "0", "f", "F", "FALSE", "False"};
  target = std::find(yes.begin(), yes.end(), text) != yes.end();
  if (!target && std::find(no.begin(), no.end(), text) == no.end()) return in_quotes(text) + " is not true or false";
  return {};
}

Problem set_number(std::int64_t& target, std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return in_quotes(text) + " is not a whole number";
  target = value;
  return {};
}

// A scalar given several times on the command line takes its last value, as with git-sync.
Setter last_of(std::function<Problem(std::string_view)> set) {
  return [set = std::move(set)](const std::vector<std::string>& values) -> Problem { return set(values.back()); };
}

}  // namespace

struct Settings::Implementation {
  struct Entry {
    SettingSpec spec;
    Setter set;
    bool was_set = false;
  };

  std::string program;
  std::string description;
  std::string prefix;
  std::string config_file;
  std::vector<Entry> entries;
  std::vector<std::function<std::vector<std::string>()>> rules;

  void add(SettingSpec spec, Setter set) {
    if (!spec.option.placeholder.empty()) spec.placeholder = spec.option.placeholder;
    entries.push_back({std::move(spec), std::move(set), false});
  }

  std::vector<SettingSpec> specs() const {
    std::vector<SettingSpec> all;
    for (const auto& entry : entries) all.push_back(entry.spec);
    return all;
  }

  // The first source that has a value for each setting wins, and only that value is read.
  void apply(const std::vector<SettingsSource>& by_precedence, std::vector<std::string>& problems) {
    for (auto& entry : entries) {
      for (const auto& source : by_precedence) {
        const auto found = source.settings.find(entry.spec.option.name);
        if (found == source.settings.end()) continue;
        entry.was_set = true;
        if (const auto problem = entry.set(found->second.values)) problems.push_back(found->second.origin + ": " + *problem);
        break;
      }
    }
  }
};

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

Settings::Settings(std::string program, std::string description, std::string environment_prefix)
    : implementation_(std::make_unique<Implementation>()) {
  implementation_->program = std::move(program);
  implementation_->description = std::move(description);
  implementation_->prefix = std::move(environment_prefix);
  add({.name = "config", .help = "read settings from this file too: lines of `name = value`", .placeholder = "FILE"}, implementation_->config_file);
}

Settings::~Settings() = default;

void Settings::add(Option option, std::string& target) {
  implementation_->add({std::move(option), SettingSpec::Shape::single, "TEXT", target}, last_of([&target](std::string_view text) -> Problem {
                         target = text;
                         return {};
                       }));
}

void Settings::add(Option option, std::vector<std::string>& target) {
  implementation_->add({std::move(option), SettingSpec::Shape::list, "TEXT", joined(target)},
                       [&target](const std::vector<std::string>& values) -> Problem {
                         target = values;
                         return {};
                       });
}

void Settings::add(Option option, bool& target) {
  implementation_->add({std::move(option), SettingSpec::Shape::flag, "", target ? "true" : "false"},
                       last_of([&target](std::string_view text) { return set_bool(target, text); }));
}

void Settings::add(Option option, std::int64_t& target) {
  implementation_->add({std::move(option), SettingSpec::Shape::single, "NUMBER", std::to_string(target)},
                       last_of([&target](std::string_view text) { return set_number(target, text); }));
}

void Settings::add(Option option, Duration& target) {
  implementation_->add({std::move(option), SettingSpec::Shape::single, "DURATION", format_duration(target)},
                       last_of([&target](std::string_view text) -> Problem {
                         const auto value = parse_duration(text);
                         if (!value) return in_quotes(text) + " is not a duration such as 500ms, 10s or 1h30m";
                         target = *value;
                         return {};
                       }));
}

void Settings::add(Option option, Bytes& target) {
  implementation_->add({std::move(option), SettingSpec::Shape::single, "SIZE", format_bytes(target)},
                       last_of([&target](std::string_view text) -> Problem {
                         const auto value = parse_bytes(text);
                         if (!value) return in_quotes(text) + " is not a size such as 512, 64KiB or 5MiB";
                         target = *value;
                         return {};
                       }));
}

void Settings::add(Option option, std::string default_text, std::function<std::optional<std::string>(std::string_view)> set) {
  implementation_->add({std::move(option), SettingSpec::Shape::single, "VALUE", std::move(default_text)}, last_of(std::move(set)));
}

void Settings::add_repeated(Option option, std::function<std::optional<std::string>(std::string_view)> set) {
  implementation_->add({std::move(option), SettingSpec::Shape::repeated, "VALUE", ""}, [set = std::move(set)](const std::vector<std::string>& values) -> Problem {
    for (const auto& value : values) {
      if (auto problem = set(value)) return problem;
    }
    return {};
  });
}

void Settings::check(std::function<std::optional<std::string>()> rule) {
  check_all([rule = std::move(rule)]() -> std::vector<std::string> {
    if (auto problem = rule()) return {std::move(*problem)};
    return {};
  });
}

void Settings::check_all(std::function<std::vector<std::string>()> rule) { implementation_->rules.push_back(std::move(rule)); }

bool Settings::parse(int argc, const char* const* argv, const Environment& environment, std::ostream& out) {
  auto& self = *implementation_;
  const auto specs = self.specs();
  CommandLine command_line = read_command_line(specs, argc, argv);
  switch (command_line.request) {
    case CommandLine::Request::help:
      out << help();
      return false;
    case CommandLine::Request::markdown:
      out << markdown();
      return false;
    case CommandLine::Request::version:
      out << self.program << " " << TIDEMARK_VERSION << "\n";
      return false;
    case CommandLine::Request::none:
      break;
  }
  SettingsSource variables = read_environment(specs, self.prefix, environment);

  std::string file;
  if (variables.settings.contains("config")) file = variables.settings["config"].values.back();
  if (command_line.settings.contains("config")) file = command_line.settings["config"].values.back();
  SettingsSource lines = file.empty() ? SettingsSource{} : read_settings_file(specs, file);

  std::vector<std::string> problems;
  for (const auto* source : {static_cast<SettingsSource*>(&command_line), &variables, &lines}) {
    problems.insert(problems.end(), source->problems.begin(), source->problems.end());
  }
  for (auto* source : {&variables, &lines}) {
    for (const auto& spec : specs) {
      const auto found = source->settings.find(spec.option.name);
      if (spec.shape != SettingSpec::Shape::list || found == source->settings.end() || found->second.values.size() != 1) continue;
      found->second.values = split_at_commas(found->second.values.front());
    }
  }
  self.apply({command_line, variables, lines}, problems);
  if (problems.empty()) {
    for (const auto& rule : self.rules) {
      for (auto& problem : rule()) problems.push_back(std::move(problem));
    }
  }
  if (!problems.empty()) throw ConfigError(std::move(problems));
  return true;
}

bool Settings::was_set(std::string_view name) const {
  for (const auto& entry : implementation_->entries) {
    if (entry.spec.option.name == name) return entry.was_set;
  }
  return false;
}

std::string Settings::help() const {
  const auto& self = *implementation_;
  return help_text(self.program, self.description, self.prefix, self.specs());
}

std::string Settings::markdown() const {
  const auto cell = [](std::string text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
    return text;
  };
  std::string table = "| flag | default | meaning |\n|---|---|---|\n";
  for (const auto& entry : implementation_->entries) {
    const auto& [option, shape, placeholder, default_text] = entry.spec;
    std::string name = "--" + option.name + (placeholder.empty() ? "" : " " + placeholder);
    if (option.environment_only) name = variable_name(implementation_->prefix, option.name);
    const std::string value = default_text.empty() ? "" : "`" + default_text + "`";
    table += fmt::format("| `{}` | {} | {} |\n", cell(name), cell(value), cell(option.help));
  }
  return table;
}

std::string read_whole_secret_file(const std::string& path) {
  constexpr std::size_t max_bytes = 64 * 1024;
  std::ifstream file(path, std::ios::binary);
  std::string content(max_bytes + 1, '\0');
  if (file) file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file.is_open() || file.bad()) throw TransientError("cannot read the secret file " + in_quotes(path));
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.size() > max_bytes) throw TransientError("the secret file " + in_quotes(path) + " is over 64 KiB");
  return content;
}

std::string read_secret_file(const std::string& path) {
  std::string content = read_whole_secret_file(path);
  content.resize(std::min(content.find_first_of("\r\n"), content.size()));
  if (content.empty()) throw TransientError("the secret file " + in_quotes(path) + " is empty");
  return content;
}

}  // namespace tidemark
