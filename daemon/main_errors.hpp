// What main does with an error: the process' exit codes in one place.
#pragma once

#include <functional>
#include <string_view>

namespace tidemark {

// Runs `body` and returns its exit code. ConfigError: each problem as one line `PROGRAM: PROBLEM` on standard error, and 2. Any other exception: one
// line, and 1. Text is redacted.
int run_main(std::string_view program, const std::function<int()>& body);

}  // namespace tidemark
