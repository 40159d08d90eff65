#include "ingest/sqlite/query.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "ingest/letters.hpp"
#include "ingest/query_text.hpp"
#include "ingest/search.hpp"

namespace tidemark::ingest::sqlite {

namespace {

int collect(void* tokens, int flags, const char* token, int bytes, int, int) {
  if ((flags & 1) == 0) static_cast<std::vector<std::string>*>(tokens)->emplace_back(token, static_cast<std::size_t>(bytes));
  return 0;
}

void append_quoted(std::string& match, std::string_view text) {
  match += '"';
  for (const char c : text) match += c == '"' ? "\"\"" : std::string(1, c);
  match += '"';
}

// Past the letter that begins at `start`, with what is joined to it.
int end_of_letter(std::string_view text, int start) {
  auto at = static_cast<std::size_t>(start);
  Decoded letter = decode(text, at);
  at += static_cast<std::size_t>(letter.bytes);
  char32_t character = fold_letter(letter.character);
  while (at < text.size()) {
    const Decoded next = decode(text, at);
    if (!next.valid()) break;
    if (!is_invisible_mark(next.character)) {
      const auto joined = compose(character, fold_letter(next.character));
      if (!joined) break;
      character = *joined;
    }
    at += static_cast<std::size_t>(next.bytes);
  }
  return static_cast<int>(at);
}

}  // namespace

ReadQuery read_query(std::string_view text, Tokenizer& tokenizer) {
  ReadQuery query;
  std::size_t prefixes = 0;
  for (const QueryPiece& piece : split_query(text)) {
    Term term{.tokens = {}, .prefix = piece.prefix};
    tokenizer.tokenize(piece.text, Tokenizer::Purpose::query, &term.tokens, collect);
    if (term.tokens.empty()) continue;
    term.prefix = term.prefix || is_single_letter(term.tokens.back());
    if (!query.match.empty()) query.match += " AND ";
    append_quoted(query.match, piece.text);
    if (term.prefix) query.match += '*';
    prefixes += term.prefix ? 1 : 0;
    query.terms.push_back(std::move(term));
  }
  check_query_terms(query.terms.size(), prefixes);
  return query;
}

struct Matcher::Scan {
  struct Hit {
    Slot slot;
    int position;
    int start;
    int end;
  };
  const Matcher& matcher;
  std::string_view text;
  int position = -1;
  std::vector<Hit> hits;
};

Matcher::Matcher(const ReadQuery& query, Tokenizer& tokenizer) : query_(query), tokenizer_(tokenizer) {
  for (std::size_t term = 0; term < query.terms.size(); ++term) {
    const auto& tokens = query.terms[term].tokens;
    for (std::size_t index = 0; index < tokens.size(); ++index) {
      if (query.terms[term].prefix && index + 1 == tokens.size()) {
        prefixes_.push_back({term, index});
      } else {
        exact_[tokens[index]].push_back({term, index});
      }
    }
  }
}

int Matcher::on_token(void* context, int flags, const char* token, int bytes, int start, int end) {
  auto& scan = *static_cast<Scan*>(context);
  if ((flags & 1) == 0) ++scan.position;
  const std::string_view word(token, static_cast<std::size_t>(bytes));
  if (const auto found = scan.matcher.exact_.find(word); found != scan.matcher.exact_.end()) {
    for (const Slot& slot : found->second) scan.hits.push_back({slot, scan.position, start, end});
  }
  for (const Slot& slot : scan.matcher.prefixes_) {
    const std::string& prefix = scan.matcher.query_.terms[slot.term].tokens[slot.index];
    if (!word.starts_with(prefix)) continue;
    scan.hits.push_back({slot, scan.position, start, is_single_letter(prefix) ? end_of_letter(scan.text, start) : end});
  }
  return scan.hits.size() < max_matches * 8 ? 0 : 1;
}

std::vector<Match> Matcher::find(std::string_view text) const {
  Scan scan{.matcher = *this, .text = text, .position = -1, .hits = {}};
  tokenizer_.tokenize(text, Tokenizer::Purpose::document, &scan, on_token);

  const auto order = [](const Scan::Hit& hit) { return std::tuple(hit.slot.term, hit.slot.index, hit.position); };
  std::stable_sort(scan.hits.begin(), scan.hits.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
  std::vector<Match> matches;
  for (const Scan::Hit& first : scan.hits) {
    if (first.slot.index != 0) continue;
    const std::size_t count = query_.terms[first.slot.term].tokens.size();
    int end = first.end;
    bool whole = true;
    for (std::size_t index = 1; whole && index < count; ++index) {
      const std::tuple wanted(first.slot.term, index, first.position + static_cast<int>(index));
      const auto next = std::lower_bound(scan.hits.begin(), scan.hits.end(), wanted, [&](const auto& hit, const auto& key) { return order(hit) < key; });
      whole = next != scan.hits.end() && order(*next) == wanted;
      if (whole) end = next->end;
    }
    if (whole) matches.push_back({first.slot.term, first.start, end});
  }
  std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) { return std::tuple(a.start, a.end, a.term) < std::tuple(b.start, b.end, b.term); });
  if (matches.size() > max_matches) matches.resize(max_matches);
  return matches;
}

}  // namespace tidemark::ingest::sqlite
