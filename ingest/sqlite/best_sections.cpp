#include "ingest/sqlite/best_sections.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "ingest/snippet.hpp"

namespace tidemark::ingest::sqlite {

namespace {

struct Scored {
  std::int64_t worth = 0;
  const parser::Section* section = nullptr;
  std::vector<Match> prose;
  std::vector<Match> code;
};

std::int64_t worth_of(const std::vector<Match>& heading, const std::vector<Match>& prose, const std::vector<Match>& code) {
  const auto different = [](const std::vector<Match>& matches) {
    std::set<std::size_t> terms;
    for (const Match& match : matches) terms.insert(match.term);
    return terms;
  };
  std::set<std::size_t> all = different(heading);
  const auto in_heading = static_cast<std::int64_t>(all.size());
  for (const auto* matches : {&prose, &code}) all.merge(different(*matches));
  const auto capped = static_cast<std::int64_t>(std::min<std::size_t>(prose.size() * 2 + code.size(), 50));
  return static_cast<std::int64_t>(all.size()) * 1'000 + in_heading * 300 + capped;
}

}  // namespace

std::vector<HitSection> best_sections(const Matcher& matcher, const std::vector<parser::Section>& sections, std::int64_t& budget) {
  std::vector<Scored> scored;
  for (const parser::Section& section : sections) {
    if (budget <= 0 && !scored.empty()) break;
    budget -= static_cast<std::int64_t>(section.heading.size() + section.content.size() + section.code.size());
    const std::vector<Match> heading = matcher.find(section.heading);
    Scored found{.worth = 0, .section = &section, .prose = matcher.find(section.content), .code = matcher.find(section.code)};
    if (heading.empty() && found.prose.empty() && found.code.empty()) continue;
    found.worth = worth_of(heading, found.prose, found.code);
    scored.push_back(std::move(found));
    // The best so far, in their order on the page.
    std::stable_sort(scored.begin(), scored.end(), [](const Scored& a, const Scored& b) { return a.worth > b.worth; });
    if (scored.size() > max_hit_sections) scored.pop_back();
  }
  std::vector<HitSection> best;
  for (const Scored& found : scored) {
    const bool from_code = found.prose.empty() && (!found.code.empty() || found.section->content.empty());
    best.push_back({.anchor = found.section->anchor,
                    .heading = found.section->heading,
                    .snippet = from_code ? snippet(found.section->code, found.code) : snippet(found.section->content, found.prose)});
  }
  return best;
}

}  // namespace tidemark::ingest::sqlite
