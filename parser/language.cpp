#include "parser/language.hpp"

#include <cstdint>

#include "parser/cjk.hpp"
#include "parser/utf8.hpp"

namespace tidemark::parser {
namespace {

constexpr std::size_t sample_bytes = 1024;

// Up to four lower-case letters as one number.
constexpr std::uint32_t packed(std::string_view word) {
  std::uint32_t number = 0;
  for (const char c : word) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

// One word in twelve of English prose is one of these; far fewer are in any other language that is written in Latin letters.
bool is_english(std::uint32_t word) {
  switch (word) {
    case packed("a"):
    case packed("and"):
    case packed("are"):
    case packed("as"):
    case packed("be"):
    case packed("for"):
    case packed("from"):
    case packed("in"):
    case packed("is"):
    case packed("it"):
    case packed("of"):
    case packed("on"):
    case packed("or"):
    case packed("that"):
    case packed("the"):
    case packed("this"):
    case packed("to"):
    case packed("with"):
      return true;
    default:
      return false;
  }
}

struct Counts {
  std::size_t latin = 0, han = 0, kana = 0, hangul = 0, words = 0, english_words = 0;
};

class Sampler {
 public:
  void add(std::string_view text) {
    text = text.substr(0, sample_bytes - seen_);
    seen_ += text.size();
    for (std::size_t at = 0; at < text.size();) {
      const auto byte = static_cast<unsigned char>(text[at]);
      if (byte < 0x80) {
        const unsigned lower = byte | 0x20u;
        lower >= 'a' && lower <= 'z' ? letter(lower) : end_word();
        ++at;
        continue;
      }
      const utf8::Decoded next = utf8::decode(text, at);
      at += next.bytes;
      count(script_of(next.code_point));
    }
    end_word();
  }
  const Counts& counts() const { return counts_; }
  bool full() const { return seen_ >= sample_bytes; }

 private:
  void letter(unsigned lower) {
    ++counts_.latin;
    word_ = ++length_ <= 4 ? word_ << 8 | lower : 0u;
  }

  void count(Script script) {
    if (script == Script::latin) return letter('?');
    end_word();
    if (script == Script::han) ++counts_.han;
    if (script == Script::kana) ++counts_.kana;
    if (script == Script::hangul) ++counts_.hangul;
  }

  void end_word() {
    if (length_ == 0) return;
    ++counts_.words;
    if (is_english(word_)) ++counts_.english_words;
    word_ = 0;
    length_ = 0;
  }

  Counts counts_;
  std::uint32_t word_ = 0;  // its letters, while it is short enough for one of the list
  std::size_t length_ = 0;
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
