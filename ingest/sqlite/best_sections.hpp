// The sections of a hit that hold what was searched for, each with a snippet. Pure but for the tokenizer.
#pragma once

#include <cstdint>
#include <vector>

#include "ingest/search.hpp"
#include "ingest/sqlite/query.hpp"
#include "parser/document.hpp"

namespace tidemark::ingest::sqlite {

// Best first, at most max_hit_sections; none when the terms stand only in the title or the description. `budget`: how many bytes of text may still be
// looked through for the whole answer; once it is spent, the first section with a match is enough.
std::vector<HitSection> best_sections(const Matcher& matcher, const std::vector<parser::Section>& sections, std::int64_t& budget);

}  // namespace tidemark::ingest::sqlite
