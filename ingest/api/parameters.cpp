#include "ingest/api/parameters.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

namespace tidemark::ingest::api {

namespace {

std::string listed(std::initializer_list<std::string_view> values) {
  std::string text;
  for (const auto value : values) text += (text.empty() ? "" : ", ") + std::string(value);
  return text;
}

}  // namespace

Parameters::Parameters(const HttpRequest& request, std::initializer_list<std::string_view> known) : request_(request) {
  std::set<std::string_view> seen;
  for (const auto& [name, value] : request.query) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw BadParameter(name, known.size() == 0 ? "there are no parameters here" : "no such parameter; there are: " + listed(known));
    }
    if (!seen.insert(name).second) throw BadParameter(name, "is given twice");
  }
}

std::optional<std::string> Parameters::text(std::string_view name) const { return request_.parameter(name); }

std::string Parameters::required_text(std::string_view name) const {
  auto value = text(name);
  if (!value || value->find_first_not_of(" \t\r\n") == std::string::npos) throw BadParameter(std::string(name), "is needed");
  return *value;
}

std::optional<std::string> Parameters::one_of(std::string_view name, std::initializer_list<std::string_view> values) const {
  auto value = text(name);
  if (value && std::find(values.begin(), values.end(), *value) == values.end())
    throw BadParameter(std::string(name), "must be one of: " + listed(values));
  return value;
}

int Parameters::number(std::string_view name, int fallback, int least, int most) const {
  const auto value = text(name);
  if (!value) return fallback;
  int number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error != std::errc() || end != value->data() + value->size() || number < least || number > most) {
    throw BadParameter(std::string(name), "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return number;
}

std::optional<Duration> Parameters::seconds(std::string_view name) const {
  const auto value = text(name);
  if (!value) return std::nullopt;
  constexpr double longest = 3'600;
  double number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number, std::chars_format::fixed);
  if (error != std::errc() || end != value->data() + value->size() || !(number >= 0 && number <= longest)) {
    throw BadParameter(std::string(name), "must be a number of seconds from 0 to 3600");
  }
  return Duration(std::llround(number * 1'000));
}

std::optional<git::Oid> Parameters::commit(std::string_view name) const {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto oid = git::Oid::parse(*value);
  if (!oid) throw BadParameter(std::string(name), "must be a full commit id: 40 hexadecimal digits");
  return oid;
}

}  // namespace tidemark::ingest::api
