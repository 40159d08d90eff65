// The sidecar's settings from flags and variables, or what is wrong with them.
#pragma once

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "daemon/error.hpp"
#include "sync/settings/settings.hpp"

namespace tidemark::testing {

inline sync::SyncSettings settings_of(std::vector<const char*> flags, const Environment& environment = {}) {
  flags.insert(flags.begin(), "tidemark-sync");
  std::ostringstream out;
  const auto settings = sync::read_settings(static_cast<int>(flags.size()), flags.data(), environment, out);
  REQUIRE(settings);
  return *settings;
}

inline std::vector<std::string> problems_of(std::vector<const char*> flags, const Environment& environment = {}) {
  try {
    settings_of(std::move(flags), environment);
  } catch (const ConfigError& error) {
    return error.problems();
  }
  return {};
}

}  // namespace tidemark::testing
