// How a search asks for matches to be marked. Noncharacters, which text does not have; whatever it has, all of it is escaped after they were taken out.
#pragma once

namespace tidemark::ingest::elasticsearch {

inline constexpr const char* begin_of_match = "\xEF\xB7\x92";  // U+FDD2
inline constexpr const char* end_of_match = "\xEF\xB7\x93";    // U+FDD3
// Of the text around the best matches: a little more than a snippet shows, which is then cut around them.
inline constexpr int fragment_characters = 320;

}  // namespace tidemark::ingest::elasticsearch
