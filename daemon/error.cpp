#include "daemon/error.hpp"

#include <utility>

namespace tidemark {

namespace {

std::string joined(const std::vector<std::string>& problems) {
  std::string text;
  for (const auto& problem : problems) {
    if (!text.empty()) text += "; ";
    text += problem;
  }
  return text;
}

}  // namespace

ConfigError::ConfigError(std::vector<std::string> problems) : std::runtime_error(joined(problems)), problems_(std::move(problems)) {}
ConfigError::ConfigError(std::string problem) : ConfigError(std::vector<std::string>{std::move(problem)}) {}

}  // namespace tidemark
