#include "parser/language.hpp"

#include <algorithm>
#include <iterator>
#include <string>

#include "parser/cjk.hpp"
#include "parser/utf8.hpp"

namespace tidemark::parser {
namespace {

constexpr std::size_t sample_bytes = 4 * 1024;

// Sorted. One word in twelve of English prose is one of these; far fewer are in any other language that is written in Latin letters.
constexpr std::string_view english[] = {"a",  "and", "are", "as", "be",   "for", "from", "in", "is",
                                        "it", "of",  "on",  "or", "that", "the", "this", "to", "with"};

struct Counts {
  std::size_t latin = 0, han = 0, kana = 0, hangul = 0, words = 0, english_words = 0;
};

class Sampler {
 public:
  void add(std::string_view text) {
    for (std::size_t at = 0; at < text.size() && seen_ < sample_bytes;) {
      const utf8::Decoded next = utf8::decode(text, at);
      at += next.bytes;
      seen_ += next.bytes;
      count(next.code_point);
    }
    end_word();
  }
  const Counts& counts() const { return counts_; }
  bool full() const { return seen_ >= sample_bytes; }

 private:
  void count(char32_t c) {
    const Script script = script_of(c);
    if (script == Script::latin) {
      ++counts_.latin;
      if (word_.size() < 8) word_.push_back(c < 0x80 ? static_cast<char>(c | 0x20) : '?');
      return;
    }
    end_word();
    if (script == Script::han) ++counts_.han;
    if (script == Script::kana) ++counts_.kana;
    if (script == Script::hangul) ++counts_.hangul;
  }

  void end_word() {
    if (word_.empty()) return;
    ++counts_.words;
    if (std::binary_search(std::begin(english), std::end(english), std::string_view(word_))) ++counts_.english_words;
    word_.clear();
  }

  Counts counts_;
  std::string word_;
  std::size_t seen_ = 0;
};

}  // namespace

std::string_view guess_language(const std::vector<Section>& sections) {
  Sampler sampler;
  for (const Section& section : sections) {
    if (sampler.full()) break;
    sampler.add(section.heading);
    sampler.add(section.content);
  }
  const Counts& n = sampler.counts();
  const std::size_t cjk = n.han + n.kana + n.hangul;
  if (cjk > 0 && cjk * 3 >= n.latin) {  // one of them says about as much as three Latin letters
    if (n.hangul * 2 > cjk) return "ko";
    return n.kana * 10 >= cjk ? "ja" : "zh";
  }
  return n.words >= 5 && n.english_words * 12 >= n.words ? "en" : "";
}

}  // namespace tidemark::parser
