#include "ingest/elasticsearch/query_words.hpp"

#include <utf8proc.h>

#include "ingest/letters.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

enum class Role { letter, mark, other };

Role role_of(char32_t character) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(character))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_CO:
      return Role::letter;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return Role::mark;
    default:
      return Role::other;
  }
}

}  // namespace

std::vector<QueryWord> query_words(std::string_view text) {
  std::vector<QueryWord> words;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const Decoded next = decode(text, at);
    const std::string_view bytes = text.substr(at, static_cast<std::size_t>(next.bytes));
    at += bytes.size();
    const Role role = next.valid() ? role_of(next.character) : Role::other;
    const bool cjk = role == Role::letter && is_run_letter(next.character);
    if (role == Role::other || (role == Role::mark && !inside)) {
      inside = false;
      continue;
    }
    if (!inside || (role == Role::letter && words.back().cjk != cjk)) words.push_back({.text = "", .cjk = cjk, .letters = 0});
    inside = true;
    words.back().text += bytes;
    if (role == Role::letter) ++words.back().letters;
  }
  return words;
}

}  // namespace tidemark::ingest::elasticsearch
