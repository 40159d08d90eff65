#include "parser/date.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdlib>

namespace tidemark::parser {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view rest) : rest_(rest) {}

  bool skip(std::string_view what) {
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }
  bool skip_any(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_spaces() {
    while (skip_any(" \t")) continue;
  }
  std::optional<int> number(std::size_t least, std::size_t most) {
    std::size_t digits = 0;
    int value = 0;
    while (digits < most && digits < rest_.size() && is_digit(rest_[digits])) value = value * 10 + (rest_[digits++] - '0');
    if (digits < least || (digits < rest_.size() && is_digit(rest_[digits]) && digits == most && most > 2)) return std::nullopt;
    rest_.remove_prefix(digits);
    return value;
  }
  std::string word() {
    std::string result;
    while (!rest_.empty() && ((rest_.front() | 0x20) >= 'a' && (rest_.front() | 0x20) <= 'z')) {
      result.push_back(static_cast<char>(rest_.front() | 0x20));
      rest_.remove_prefix(1);
    }
    return result;
  }
  bool at_end() const { return rest_.empty(); }
  bool at_digit() const { return !rest_.empty() && is_digit(rest_.front()); }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  std::string_view rest_;
};

struct Fields {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offset_minutes = 0;
};

// "January", "Jan", "Jan.", "Sept" -> 1 to 12.
std::optional<int> month_of(std::string_view word) {
  constexpr std::array<std::string_view, 12> months = {"january", "february", "march",     "april",   "may",      "june",
                                                       "july",    "august",   "september", "october", "november", "december"};
  for (std::size_t i = 0; i < months.size(); ++i) {
    if (word.size() >= 3 && months[i].starts_with(word)) return static_cast<int>(i) + 1;
  }
  return std::nullopt;
}

bool is_weekday(std::string_view word) {
  constexpr std::array<std::string_view, 7> days = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
  for (const std::string_view day : days) {
    if (word.size() >= 3 && day.starts_with(word)) return true;
  }
  return false;
}

bool numeric_day(Scanner& in, Fields& out) {
  const auto year = in.number(4, 4);
  if (!year) return false;
  const bool kanji = in.skip("年");
  if (!kanji && !in.skip_any("-/.")) return false;
  const auto month = in.number(1, 2);
  if (!month || !(kanji ? in.skip("月") : in.skip_any("-/."))) return false;
  const auto day = in.number(1, 2);
  if (!day || (kanji && !in.skip("日"))) return false;
  out.year = *year, out.month = *month, out.day = *day;
  return true;
}

// "27 September 2019", "September 27, 2019", both with a weekday before if there is one.
bool named_day(Scanner& in, Fields& out) {
  std::string word = in.word();
  if (is_weekday(word)) {
    in.skip_any(",.");
    in.skip_spaces();
    word = in.word();
  }
  std::optional<int> month, day;
  if (word.empty()) {
    day = in.number(1, 2);
    in.skip_spaces();
    month = month_of(in.word());
    in.skip_any(".,");
  } else {
    month = month_of(word);
    in.skip_any(".");
    in.skip_spaces();
    day = in.number(1, 2);
    if (!in.at_digit()) in.word();  // 27th
    in.skip_any(",");
  }
  in.skip_spaces();
  const auto year = in.number(4, 4);
  if (!month || !day || !year) return false;
  out.year = *year, out.month = *month, out.day = *day;
  return true;
}

bool time_of_day(Scanner& in, Fields& out) {
  const auto hour = in.number(1, 2);
  if (!hour || !in.skip(":")) return false;
  const auto minute = in.number(2, 2);
  if (!minute) return false;
  out.hour = *hour, out.minute = *minute;
  if (!in.skip(":")) return true;
  const auto second = in.number(2, 2);
  if (!second) return false;
  out.second = *second;
  if (in.skip_any(".,")) {
    if (!in.at_digit()) return false;
    while (in.skip_any("0123456789")) continue;
  }
  return true;
}

bool zone(Scanner& in, Fields& out) {
  if (in.at_end()) return true;
  const bool minus = in.skip("-");
  if (minus || in.skip("+")) {
    const auto hours = in.number(2, 2);
    if (!hours) return false;
    in.skip(":");
    const int minutes = in.at_digit() ? in.number(2, 2).value_or(60) : 0;
    if (*hours > 23 || minutes > 59) return false;
    out.offset_minutes = (*hours * 60 + minutes) * (minus ? -1 : 1);
    return true;
  }
  const std::string name = in.word();
  if (name == "jst") out.offset_minutes = 9 * 60;
  return name == "z" || name == "utc" || name == "gmt" || name == "jst";
}

std::optional<std::string> utc(const Fields& in) {
  using namespace std::chrono;
  const year_month_day day{year{in.year}, month{static_cast<unsigned>(in.month)}, std::chrono::day{static_cast<unsigned>(in.day)}};
  if (!day.ok() || in.hour > 23 || in.minute > 59 || in.second > 60) return std::nullopt;
  const sys_seconds at = sys_days{day} + hours{in.hour} + minutes{in.minute - in.offset_minutes} + seconds{in.second};
  const sys_days midnight = floor<days>(at);
  const year_month_day moved{midnight};
  const hh_mm_ss clock{at - midnight};
  const int moved_year = static_cast<int>(moved.year());
  if (moved_year < 0 || moved_year > 9999) return std::nullopt;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", moved_year, static_cast<unsigned>(moved.month()), static_cast<unsigned>(moved.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace

std::optional<std::string> read_date(std::string_view text) {
  Scanner in(text);
  Fields fields;
  in.skip_spaces();
  Scanner named = in;
  if (!numeric_day(in, fields)) {
    fields = {};
    if (!named_day(named, fields)) return std::nullopt;
    in = named;
  }
  const bool separated = in.skip_any("Tt");
  if (!separated) in.skip_spaces();
  if (in.at_digit()) {
    if (!time_of_day(in, fields)) return std::nullopt;
    in.skip_spaces();
  } else if (separated) {
    return std::nullopt;
  }
  if (!zone(in, fields)) return std::nullopt;
  in.skip_spaces();
  if (in.skip("(")) return utc(fields);  // RFC 2822's comment after the zone
  return in.at_end() ? utc(fields) : std::nullopt;
}

}  // namespace tidemark::parser
