// JSON by nlohmann's SAX interface: no tree, no recursion.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "parser/data.hpp"
#include "parser/utf8.hpp"

namespace tidemark::parser {
namespace {

constexpr std::size_t max_broken_lines = 1'000;  // a file with more of them is no JSON lines

using nlohmann::json;

class Sax {
 public:
  explicit Sax(DataCollector& collector) : collector_(collector) {}

  bool null() { return collector_.nothing(), true; }
  bool boolean(bool value) { return collector_.other(value ? "true" : "false"), true; }
  bool number_integer(json::number_integer_t value) { return collector_.other(fmt::format_int(value).c_str()), true; }
  bool number_unsigned(json::number_unsigned_t value) { return collector_.other(fmt::format_int(value).c_str()), true; }
  bool number_float(json::number_float_t, const std::string& spelling) { return collector_.other(spelling), true; }
  bool string(const std::string& value) { return collector_.text(clean(value)), true; }
  bool binary(const json::binary_t&) { return true; }  // not in JSON
  bool start_object(std::size_t) { return collector_.begin_mapping(), true; }
  bool key(const std::string& name) { return collector_.key(clean(name)), true; }
  bool end_object() { return collector_.end(), true; }
  bool start_array(std::size_t) { return collector_.begin_list(), true; }
  bool end_array() { return collector_.end(), true; }
  bool parse_error(std::size_t, const std::string&, const json::exception& problem) {
    std::string_view words = problem.what();
    words.remove_prefix(std::min(words.find("] ") + 2, words.size()));
    problem_ = utf8::prefix(utf8::scrub(words.substr(0, 300)).text, 250);
    return false;
  }
  const std::string& problem() const { return problem_; }

 private:
  // "\u0000" is the one way to a NUL.
  const std::string& clean(const std::string& value) { return value.find('\0') == std::string::npos ? value : cleaned_ = utf8::scrub(value).text; }

  DataCollector& collector_;
  std::string cleaned_, problem_;
};

std::optional<unsigned> escaped_unit(std::string_view text, std::size_t at) {  // of "\uXXXX" at `at`
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
  unsigned unit = 0;
  for (const char c : text.substr(at + 2, 4)) {
    const char low = static_cast<char>(c | 0x20);
    if (c >= '0' && c <= '9') {
      unit = unit * 16 + static_cast<unsigned>(c - '0');
    } else if (low >= 'a' && low <= 'f') {
      unit = unit * 16 + static_cast<unsigned>(low - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return unit;
}

// Escapes of half a surrogate pair become that of U+FFFD, as in browsers; the library takes them for errors. Nothing when there are none.
std::optional<std::string> without_lone_surrogates(std::string_view text) {
  if (text.find("\\ud") == std::string_view::npos && text.find("\\uD") == std::string_view::npos) return std::nullopt;
  std::optional<std::string> mended;
  for (std::size_t at = text.find('\\'); at != std::string_view::npos; at = text.find('\\', at)) {
    const std::optional<unsigned> unit = escaped_unit(text, at);
    if (!unit || (*unit & 0xF800) != 0xD800) {
      at += 2;
      continue;
    }
    if (const std::optional<unsigned> low = escaped_unit(text, at + 6); (*unit & 0xFC00) == 0xD800 && low && (*low & 0xFC00) == 0xDC00) {
      at += 12;
      continue;
    }
    if (!mended) mended = text;
    mended->replace(at, 6, "\\ufffd");
    at += 6;
  }
  return mended;
}

bool parse_into(Sax& sax, std::string_view text) { return json::sax_parse(text.begin(), text.end(), &sax); }

}  // namespace

DataBody read_json(std::string_view text, Problems& problems) {
  const std::optional<std::string> mended = without_lone_surrogates(text);
  if (mended) problems.add("JSON: escapes of half a surrogate pair were replaced by U+FFFD");
  Problems found;
  DataCollector collector(found);
  Sax sax(collector);
  if (!parse_into(sax, mended ? std::string_view(*mended) : text)) {
    problems.add("JSON: " + sax.problem());
    return as_raw_text(text, problems);
  }
  DataBody body = collector.finish();
  for (std::string& problem : found.take()) problems.add(std::move(problem));
  return body;
}

DataBody read_json_lines(std::string_view text, Problems& problems) {
  const std::string_view whole = text;
  std::size_t broken = 0;
  const std::optional<std::string> mended = without_lone_surrogates(text);
  if (mended) {
    problems.add("JSON: escapes of half a surrogate pair were replaced by U+FFFD");
    text = *mended;
  }
  DataCollector collector(problems);
  collector.begin_list();
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    Sax sax(collector);
    if (parse_into(sax, line)) continue;
    if (++broken > max_broken_lines) {
      problems.add(fmt::format("more than {} lines are not JSON: the file is taken as plain text", max_broken_lines));
      return as_raw_text(whole, problems);
    }
    problems.add(fmt::format("line {}: {}", number, sax.problem()));
    collector.drop_to(1);
    collector.text(line);
  }
  collector.end();
  return collector.finish();
}

}  // namespace tidemark::parser
