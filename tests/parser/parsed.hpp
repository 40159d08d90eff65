// What the parser's tests begin with.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <variant>

#include "parser/parse.hpp"

namespace tidemark::parser {

inline Document parsed(std::string_view path, std::string_view bytes) {
  auto result = parse(path, bytes);
  if (const auto* skipped = std::get_if<Skipped>(&result)) FAIL("skipped: ", skipped->reason);
  return std::get<Document>(std::move(result));
}
inline Document page(std::string_view bytes) { return parsed("docs/some-page.md", bytes); }

inline std::string reason(std::string_view path, std::string_view bytes) {
  const auto result = parse(path, bytes);
  const auto* skipped = std::get_if<Skipped>(&result);
  return skipped ? skipped->reason : std::string();
}

}  // namespace tidemark::parser
