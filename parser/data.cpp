#include "parser/data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "parser/utf8.hpp"

namespace tidemark::parser {
namespace {

constexpr std::size_t max_name_characters = 200;
constexpr std::size_t max_anchor_bytes = 1'000;

void append_escaped(std::string& pointer, std::string_view key) {
  for (const char c : key) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer.push_back(c);
    }
  }
}

}  // namespace

void DataCollector::begin(bool mapping) {
  if (depth() >= max_data_depth) {
    ++skipped_levels_;
    if (!std::exchange(too_deep_, true)) problems_.add(fmt::format("nested deeper than {} levels: what is below is left out", max_data_depth));
    return;
  }
  if (!levels_.empty()) value_begins();
  const bool entries = levels_.empty() || (levels_.size() == 1 && levels_[0].mapping && !mapping);
  if (mapping) end_line(entry_.text);
  levels_.push_back({mapping, entries});
}

void DataCollector::end() {
  if (skipped_levels_ > 0) {
    --skipped_levels_;
    return;
  }
  if (levels_.back().mapping) end_line(entry_.text);
  levels_.pop_back();
  value_ended();
}

void DataCollector::drop_to(std::size_t depth) {
  skipped_levels_ = 0;
  if (depth < levels_.size()) levels_.erase(levels_.begin() + static_cast<std::ptrdiff_t>(depth), levels_.end());
}

void DataCollector::key(std::string_view name) {
  if (skipped_levels_ > 0) return;
  levels_.back().key = name;
  keep_key(name);
}

void DataCollector::keep_key(std::string_view name) {
  std::string kept(utf8::prefix_of_bytes(name, max_leaf_bytes));
  if (keys_.contains(kept)) return;
  if (key_bytes_ + kept.size() > max_key_bytes_kept) {
    if (!std::exchange(too_many_keys_, true))
      problems_.add(fmt::format("the distinct keys have more than {} bytes: the rest can't be found by key", max_key_bytes_kept));
    return;
  }
  key_bytes_ += kept.size();
  entry_.keys.append(kept).push_back('\n');
  keys_.insert(std::move(kept));
}

void DataCollector::nothing() {
  if (skipped_levels_ > 0) return;
  value_begins();
  value_ended();
}

void DataCollector::leaf(std::string_view value, bool is_text) {
  if (skipped_levels_ > 0) return;
  value_begins();
  if (is_text) note_name(value);
  if (entry_.anchor.empty()) entry_.anchor = pointer();
  if (!entry_.text.empty() && entry_.text.back() != '\n') entry_.text.push_back(' ');
  entry_.text.append(value);
  if (entry_.text.size() >= data_section_bytes) {
    end_entry();
    end_section();
  }
  value_ended();
}

void DataCollector::value_begins() {
  if (levels_.empty() || !levels_.back().entries) return;
  if (!entry_.text.empty()) end_entry();
  entry_.anchor = pointer();
  entry_has_title_ = false;
}

void DataCollector::value_ended() {
  if (!levels_.empty()) ++levels_.back().index;
}

void DataCollector::note_name(std::string_view value) {
  if (levels_.empty() || !levels_.back().mapping) return;
  const bool is_title = levels_.back().key == "title";
  if (!is_title && levels_.back().key != "name") return;
  const std::string_view name = trimmed(utf8::prefix(trimmed(value), max_name_characters));
  if (levels_.size() == 1) {
    if (!file_has_title_ && (is_title || result_.title.empty())) result_.title = name;
    file_has_title_ = file_has_title_ || is_title;
  } else if (levels_[levels_.size() - 2].entries) {
    if (!entry_has_title_ && (is_title || entry_.heading.empty())) entry_.heading = name;
    entry_has_title_ = entry_has_title_ || is_title;
  }
}

std::string DataCollector::pointer() const {
  std::string result;
  for (const Level& level : levels_) {
    result.push_back('/');
    if (level.mapping) {
      append_escaped(result, level.key);
    } else {
      result += std::to_string(level.index);
    }
    if (result.size() > max_anchor_bytes) return std::string(utf8::prefix_of_bytes(result, max_anchor_bytes));
  }
  return result;
}

void DataCollector::end_entry() {
  if (!section_.empty() && section_.text.size() + entry_.text.size() > data_section_bytes) end_section();
  if (section_.empty()) {
    section_.heading = entry_.heading.empty() ? entry_.anchor : entry_.heading;
    section_.anchor = std::move(entry_.anchor);
  }
  section_.text += entry_.text;
  section_.keys += entry_.keys;
  end_line(section_.text);
  entry_ = {};
}

void DataCollector::end_section() {
  Part part = std::exchange(section_, {});
  if (part.empty()) return;
  part.heading.resize(utf8::prefix(part.heading, max_heading_characters).size());
  outline_.open(1, part.anchor.empty() ? std::string() : anchors_.unique(std::move(part.anchor)), std::move(part.heading));
  outline_.content() += part.text;
  outline_.code() += part.keys;
}

DataBody DataCollector::finish() {
  if (!entry_.empty()) end_entry();
  end_section();
  result_.sections = outline_.finish();
  return std::move(result_);
}

DataBody as_raw_text(std::string_view text, Problems& problems) {
  Outline outline(problems);
  outline.content() = text;
  return {{}, outline.finish()};
}

}  // namespace tidemark::parser
