// The parts of a request's target (RFC 3986, RFC 9112 section 3.2). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark {

// Any byte may come out of it. Nothing for a '%' without two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text);

struct RequestTarget {
  std::string authority;                                   // of the absolute form ("http://host/path"), else ""
  std::string path;                                        // decoded
  std::vector<std::pair<std::string, std::string>> query;  // decoded, '+' is a space
};

// Nothing when an escape is broken, or for more than 100 parameters.
std::optional<RequestTarget> parse_target(std::string_view target);

}  // namespace tidemark
