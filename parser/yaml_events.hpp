// libyaml's events, one at a time, and what of YAML's types we resolve ourselves.
#pragma once

#include <yaml.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace tidemark::parser {

// Deeper documents are an error: what libyaml does for each token grows with the depth.
inline constexpr std::size_t max_yaml_depth = 1'000;

class YamlEvents {
 public:
  explicit YamlEvents(std::string_view text);  // UTF-8; has to outlive the object
  ~YamlEvents();
  YamlEvents(const YamlEvents&) = delete;
  YamlEvents& operator=(const YamlEvents&) = delete;

  bool next();  // false after the end of the stream and after an error
  const yaml_event_t& event() const { return event_; }
  std::size_t line() const { return event_.start_mark.line; }  // from 0
  const std::string& error() const { return error_; }          // empty: there was none
  std::size_t error_line() const { return error_line_; }       // from 0

 private:
  bool fail(std::string why, std::size_t line);

  yaml_parser_t parser_;
  yaml_event_t event_{};
  bool ended_ = false;
  std::size_t depth_ = 0;
  std::string error_;
  std::size_t error_line_ = 0;
};

// What a scalar stands for in YAML 1.2's core schema. Numbers other than plain decimal integers stay text, as written: 1.10, 0x1F and 010 keep their
// spelling.
enum class Scalar { null, boolean_true, boolean_false, integer, text };
Scalar resolve(std::string_view text, bool plain);
bool is_plain(const yaml_event_t& scalar);  // untagged and unquoted
std::string_view text_of(const yaml_event_t& scalar);
std::string_view name_of(const yaml_char_t* name);  // an anchor's; empty for none

}  // namespace tidemark::parser
