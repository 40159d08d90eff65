// The parts of the engines' contract, and what they share.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <type_traits>
#include <vector>

#include "ingest/engine_contract.hpp"

namespace tidemark::ingest::test {

void check_promises_of_runs(EngineUnderTest& index);
void check_promises_of_readers(EngineUnderTest& index);

// One promise, as a subcase: `check` takes the index, or an engine that was just opened.
template <typename Check>
void promise(EngineUnderTest& index, const char* name, const Check& check) {
  SUBCASE(name) {
    if constexpr (std::is_invocable_v<Check, Engine&>) {
      const auto engine = index.open();
      check(*engine);
    } else {
      check(index);
    }
  }
}

using Paths = std::vector<std::string>;
extern const Paths odd_paths;
Removal removal(const std::string& path);
Quarantined quarantined(const std::string& path, const std::string& reason, unsigned version = 1);
Paths paths_of(const std::vector<Listed>& all);
Paths paths_of(const DocumentPage& page);

}  // namespace tidemark::ingest::test
