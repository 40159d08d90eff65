#include "daemon/main_errors.hpp"

#include <cstdio>
#include <exception>
#include <string>

#include "daemon/error.hpp"
#include "daemon/log.hpp"
#include "daemon/text.hpp"

namespace tidemark {

namespace {

void print(std::string_view program, std::string_view problem) {
  const std::string line = std::string(program) + ": " + one_line(redact_credentials(problem)) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

int run_main(std::string_view program, const std::function<int()>& body) {
  try {
    return body();
  } catch (const ConfigError& error) {
    for (const auto& problem : error.problems()) print(program, problem);
    return 2;
  } catch (const std::exception& error) {
    print(program, error.what());
    return 1;
  }
}

}  // namespace tidemark
