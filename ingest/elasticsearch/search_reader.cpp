// The answer to a search.
#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/error.hpp"
#include "ingest/elasticsearch/json_members.hpp"
#include "ingest/elasticsearch/search_marks.hpp"
#include "ingest/elasticsearch/search_request.hpp"
#include "ingest/snippet.hpp"
#include "parser/utf8.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& what) { throw TransientError("the answer to a search " + what); }

const json& required(const json& object, const char* key) {
  const json* value = member(object, key);
  if (value == nullptr) refuse(std::string("has no ") + key);
  return *value;
}

struct Fragment {
  std::string text;
  std::vector<Match> matches;
};

// Engines cut a text between words, so a fragment of a text without any is the whole text. What is around its first match is enough.
constexpr std::size_t max_fragment_bytes = 16 * 1024;

std::string_view around_first_match(std::string_view marked) {
  if (marked.size() <= max_fragment_bytes) return marked;
  const std::size_t first = std::min(marked.find(begin_of_match), marked.size());
  const std::size_t lead = std::min(first, max_fragment_bytes / 4);
  if (first < marked.size()) marked.remove_prefix(parser::utf8::prefix_of_bytes(marked, first - lead).size());
  return parser::utf8::prefix_of_bytes(marked, max_fragment_bytes);
}

Fragment read_fragment(std::string_view marked) {
  Fragment fragment;
  const std::string_view begin = begin_of_match;
  const std::string_view end = end_of_match;
  bool open = false;
  while (!marked.empty()) {
    const bool begins = marked.starts_with(begin);
    if (!begins && !marked.starts_with(end)) {
      const std::size_t next = std::min({marked.find(begin, 1), marked.find(end, 1), marked.size()});
      fragment.text += marked.substr(0, next);
      marked.remove_prefix(next);
      continue;
    }
    const int at = static_cast<int>(fragment.text.size());
    if (begins && !open) {
      // Overlapping bigrams are marked one after the other.
      if (!fragment.matches.empty() && fragment.matches.back().end == at) {
        fragment.matches.back().end = at;
      } else {
        fragment.matches.push_back({.term = 0, .start = at, .end = at});
      }
    } else if (!begins && open) {
      fragment.matches.back().end = at;
    }
    open = begins;
    marked.remove_prefix(begin.size());
  }
  if (open) fragment.matches.back().end = static_cast<int>(fragment.text.size());
  return fragment;
}

// The different words of a fragment stand in for the different terms of the query, which an answer does not tell.
void tell_terms_apart(Fragment& fragment) {
  std::vector<std::string_view> words;
  for (Match& match : fragment.matches) {
    const auto start = static_cast<std::size_t>(match.start);
    const auto word = std::string_view(fragment.text).substr(start, static_cast<std::size_t>(match.end) - start);
    const auto known = std::find(words.begin(), words.end(), word);
    match.term = static_cast<std::size_t>(known - words.begin());
    if (known == words.end()) words.push_back(word);
  }
}

Fragment fragment_of(const json& highlights, const std::string& field) {
  const json* fragments = member(highlights, field);
  if (fragments == nullptr || !fragments->is_array() || fragments->empty() || !fragments->front().is_string()) return {};
  return read_fragment(around_first_match(fragments->front().get_ref<const std::string&>()));
}

// The one with the most matches, and those that others have found in the same piece of text.
Fragment best_of(const std::vector<Fragment>& fragments) {
  Fragment best;
  for (const Fragment& fragment : fragments) {
    if (best.text.empty() || fragment.matches.size() > best.matches.size()) best = fragment;
  }
  for (const Fragment& fragment : fragments) {
    if (fragment.text == best.text) best.matches.insert(best.matches.end(), fragment.matches.begin(), fragment.matches.end());
  }
  std::sort(best.matches.begin(), best.matches.end(), [](const Match& a, const Match& b) { return std::pair(a.start, a.end) < std::pair(b.start, b.end); });
  tell_terms_apart(best);
  return best;
}

HitSection section_from(const json& hit) {
  const json& source = required(hit, "_source");
  const json* highlights = member(hit, "highlight");
  const json none = json::object();
  const json& marked = highlights == nullptr ? none : *highlights;
  std::vector<Fragment> prose;
  for (const char* field : {"sections.content", "sections.content.exact", "sections.content.japanese"}) prose.push_back(fragment_of(marked, field));
  Fragment shown = best_of(prose);
  if (shown.matches.empty()) {
    const Fragment code = best_of({fragment_of(marked, "sections.code")});
    if (shown.text.empty() || !code.matches.empty()) shown = code;
  }
  return {.anchor = text_of(source, "anchor"), .heading = text_of(source, "heading"), .snippet = snippet(shown.text, shown.matches)};
}

std::vector<HitSection> sections_of(const json& hit) {
  std::vector<HitSection> sections;
  const json* named = member(hit, "inner_hits", "sections");
  if (named == nullptr) return sections;
  const json& hits = required(required(*named, "hits"), "hits");
  if (!hits.is_array()) refuse("has sections that are no list");
  for (const json& section : hits) {
    if (sections.size() == max_hit_sections) break;
    sections.push_back(section_from(section));
  }
  return sections;
}

Hit hit_from(const json& value) {
  const json& source = required(value, "_source");
  const json& score = required(value, "_score");
  if (!source.is_object()) refuse("has a hit without its document");
  if (!score.is_number()) refuse("has a hit without a score");
  return {.path = text_of(source, "path"),
          .title = text_of(source, "title"),
          .source = text_of(source, "source"),
          .url = text_of(source, "url"),
          .revision = text_of(source, "revision"),
          .kind = text_of(source, "kind"),
          .lang = text_of(source, "lang"),
          .score = score.get<double>(),
          .sections = sections_of(value)};
}

// Every shard has to have answered in time: what is missing would look like "not found".
void check_whole(const json& root) {
  const json& timed_out = required(root, "timed_out");
  if (timed_out != false) refuse("is not whole: it timed out");
  const json* failed = member(required(root, "_shards"), "failed");
  if (failed == nullptr || *failed != 0) refuse("is not whole: shards failed");
}

}  // namespace

SearchResult read_search(std::string_view answer) {
  const json root = json::parse(answer, nullptr, false);
  if (!root.is_object()) refuse("is no JSON object");
  check_whole(root);
  const json& hits = required(root, "hits");
  const json& total = required(required(hits, "total"), "value");
  if (!total.is_number_integer() || total < 0) refuse("does not say how many hits there are");
  SearchResult result;
  result.total = total.get<std::int64_t>();
  const json& list = required(hits, "hits");
  if (!list.is_array() || list.size() > max_search_limit) refuse("has hits that are no list of ours");
  for (const json& hit : list) result.hits.push_back(hit_from(hit));
  if (static_cast<std::int64_t>(result.hits.size()) > result.total) refuse("has more hits than it counts");
  return result;
}

}  // namespace tidemark::ingest::elasticsearch
