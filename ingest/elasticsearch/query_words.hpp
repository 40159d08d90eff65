// The words of a piece of a search, as far as the request's shape depends on them. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::ingest::elasticsearch {

struct QueryWord {
  std::string text;
  bool cjk = false;         // a run of letters that becomes bigrams
  std::size_t letters = 0;  // without marks
};

// Runs of letters and digits; CJK runs and others are words of their own.
std::vector<QueryWord> query_words(std::string_view text);

}  // namespace tidemark::ingest::elasticsearch
