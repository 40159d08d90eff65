// A request's query parameters, read strictly: what is unknown, repeated, malformed or out of bounds is refused by name.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "daemon/http_server.hpp"
#include "git/oid.hpp"

namespace tidemark::ingest::api {

// Answered with 400 `invalid-parameter`.
class BadParameter : public std::runtime_error {
 public:
  BadParameter(std::string parameter_name, const std::string& reason) : std::runtime_error(reason), name(std::move(parameter_name)) {}
  std::string name;
};

// All of it throws BadParameter.
class Parameters {
 public:
  Parameters(const HttpRequest& request, std::initializer_list<std::string_view> known);

  std::optional<std::string> text(std::string_view name) const;
  std::string required_text(std::string_view name) const;  // not blank
  std::optional<std::string> one_of(std::string_view name, std::initializer_list<std::string_view> values) const;
  int number(std::string_view name, int fallback, int least, int most) const;
  std::optional<Duration> seconds(std::string_view name) const;  // decimals allowed; at most an hour
  std::optional<git::Oid> commit(std::string_view name) const;   // a full id

 private:
  const HttpRequest& request_;
};

}  // namespace tidemark::ingest::api
