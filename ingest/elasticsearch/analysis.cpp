#include "ingest/elasticsearch/analysis.hpp"

#include <fmt/format.h>
#include <utf8proc.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "parser/utf8.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

using Json = nlohmann::ordered_json;

std::string escaped(char32_t character) { return fmt::format("\\u{:04X}", static_cast<std::uint32_t>(character)); }

// A kana and a voicing mark after it as the one letter that they make, where there is one.
void append_voiced(Json& mappings, char32_t kana, char32_t mark) {
  std::array<utf8proc_int32_t, 2> pair{static_cast<utf8proc_int32_t>(kana), static_cast<utf8proc_int32_t>(mark)};
  const auto length = utf8proc_normalize_utf32(pair.data(), pair.size(), static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  if (length == 1) mappings.push_back(escaped(kana) + escaped(mark) + " => " + escaped(static_cast<char32_t>(pair[0])));
}

// The tokenizer keeps "foo.bar" and "foo_bar" in one piece: here they are two words. Without ICU decomposed letters have to be taken care of, too.
Json letter_mappings() {
  auto mappings = Json::array();
  for (const char32_t separator : {U'.', U'_', U'\uFF0E', U'\uFF3F'}) mappings.push_back(escaped(separator) + " => \\u0020");
  for (char32_t accent = 0x300; accent <= 0x36F; ++accent) mappings.push_back(escaped(accent) + " => ");
  for (char32_t kana = 0x3041; kana <= 0x30FE; ++kana) {
    for (const char32_t mark : {U'\u3099', U'\u309A'}) append_voiced(mappings, kana, mark);
  }
  return mappings;
}

Json analyzer(Json char_filters, Json filters, const char* tokenizer = "standard") {
  return {{"type", "custom"}, {"char_filter", std::move(char_filters)}, {"tokenizer", tokenizer}, {"filter", std::move(filters)}};
}

}  // namespace

Json analysis_settings(CjkAnalysis cjk) {
  if (cjk == CjkAnalysis::standard) {
    return {{"analyzer", {{"tidemark_exact", {{"type", "custom"}, {"tokenizer", "standard"}, {"filter", Json::array({"lowercase"})}}}}}};
  }
  auto char_filters = Json::array({"tidemark_letters"});
  Json settings = {{"char_filter", {{"tidemark_letters", {{"type", "mapping"}, {"mappings", letter_mappings()}}}}}};
  if (cjk == CjkAnalysis::kuromoji) {
    settings["char_filter"]["tidemark_normalize"] = {{"type", "icu_normalizer"}, {"name", "nfkc_cf"}, {"mode", "compose"}};
    char_filters.insert(char_filters.begin(), "tidemark_normalize");
  }
  // A single letter is looked for as such, so the index has letters beside bigrams; a query has them only where there is no neighbour.
  const Json folds = Json::array({"cjk_width", "lowercase", "asciifolding"});
  const auto with = [&](std::initializer_list<const char*> more) {
    Json filters = folds;
    for (const char* filter : more) filters.push_back(filter);
    return filters;
  };
  settings["filter"] = {{"tidemark_letters_and_bigrams", {{"type", "cjk_bigram"}, {"output_unigrams", true}}},
                        {"tidemark_possessive", {{"type", "stemmer"}, {"language", "possessive_english"}}},
                        {"tidemark_english", {{"type", "stemmer"}, {"language", "english"}}}};
  settings["analyzer"] = {
      {"tidemark_stemmed", analyzer(char_filters, with({"tidemark_letters_and_bigrams", "tidemark_possessive", "tidemark_english"}))},
      {"tidemark_stemmed_query", analyzer(char_filters, with({"cjk_bigram", "tidemark_possessive", "tidemark_english"}))},
      {"tidemark_exact", analyzer(char_filters, with({"tidemark_letters_and_bigrams"}))},
      {"tidemark_exact_query", analyzer(char_filters, with({"cjk_bigram"}))},
      {"tidemark_path", analyzer(Json::array(), Json::array(), "path_hierarchy")}};
  if (has_japanese(cjk)) {
    // Parts of compounds are the bigrams' business.
    settings["tokenizer"] = {{"tidemark_japanese", {{"type", "kuromoji_tokenizer"}, {"mode", "normal"}}}};
    settings["analyzer"]["tidemark_japanese"] =
        analyzer(Json::array({"tidemark_normalize"}), Json::array({"kuromoji_baseform", "kuromoji_stemmer", "lowercase"}), "tidemark_japanese");
  }
  return settings;
}

Json code_mapping(CjkAnalysis cjk) {
  if (!has_exact(cjk)) return {{"type", "text"}, {"analyzer", "tidemark_exact"}};
  return {{"type", "text"}, {"analyzer", "tidemark_exact"}, {"search_analyzer", "tidemark_exact_query"}};
}

Json prose_mapping(CjkAnalysis cjk) {
  if (!has_exact(cjk)) return code_mapping(cjk);
  Json mapping = {{"type", "text"}, {"analyzer", "tidemark_stemmed"}, {"search_analyzer", "tidemark_stemmed_query"}};
  mapping["fields"]["exact"] = code_mapping(cjk);
  if (has_japanese(cjk)) mapping["fields"]["japanese"] = {{"type", "text"}, {"analyzer", "tidemark_japanese"}};
  return mapping;
}

}  // namespace tidemark::ingest::elasticsearch
