// Durations and sizes: Go's and Kubernetes' spellings.
#include "daemon/units.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace tidemark {

namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr std::int64_t max_duration_ns = 100LL * 365 * 24 * 3600 * 1'000 * ns_per_ms;
constexpr std::size_t max_fraction_digits = 15;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Longer names first, so that "ms" is not read as "m".
constexpr std::array<std::pair<std::string_view, std::int64_t>, 8> duration_units{{
    {"ns", 1},
    {"us", 1'000},
    {"\xC2\xB5s", 1'000},  // micro sign
    {"\xCE\xBCs", 1'000},  // Greek mu
    {"ms", ns_per_ms},
    {"s", 1'000 * ns_per_ms},
    {"m", 60'000 * ns_per_ms},
    {"h", 3'600'000 * ns_per_ms},
}};

constexpr std::array<std::pair<std::string_view, std::int64_t>, 19> byte_units{{
    {"", 1},
    {"B", 1},
    {"KiB", 1LL << 10},
    {"MiB", 1LL << 20},
    {"GiB", 1LL << 30},
    {"TiB", 1LL << 40},
    {"Ki", 1LL << 10},
    {"Mi", 1LL << 20},
    {"Gi", 1LL << 30},
    {"Ti", 1LL << 40},
    {"kB", 1'000},
    {"KB", 1'000},
    {"MB", 1'000'000},
    {"GB", 1'000'000'000},
    {"TB", 1'000'000'000'000},
    {"k", 1'000},
    {"M", 1'000'000},
    {"G", 1'000'000'000},
    {"T", 1'000'000'000'000},
}};

// Takes digits from the front of `text`; nothing when their value is over `limit`.
std::optional<std::int64_t> take_number(std::string_view& text, std::int64_t limit) {
  std::int64_t value = 0;
  while (!text.empty() && is_digit(text.front())) {
    const int digit = text.front() - '0';
    if (value > (limit - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
    text.remove_prefix(1);
  }
  return value;
}

std::string_view take_digits(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  const auto digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

// "5" of "1.5" with the unit's nanoseconds.
std::int64_t fraction_of(std::string_view digits, std::int64_t unit_ns) {
  long double value = 0;
  long double scale = 1;
  for (const char c : digits.substr(0, max_fraction_digits)) {
    value = value * 10 + (c - '0');
    scale *= 10;
  }
  return std::llround(value * static_cast<long double>(unit_ns) / scale);
}

// One "1.5h" from the front of `text`, in nanoseconds.
std::optional<std::int64_t> take_duration_part(std::string_view& text) {
  const bool starts_with_digit = !text.empty() && is_digit(text.front());
  const auto whole = take_number(text, max_duration_ns);
  if (!whole) return std::nullopt;
  std::string_view fraction;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    fraction = take_digits(text);
  }
  if (!starts_with_digit && fraction.empty()) return std::nullopt;
  for (const auto& [name, unit_ns] : duration_units) {
    if (!text.starts_with(name)) continue;
    text.remove_prefix(name.size());
    if (*whole > max_duration_ns / unit_ns) return std::nullopt;
    return *whole * unit_ns + fraction_of(fraction, unit_ns);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration(0);
  if (text.empty()) return std::nullopt;
  std::int64_t total_ns = 0;
  while (!text.empty()) {
    const auto part = take_duration_part(text);
    if (!part || *part > max_duration_ns - total_ns) return std::nullopt;
    total_ns += *part;
  }
  return Duration((total_ns + ns_per_ms - 1) / ns_per_ms);
}

std::optional<Bytes> parse_bytes(std::string_view text) {
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  constexpr auto limit = std::numeric_limits<std::int64_t>::max();
  const auto number = take_number(text, limit);
  if (!number) return std::nullopt;
  for (const auto& [name, factor] : byte_units) {
    if (text != name) continue;
    if (*number > limit / factor) return std::nullopt;
    return Bytes{*number * factor};
  }
  return std::nullopt;
}

std::string format_duration(Duration value) {
  auto rest = value.count();
  if (rest < 1'000) return rest == 0 ? "0s" : std::to_string(rest) + "ms";
  std::string text;
  if (rest >= 3'600'000) text += std::to_string(rest / 3'600'000) + "h";
  rest %= 3'600'000;
  if (rest >= 60'000) text += std::to_string(rest / 60'000) + "m";
  rest %= 60'000;
  if (rest == 0) return text;
  text += std::to_string(rest / 1'000);
  if (rest % 1'000 != 0) {
    std::string fraction = std::to_string(1'000 + rest % 1'000).substr(1);
    while (fraction.back() == '0') fraction.pop_back();
    text += "." + fraction;
  }
  return text + "s";
}

std::string format_bytes(Bytes value) {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 4> units{
      {{"TiB", 1LL << 40}, {"GiB", 1LL << 30}, {"MiB", 1LL << 20}, {"KiB", 1LL << 10}}};
  for (const auto& [name, factor] : units) {
    if (value.count >= factor && value.count % factor == 0) return std::to_string(value.count / factor) + std::string(name);
  }
  return std::to_string(value.count);
}

}  // namespace tidemark
