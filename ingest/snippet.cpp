#include "ingest/snippet.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "ingest/letters.hpp"

namespace tidemark::ingest {

namespace {

constexpr std::string_view ellipsis = "\xE2\x80\xA6";
constexpr int lead_characters = 60;  // of the text before the first match

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Part of the character before it for a reader's eye: combining marks, variation selectors, joiners.
bool is_attached(char32_t c) {
  return (c >= 0x300 && c <= 0x36f) || (c >= 0x20d0 && c <= 0x20ff) || c == 0x200d || c == 0x3099 || c == 0x309a || c == 0xff9e || c == 0xff9f ||
         (c >= 0x1f3fb && c <= 0x1f3ff) || is_invisible_mark(c);
}

void append_escaped(std::string& html, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&': html += "&amp;"; break;
      case '<': html += "&lt;"; break;
      case '>': html += "&gt;"; break;
      case '"': html += "&quot;"; break;
      case '\'': html += "&#39;"; break;
      default: html += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
}

std::size_t step_back(std::string_view text, std::size_t at, int characters) {
  while (at > 0 && characters > 0) {
    do --at;
    while (at > 0 && continues_character(text[at]));
    --characters;
  }
  return at;
}

std::size_t step_forward(std::string_view text, std::size_t at, int characters) {
  while (at < text.size() && characters > 0) {
    do ++at;
    while (at < text.size() && continues_character(text[at]));
    --characters;
  }
  return at;
}

std::size_t past_attached(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const Decoded next = decode(text, at);
    if (!next.valid() || !is_attached(next.character)) break;
    at += static_cast<std::size_t>(next.bytes);
  }
  return at;
}

// A cut inside a word of a spaced script moves to the next word, if one begins soon and before the match.
std::size_t to_word(std::string_view text, std::size_t at, std::size_t limit) {
  if (at == 0) return 0;
  const std::size_t soon = std::min({text.size(), limit, at + 20});
  for (std::size_t i = at; i < soon; ++i) {
    if (text[i] == ' ' || text[i] == '\n') return i + 1;
    if (static_cast<unsigned char>(text[i]) >= 0xE1) break;
  }
  return past_attached(text, at);
}

// The match to begin with: the one with the most different terms, then the most matches, in the window behind it.
std::size_t densest(std::string_view text, const std::vector<Match>& matches) {
  std::size_t best = 0;
  std::pair<std::size_t, std::size_t> best_worth{0, 0};
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const auto start = static_cast<std::size_t>(matches[i].start);
    const std::size_t end = step_forward(text, start, snippet_characters - lead_characters);
    std::set<std::size_t> terms;
    std::size_t count = 0;
    for (std::size_t j = i; j < matches.size() && static_cast<std::size_t>(matches[j].end) <= end; ++j, ++count) terms.insert(matches[j].term);
    if (std::pair(terms.size(), count) > best_worth) {
      best_worth = {terms.size(), count};
      best = i;
    }
  }
  return best;
}

}  // namespace

std::string snippet(std::string_view text, const std::vector<Match>& matches) {
  std::size_t begin = 0;
  if (!matches.empty()) {
    const auto first = static_cast<std::size_t>(matches[densest(text, matches)].start);
    begin = to_word(text, step_back(text, first, lead_characters), first);
  }
  std::size_t end = step_forward(text, begin, snippet_characters);
  end = past_attached(text, end);
  // Near the text's end the window moves back instead of getting short.
  if (end == text.size() && begin > 0) {
    const std::size_t earlier = step_back(text, end, snippet_characters);
    if (earlier < begin) begin = to_word(text, earlier, begin);
  }

  // A match is shown whole, unless a chain of them goes on and on.
  const std::size_t earliest = step_back(text, begin, lead_characters);
  for (auto match = matches.rbegin(); match != matches.rend(); ++match) {
    const auto start = static_cast<std::size_t>(match->start);
    if (start < begin && static_cast<std::size_t>(match->end) > begin && start >= earliest) begin = start;
  }
  const std::size_t latest = step_forward(text, end, lead_characters);
  for (const Match& match : matches) {
    const auto stop = static_cast<std::size_t>(match.end);
    if (static_cast<std::size_t>(match.start) < end && stop > end && stop <= latest) end = stop;
  }

  std::string html;
  if (begin > 0) html += ellipsis;
  std::size_t at = begin;
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const std::size_t from = std::max(at, static_cast<std::size_t>(matches[i].start));
    std::size_t to = static_cast<std::size_t>(matches[i].end);
    while (i + 1 < matches.size() && static_cast<std::size_t>(matches[i + 1].start) < to) to = std::max(to, static_cast<std::size_t>(matches[++i].end));
    to = std::min(to, end);
    if (from >= to) continue;
    append_escaped(html, text.substr(at, from - at));
    html += "<mark>";
    append_escaped(html, text.substr(from, to - from));
    html += "</mark>";
    at = to;
  }
  if (at < end) append_escaped(html, text.substr(at, end - at));
  if (end < text.size()) html += ellipsis;
  return html;
}

}  // namespace tidemark::ingest
