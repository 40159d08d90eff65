// YAML data files by libyaml's events: aliases of texts are resolved within a budget, those of lists and mappings are not repeated.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "parser/data.hpp"
#include "parser/utf8.hpp"
#include "parser/yaml_events.hpp"

namespace tidemark::parser {
namespace {

constexpr std::size_t max_anchored_bytes = 256 * 1024;  // remembered
constexpr std::size_t max_alias_bytes = 1024 * 1024;    // repeated

// Does the stream hold more than one document? A `---` at the beginning of a line is nothing else in YAML.
bool has_several_documents(std::string_view text) {
  bool content = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool marker = line == "---" || line.starts_with("--- ") || line.starts_with("---\t");
    if (marker && content) return true;
    content = content || marker || (!trimmed(line).empty() && !line.starts_with('#') && !line.starts_with('%'));
  }
  return false;
}

class Reader {
 public:
  Reader(std::string_view text, Problems& problems) : events_(text), problems_(problems), collector_(problems) {}

  bool read(bool several) {
    if (several) collector_.begin_list();
    while (events_.next()) take(events_.event());
    if (!events_.error().empty()) {
      error_ = fmt::format("line {}: {}", events_.error_line() + 1, events_.error());
      return false;
    }
    if (several) collector_.end();
    return true;
  }

  const std::string& error() const { return error_; }
  DataBody finish() { return collector_.finish(); }

 private:
  struct Frame {
    bool mapping;
    bool key_next;
    std::unordered_set<std::size_t> keys{};  // hashes
  };

  void take(const yaml_event_t& event) {
    switch (event.type) {
      case YAML_SCALAR_EVENT:
        scalar(clean(text_of(event)), is_plain(event), name_of(event.data.scalar.anchor));
        break;
      case YAML_ALIAS_EVENT:
        alias(name_of(event.data.alias.anchor));
        break;
      case YAML_SEQUENCE_START_EVENT:
        key_that_is_no_text();
        collector_.begin_list();
        frames_.push_back({false, false});
        break;
      case YAML_MAPPING_START_EVENT:
        key_that_is_no_text();
        collector_.begin_mapping();
        frames_.push_back({true, true});
        break;
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        frames_.pop_back();
        collector_.end();
        value_ended();
        break;
      default:
        break;
    }
  }

  void scalar(std::string_view text, bool plain, std::string_view anchor) {
    if (!anchor.empty() && anchored_bytes_ + text.size() <= max_anchored_bytes) {
      anchored_bytes_ += text.size();
      anchors_[std::string(anchor)] = {std::string(text), plain};
    }
    if (at_key()) {
      if (!frames_.back().keys.insert(std::hash<std::string_view>{}(text)).second) {
        problems_.add(fmt::format("YAML, line {}: the key {} appears again", events_.line() + 1, excerpt(text)));
      }
      collector_.key(text);
      frames_.back().key_next = false;
      return;
    }
    switch (resolve(text, plain)) {
      case Scalar::null:
        collector_.nothing();
        break;
      case Scalar::text:
        collector_.text(text);
        break;
      default:
        collector_.other(text);
    }
    value_ended();
  }

  void alias(std::string_view name) {
    const auto found = anchors_.find(std::string(name));
    if (found == anchors_.end()) {  // a list's or mapping's, which stands elsewhere in the file
      key_that_is_no_text();
      collector_.nothing();
      value_ended();
      return;
    }
    const auto [text, plain] = found->second;
    aliased_bytes_ += text.size();
    if (aliased_bytes_ > max_alias_bytes && !std::exchange(too_many_aliases_, true)) {
      problems_.add(
          fmt::format("YAML, line {}: aliases repeat more than {} bytes: the rest of them is left out", events_.line() + 1, max_alias_bytes));
    }
    scalar(too_many_aliases_ ? std::string_view() : std::string_view(text), plain, {});
  }

  bool at_key() const { return !frames_.empty() && frames_.back().key_next; }

  // A list or mapping as a key is taken like a value, and so is what it leads to.
  void key_that_is_no_text() {
    if (at_key()) collector_.key("?");
  }

  void value_ended() {
    if (!frames_.empty() && frames_.back().mapping) frames_.back().key_next = !frames_.back().key_next;
  }

  std::string_view clean(std::string_view text) {
    if (text.find('\0') == std::string_view::npos) return text;
    cleaned_ = utf8::scrub(text).text;
    return cleaned_;
  }

  YamlEvents events_;
  Problems& problems_;
  DataCollector collector_;
  std::vector<Frame> frames_;
  std::unordered_map<std::string, std::pair<std::string, bool>> anchors_;
  std::size_t anchored_bytes_ = 0, aliased_bytes_ = 0;
  bool too_many_aliases_ = false;
  std::string cleaned_, error_;
};

}  // namespace

DataBody read_yaml(std::string_view text, Problems& problems) {
  Problems found;
  Reader reader(text, found);
  if (!reader.read(has_several_documents(text))) {
    problems.add("YAML, " + reader.error());
    return as_raw_text(text, problems);
  }
  DataBody body = reader.finish();
  for (std::string& problem : found.take()) problems.add(std::move(problem));
  return body;
}

}  // namespace tidemark::parser
