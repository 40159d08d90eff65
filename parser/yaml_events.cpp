#include "parser/yaml_events.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <new>
#include <utility>

namespace tidemark::parser {

YamlEvents::YamlEvents(std::string_view text) {
  if (yaml_parser_initialize(&parser_) == 0) throw std::bad_alloc();
  yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
}

YamlEvents::~YamlEvents() {
  yaml_event_delete(&event_);
  yaml_parser_delete(&parser_);
}

bool YamlEvents::next() {
  yaml_event_delete(&event_);
  if (ended_) return false;
  if (yaml_parser_parse(&parser_, &event_) == 0) {
    if (parser_.error == YAML_MEMORY_ERROR) throw std::bad_alloc();
    return fail(parser_.problem != nullptr ? parser_.problem : "cannot be read", parser_.problem_mark.line);
  }
  switch (event_.type) {
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
      if (++depth_ > max_yaml_depth) return fail(fmt::format("nested deeper than {} levels", max_yaml_depth), event_.start_mark.line);
      break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      --depth_;
      break;
    default:
      break;
  }
  ended_ = event_.type == YAML_STREAM_END_EVENT;
  return !ended_;
}

bool YamlEvents::fail(std::string why, std::size_t line) {
  yaml_event_delete(&event_);
  ended_ = true;
  error_ = std::move(why);
  error_line_ = line;
  return false;
}

Scalar resolve(std::string_view text, bool plain) {
  if (!plain) return Scalar::text;
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return Scalar::null;
  if (text == "true" || text == "True" || text == "TRUE") return Scalar::boolean_true;
  if (text == "false" || text == "False" || text == "FALSE") return Scalar::boolean_false;
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  return whole && std::to_string(value) == text ? Scalar::integer : Scalar::text;
}

bool is_plain(const yaml_event_t& scalar) { return scalar.data.scalar.plain_implicit != 0 && scalar.data.scalar.style == YAML_PLAIN_SCALAR_STYLE; }

std::string_view text_of(const yaml_event_t& scalar) { return {reinterpret_cast<const char*>(scalar.data.scalar.value), scalar.data.scalar.length}; }

std::string_view name_of(const yaml_char_t* name) { return name == nullptr ? std::string_view() : reinterpret_cast<const char*>(name); }

}  // namespace tidemark::parser
