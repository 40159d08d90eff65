#include "parser/slug.hpp"

#include <utf8proc.h>

#include "parser/utf8.hpp"

namespace tidemark::parser {
namespace {

bool stays(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string slug_of(std::string_view heading) {
  std::string slug;
  for (std::size_t at = 0; at < heading.size();) {
    const utf8::Decoded next = utf8::decode(heading, at);
    at += next.bytes;
    const auto lower = static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(next.code_point)));
    if (lower == ' ' || lower == '-') {
      slug.push_back('-');
    } else if (stays(lower)) {
      utf8::append(slug, lower);
    }
  }
  return slug;
}

std::string Slugs::unique(std::string slug) {
  const auto [first, is_new] = seen_.try_emplace(slug, 0);
  if (is_new) return slug;
  std::string numbered;
  do {
    numbered = slug + '-' + std::to_string(++first->second);
  } while (seen_.contains(numbered));
  seen_.try_emplace(numbered, 0);
  return numbered;
}

}  // namespace tidemark::parser
