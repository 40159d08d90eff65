// Where settings come from: the command line, the environment and the file. Each source gives raw values by name and the problems that it met.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/settings.hpp"

namespace tidemark {

struct SettingSpec {
  enum class Shape { single, list, repeated, flag };

  Settings::Option option;
  Shape shape = Shape::single;
  std::string placeholder;
  std::string default_text;  // "" = none worth showing
};

struct RawSetting {
  std::string origin;  // what to name in a problem: "--period", "GITSYNC_PERIOD", "/etc/sync.toml: period"
  std::vector<std::string> values;
};

struct SettingsSource {
  std::map<std::string, RawSetting> settings;  // by the option's name
  std::vector<std::string> problems;
};

// PREFIX_MAX_FILE_SIZE for "max-file-size".
std::string variable_name(const std::string& prefix, const std::string& option);

struct CommandLine : SettingsSource {
  enum class Request { none, help, markdown, version };
  Request request = Request::none;
};

CommandLine read_command_line(const std::vector<SettingSpec>& specs, int argc, const char* const* argv);
// An empty variable counts as unset, as git-sync takes it. Variables that Kubernetes makes for a Service of the prefix's name are not ours.
SettingsSource read_environment(const std::vector<SettingSpec>& specs, const std::string& prefix, const Environment& environment);
SettingsSource read_settings_file(const std::vector<SettingSpec>& specs, const std::string& path);

std::string help_text(const std::string& program, const std::string& description, const std::string& prefix, const std::vector<SettingSpec>& specs);

}  // namespace tidemark
