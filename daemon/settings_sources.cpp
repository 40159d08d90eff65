#include "daemon/settings_sources.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>

#include "daemon/log.hpp"
#include "daemon/text.hpp"

namespace tidemark {

namespace {

constexpr std::size_t max_file_bytes = 1024 * 1024;

std::string shown(std::string_view text) { return one_line(redact_credentials(text), 200); }

std::string unknown(const std::string& what, const std::string& kind, const std::string& suggestion) {
  return shown(what) + ": no such " + kind + (suggestion.empty() ? "" : "; did you mean " + suggestion + "?");
}

std::vector<std::string> flag_names(const std::vector<SettingSpec>& specs) {
  std::vector<std::string> names;
  for (const auto& spec : specs) {
    if (!spec.option.environment_only) names.push_back(spec.option.name);
  }
  return names;
}

struct Parser {
  explicit Parser(const std::string& program = "", const std::string& description = "") : app(description, program) {
    app.set_help_flag();
    app.allow_extras();
    help = app.add_flag("-h,--help")->description("print this help; --help=markdown prints a table");
    version = app.add_flag("--version")->description("print the version");
  }

  CLI::Option* add(const SettingSpec& spec, const std::string& help_line) {
    const std::string name = "--" + spec.option.name;
    CLI::Option* option = spec.shape == SettingSpec::Shape::flag ? app.add_flag(name) : app.add_option(name);
    if (spec.shape != SettingSpec::Shape::flag) option->type_name(spec.placeholder)->expected(1);
    option->description(help_line)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    if (!spec.option.group.empty()) option->group(spec.option.group);
    return option;
  }

  CLI::App app;
  CLI::Option* help = nullptr;
  CLI::Option* version = nullptr;
};

// The arguments in reverse order, as CLI11 wants them, with "--name=value" taken apart for those that take a value: CLI11 would read an empty one
// from the next argument.
std::vector<std::string> reversed_arguments(const std::vector<SettingSpec>& specs, int argc, const char* const* argv) {
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto equals = argument.find('=');
    const bool takes_value = equals != std::string::npos && std::any_of(specs.begin(), specs.end(), [&](const SettingSpec& spec) {
                               return spec.shape != SettingSpec::Shape::flag && argument.substr(0, equals) == "--" + spec.option.name;
                             });
    arguments.push_back(takes_value ? argument.substr(0, equals) : argument);
    if (takes_value) arguments.push_back(argument.substr(equals + 1));
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

// What CLI11 could not place. An argument behind an unknown flag is taken for its value, which may be a secret, and not shown.
void report_extras(const std::vector<std::string>& extras, const std::vector<std::string>& names, std::vector<std::string>& problems) {
  bool after_unknown_flag = false;
  for (const auto& extra : extras) {
    if (extra.starts_with('-') && extra.size() > 1) {
      const std::string flag = extra.substr(0, extra.find('='));
      const std::string near = nearest(flag.substr(flag.find_first_not_of('-') == std::string::npos ? 0 : flag.find_first_not_of('-')), names);
      problems.push_back(unknown(flag, "flag", near.empty() ? "" : "--" + near));
      after_unknown_flag = extra.find('=') == std::string::npos;
    } else {
      if (!after_unknown_flag) problems.push_back(shown(extra) + ": unexpected argument");
      after_unknown_flag = false;
    }
  }
}

bool all_upper_or_digit(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isupper(c) != 0 || std::isdigit(c) != 0 || c == '_'; });
}

// Kubernetes sets NAME_SERVICE_HOST, NAME_SERVICE_PORT, NAME_SERVICE_PORT_<port>, NAME_PORT=tcp://..., NAME_PORT_<n>_TCP, ..._PROTO, _PORT and _ADDR
// in every container of a namespace that has a Service NAME: one named like the program must not stop it.
bool made_by_kubernetes(std::string_view name, std::string_view value) {
  if (name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") || name.find("_SERVICE_PORT_") != std::string_view::npos) return true;
  if (name.ends_with("_PORT")) {
    for (const auto* scheme : {"tcp://", "udp://", "sctp://"}) {
      if (value.starts_with(scheme)) return true;
    }
  }
  const auto at = name.find("_PORT_");
  if (at == std::string_view::npos || at + 6 >= name.size()) return false;
  return std::isdigit(static_cast<unsigned char>(name[at + 6])) != 0 && all_upper_or_digit(name.substr(at));
}

// CLI11's reader skips lines of one or two characters: nothing that a person wrote shall be skipped.
void report_short_lines(const std::string& path, const std::string& content, std::vector<std::string>& problems) {
  std::istringstream lines(content);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const std::string text = CLI::detail::trim_copy(line);
    if (text.empty() || text.size() > 2 || text.front() == '#' || text == "]") continue;
    problems.push_back(fmt::format("{}: line {}: not `name = value`", shown(path), number));
  }
}

std::vector<CLI::ConfigItem> read_items(const std::string& content) {
  CLI::ConfigTOML reader;
  reader.comment('\0');  // a comment is a line of its own: a # may stand in a value
  std::istringstream stream(content);
  return reader.from_config(stream);
}

}  // namespace

std::string variable_name(const std::string& prefix, const std::string& option) {
  std::string name = prefix + "_" + option;
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

CommandLine read_command_line(const std::vector<SettingSpec>& specs, int argc, const char* const* argv) {
  CommandLine result;
  Parser parser;
  std::vector<std::pair<const SettingSpec*, CLI::Option*>> options;
  for (const auto& spec : specs) {
    if (!spec.option.environment_only) options.emplace_back(&spec, parser.add(spec, ""));
  }
  try {
    auto arguments = reversed_arguments(specs, argc, argv);
    parser.app.parse(arguments);
  } catch (const CLI::ArgumentMismatch&) {
    result.problems.push_back(shown(argv[argc - 1]) + ": needs a value");
  } catch (const CLI::ParseError& error) {
    result.problems.push_back(shown(error.what()));
  }
  if (parser.help->count() > 0) {
    result.request = parser.help->results().back() == "markdown" ? CommandLine::Request::markdown : CommandLine::Request::help;
    return result;
  }
  if (parser.version->count() > 0) {
    result.request = CommandLine::Request::version;
    return result;
  }
  report_extras(parser.app.remaining(), flag_names(specs), result.problems);
  for (const auto& [spec, option] : options) {
    if (option->count() > 0) result.settings[spec->option.name] = {"--" + spec->option.name, option->results()};
  }
  return result;
}

SettingsSource read_environment(const std::vector<SettingSpec>& specs, const std::string& prefix, const Environment& environment) {
  SettingsSource result;
  std::vector<std::string> names;
  for (const auto& spec : specs) {
    std::vector<std::string> variables{variable_name(prefix, spec.option.name)};
    variables.insert(variables.end(), spec.option.environment_aliases.begin(), spec.option.environment_aliases.end());
    for (const auto& variable : variables) {
      const auto found = environment.find(variable);
      if (found != environment.end() && !found->second.empty()) result.settings.try_emplace(spec.option.name, RawSetting{variable, {found->second}});
    }
    names.insert(names.end(), variables.begin(), variables.end());
  }
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(prefix + "_") || std::find(names.begin(), names.end(), name) != names.end() || made_by_kubernetes(name, value)) continue;
    result.problems.push_back(unknown(name, "setting", nearest(name, names)));
  }
  return result;
}

SettingsSource read_settings_file(const std::vector<SettingSpec>& specs, const std::string& path) {
  SettingsSource result;
  std::ifstream file(path, std::ios::binary);
  std::string content(max_file_bytes + 1, '\0');
  if (file) file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file.is_open() || file.bad()) {
    result.problems.push_back(shown(path) + ": the settings file cannot be read");
    return result;
  }
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.size() > max_file_bytes) {
    result.problems.push_back(shown(path) + ": a settings file is at most 1 MiB");
    return result;
  }
  report_short_lines(path, content, result.problems);
  const auto names = flag_names(specs);
  for (const auto& item : read_items(content)) {
    const std::string name = item.fullname();
    const auto spec =
        std::find_if(specs.begin(), specs.end(), [&](const SettingSpec& s) { return s.option.name == name && !s.option.environment_only; });
    const std::string origin = shown(path) + ": " + shown(name);
    if (spec == specs.end() || name == "config") {
      result.problems.push_back(unknown(path + ": " + name, "setting", nearest(name, names)));
    } else if (item.inputs.empty() || (spec->shape != SettingSpec::Shape::list && item.inputs.size() != 1)) {
      result.problems.push_back(origin + ": needs one value (put it in quotes; a comment stands on a line of its own)");
    } else if (!result.settings.try_emplace(name, RawSetting{origin, item.inputs}).second) {
      result.problems.push_back(origin + ": is set twice");
    }
  }
  return result;
}

std::string help_text(const std::string& program, const std::string& description, const std::string& prefix, const std::vector<SettingSpec>& specs) {
  Parser parser(program, description);
  std::string variables_only;
  for (const auto& spec : specs) {
    const std::string variable = variable_name(prefix, spec.option.name);
    if (spec.option.environment_only) {
      variables_only += fmt::format("  {:<28}{}\n", variable, spec.option.help);
      continue;
    }
    const std::string default_text = spec.default_text.empty() ? "" : "default " + spec.default_text + "; ";
    parser.add(spec, fmt::format("{} ({}{})", spec.option.help, default_text, variable));
  }
  if (!variables_only.empty()) parser.app.footer("Environment only:\n" + variables_only);
  return parser.app.help();
}

}  // namespace tidemark
