#include "ingest/elasticsearch/front_matter_json.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "parser/utf8.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

constexpr std::size_t max_term_bytes = 32'000;  // less the field's own name and separators
constexpr std::size_t max_terms_bytes = 1024 * 1024;
constexpr std::size_t max_levels = 20;  // the default of Elasticsearch's flattened fields
constexpr std::size_t number_bytes = 24;

class TermMeter final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool is_object() const { return is_object_; }
  bool fits() const { return fits_; }

  bool null() override { return true; }
  bool boolean(bool) override { return leaf(5); }
  bool number_integer(number_integer_t) override { return leaf(number_bytes); }
  bool number_unsigned(number_unsigned_t) override { return leaf(number_bytes); }
  bool number_float(number_float_t, const string_t& text) override { return leaf(text.size()); }
  bool string(string_t& text) override { return leaf(text.size()); }
  bool binary(binary_t&) override { return false; }
  bool key(string_t& text) override {
    keys_.back() = text.size() + 1;
    return true;
  }
  bool start_object(std::size_t) override {
    is_object_ = is_object_ || keys_.empty();
    return open();
  }
  bool start_array(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  bool open() {
    if (!keys_.empty()) above_ += keys_.back();
    keys_.push_back(0);
    fits_ = fits_ && keys_.size() <= max_levels;
    return true;
  }
  bool close() {
    keys_.pop_back();
    if (!keys_.empty()) above_ -= keys_.back();
    return true;
  }
  bool leaf(std::size_t bytes) {
    const std::size_t term = above_ + (keys_.empty() ? 0 : keys_.back()) + bytes;
    total_ += term;
    fits_ = fits_ && term <= max_term_bytes && total_ <= max_terms_bytes;
    return true;
  }

  std::vector<std::size_t> keys_;  // the length of the current key of each open object; 0 in a list
  std::size_t above_ = 0;          // of the open objects' keys, the innermost one's not
  std::size_t total_ = 0;
  bool is_object_ = false;
  bool fits_ = true;
};

}  // namespace

FrontMatter check_front_matter(std::string_view json) {
  if (json == "{}") return FrontMatter::indexable;
  TermMeter meter;
  if (json.find_first_of("\r\n") != std::string_view::npos || parser::utf8::first_invalid(json) != std::string_view::npos ||
      !nlohmann::json::sax_parse(json, &meter) || !meter.is_object()) {
    throw std::invalid_argument("its front matter is no JSON object on one line");
  }
  return meter.fits() ? FrontMatter::indexable : FrontMatter::too_large_for_terms;
}

}  // namespace tidemark::ingest::elasticsearch
