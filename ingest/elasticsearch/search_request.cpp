#include "ingest/elasticsearch/search_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "ingest/elasticsearch/analysis.hpp"
#include "ingest/elasticsearch/query_words.hpp"
#include "ingest/elasticsearch/search_marks.hpp"
#include "ingest/fingerprint.hpp"
#include "ingest/query_text.hpp"
#include "parser/utf8.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

using nlohmann::json;

// OpenSearch allows 1,024 clauses for the whole request. What a term takes of them at most, and a letter that is looked for by itself:
constexpr std::size_t max_clauses = 900;
constexpr std::size_t clauses_of_term = 27;
constexpr std::size_t clauses_of_letter = 13;

// The tokenizer cuts longer words, and OpenSearch 2 refuses beginnings of over a thousand characters.
constexpr std::size_t longest_token = 255;

struct Term {
  std::string text;
  bool quoted = false;
  bool prefix = false;
  std::vector<QueryWord> words;
  // The index counts a position for each letter of a CJK run, a query one for each bigram, which is one less: what follows the run in a phrase stands elsewhere.
  std::size_t runs_inside = 0;
  bool letter_by_letter = false;  // looked for with the letters' own positions, which costs more

  bool is_plain() const { return !quoted && !prefix && runs_inside == 0; }
};

std::vector<Term> read_terms(std::string_view text, CjkAnalysis cjk) {
  std::vector<Term> terms;
  std::size_t prefixes = 0;
  for (QueryPiece& piece : split_query(text)) {
    Term term{.text = parser::utf8::scrub(piece.text).text, .quoted = piece.quoted, .prefix = piece.prefix, .words = query_words(piece.text)};
    if (term.words.empty()) continue;
    const QueryWord& last = term.words.back();
    prefixes += term.prefix || (last.cjk && last.letters == 1) ? 1 : 0;
    if (last.cjk) term.prefix = false;  // its letters are found wherever they stand
    for (std::size_t i = 0; has_exact(cjk) && i + 1 < term.words.size(); ++i) term.runs_inside += term.words[i].cjk && term.words[i].letters > 1 ? 1 : 0;
    terms.push_back(std::move(term));
  }
  check_query_terms(terms.size(), prefixes);
  std::size_t clauses = clauses_of_term * terms.size();
  for (Term& term : terms) {
    if (term.runs_inside == 0 || term.prefix) continue;
    clauses += clauses_of_letter * term.text.size() / 2;  // a letter of a run has three bytes, a word and its space at least two
    term.letter_by_letter = clauses <= max_clauses;
  }
  return terms;
}

struct Field {
  const char* name;
  double weight;
  bool prose;
  bool exact_counts_more;
};

constexpr Field page_fields[] = {{"title", 10, true, true}, {"description", 2, true, false}, {"tags.text", 3, false, false}};
constexpr Field section_fields[] = {{"sections.heading", 5, true, true}, {"sections.content", 1.5, true, true}, {"sections.code", 1, false, false}};

enum class Forms { all, main };  // main: in one form per field, which is enough to put sections in order

// What a term is looked for in: words in their stems and, where that counts a little more, as they stand; all else as it stands.
json names_of(std::span<const Field> fields, const Term& term, CjkAnalysis cjk, Forms forms) {
  auto names = json::array();
  const auto add = [&](const std::string& name, double weight) { names.push_back(fmt::format("{}^{:.1f}", name, weight)); };
  for (const Field& field : fields) {
    const std::string name = field.name;
    const bool split = field.prose && has_exact(cjk);
    if (split && !term.is_plain()) {
      add(name + ".exact", field.weight);
      continue;
    }
    add(name, field.weight);
    if (!split || forms == Forms::main) continue;
    if (field.exact_counts_more) add(name + ".exact", field.weight * 1.2);
    if (has_japanese(cjk)) add(name + ".japanese", field.weight);
  }
  return names;
}

json clause(std::span<const Field> fields, const Term& term, CjkAnalysis cjk, Forms forms = Forms::all) {
  const json names = names_of(fields, term, cjk, forms);
  // The operators are switched off but for the one that is wanted; the analyzer folds the word.
  if (term.prefix && term.words.size() == 1 && term.words[0].text.size() <= longest_token) {
    return {{"simple_query_string", {{"query", term.words[0].text + "*"}, {"flags", "PREFIX"}, {"fields", names}}}};
  }
  json match = {{"query", term.text}, {"type", term.prefix ? "phrase_prefix" : "phrase"}, {"fields", names}};
  if (term.letter_by_letter) {
    match["analyzer"] = "tidemark_exact";
  } else if (term.runs_inside > 0) {
    match["slop"] = term.runs_inside;
  }
  return {{"multi_match", std::move(match)}};
}

json in_sections(json query) { return {{"path", "sections"}, {"score_mode", "max"}, {"query", std::move(query)}}; }

// In the page's own fields or in any of its sections.
json anywhere(const Term& term, CjkAnalysis cjk) {
  return {{"dis_max",
           {{"tie_breaker", 0.3}, {"queries", json::array({clause(page_fields, term, cjk), {{"nested", in_sections(clause(section_fields, term, cjk))}}})}}}};
}

// In the forms that are asked for alone: each one costs an analysis of the text. Where nothing matched, a section shows its beginning.
json highlight(Product product, const std::vector<Term>& terms, CjkAnalysis cjk) {
  const auto is_plain = [](const Term& term) { return term.is_plain(); };
  const json from_start = {{"no_match_size", fragment_characters}};
  json fields = {{"sections.code", from_start}};
  if (!has_exact(cjk) || std::any_of(terms.begin(), terms.end(), is_plain)) fields["sections.content"] = from_start;
  if (has_exact(cjk) && !std::all_of(terms.begin(), terms.end(), is_plain)) fields["sections.content.exact"] = from_start;
  if (has_japanese(cjk) && std::any_of(terms.begin(), terms.end(), is_plain)) fields["sections.content.japanese"] = json::object();
  return {{"type", "unified"},
          {"pre_tags", json::array({begin_of_match})},
          {"post_tags", json::array({end_of_match})},
          {"number_of_fragments", 1},
          {"fragment_size", fragment_characters},
          {std::string(max_analyzed_offset_parameter(product)), 999'999},
          {"fields", std::move(fields)}};
}

json worth(json query, int boost) { return {{"constant_score", {{"filter", std::move(query)}, {"boost", boost}}}}; }

// The sections with most of the terms, then those with most in the heading, then as usual. A little of it counts for the order of the pages, too: better all
// words in one place.
json best_sections(Product product, const std::vector<Term>& terms, CjkAnalysis cjk) {
  auto any = json::array();
  for (const Term& term : terms) {
    any.push_back(worth(clause(section_fields, term, cjk), 1'000));
    any.push_back(worth(clause(std::span(section_fields).first(1), term, cjk, Forms::main), 300));
    any.push_back(clause(section_fields, term, cjk, Forms::main));
  }
  json nested = in_sections({{"bool", {{"should", std::move(any)}, {"minimum_should_match", 1}}}});
  nested["boost"] = 0.0002;
  nested["inner_hits"] = {{"name", "sections"},
                          {"size", max_hit_sections},
                          {"_source", json::array({"sections.anchor", "sections.heading"})},
                          {"highlight", highlight(product, terms, cjk)}};
  return {{"nested", std::move(nested)}};
}

json term_filter(const char* field, const std::string& value) { return {{"term", {{field, value}}}}; }

json path_filter(std::string path, CjkAnalysis cjk) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const std::string own = display_path(path);
  if (has_path_tree(cjk)) return term_filter("path.tree", own);
  return {{"bool", {{"should", json::array({term_filter("path", own), {{"prefix", {{"path", own + '/'}}}}})}}}};
}

json filters_of(const SearchQuery& query, CjkAnalysis cjk) {
  auto filters = json::array({json::parse(reader_filter())});
  if (query.path && !query.path->empty()) filters.push_back(path_filter(*query.path, cjk));
  if (query.tag) filters.push_back(term_filter("tags", *query.tag));
  if (query.kind) filters.push_back(term_filter("kind", *query.kind));
  if (query.lang) filters.push_back(term_filter("lang", *query.lang));
  if (query.source) filters.push_back(term_filter("source", *query.source));
  return filters;
}

// An alias may hold indexes of others, which know no such field.
json ascending(const char* field) { return {{field, {{"order", "asc"}, {"unmapped_type", "keyword"}}}}; }

}  // namespace

std::string search_body(Product product, const SchemaChoice& choice, const SearchQuery& query) {
  check_search_window(query);
  const std::vector<Term> terms = read_terms(query.text, choice.cjk);
  auto all = json::array();
  for (const Term& term : terms) all.push_back(anywhere(term, choice.cjk));
  const json body = {{"from", query.offset},
                     {"size", query.limit},
                     {"track_total_hits", true},
                     {"_source", json::array({"path", "title", "source", "url", "revision", "kind", "lang"})},
                     {"query",
                      {{"bool",
                        {{"must", std::move(all)},
                         {"filter", filters_of(query, choice.cjk)},
                         {"should", json::array({best_sections(product, terms, choice.cjk)})}}}}},
                     {"sort", json::array({"_score", ascending("path_key"), ascending("fragment_key")})}};
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace tidemark::ingest::elasticsearch
