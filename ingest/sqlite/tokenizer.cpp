#include "ingest/sqlite/tokenizer.hpp"

#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#include "ingest/letters.hpp"

namespace tidemark::ingest::sqlite {

namespace {

constexpr char32_t boundary_character = 0xFDD0;
constexpr std::string_view boundary_token = "\xEF\xB7\x90";

// Moves the offsets of a part of the text to those of the whole.
struct Shifted {
  void* context;
  Tokenizer::Sink sink;
  int base;
};

int shifted_sink(void* context, int flags, const char* token, int bytes, int start, int end) {
  const auto& to = *static_cast<Shifted*>(context);
  return to.sink(to.context, flags, token, bytes, to.base + start, to.base + end);
}

struct Mapped {
  void* context;
  Tokenizer::Sink sink;
  const std::vector<int>& origin;  // of each byte of the folded text, and of its end
};

int mapped_sink(void* context, int flags, const char* token, int bytes, int start, int end) {
  const auto& to = *static_cast<Mapped*>(context);
  return to.sink(to.context, flags, token, bytes, to.origin[static_cast<std::size_t>(start)], to.origin[static_cast<std::size_t>(end)]);
}

// Gives a run's letters as bigrams, one letter behind the reader, since a mark may still change the last one.
class Bigrams {
 public:
  Bigrams(Tokenizer::Purpose purpose, void* context, Tokenizer::Sink sink) : purpose_(purpose), context_(context), sink_(sink) {}

  int add(char32_t character, int start, int end) {
    if (count_ > 0 && !join(character, end)) {
      if (const int answer = settle(); answer != 0) return answer;
      before_ = last_;
      last_ = {character, start, end};
      ++count_;
    } else if (count_ == 0) {
      last_ = {character, start, end};
      count_ = 1;
    }
    return 0;
  }

  void extend(int end) { last_.end = end; }

  int finish() {
    if (const int answer = settle(); answer != 0) return answer;
    if (count_ == 1) return emit(0, {&last_, 1});
    return purpose_ == Tokenizer::Purpose::document ? emit(FTS5_TOKEN_COLOCATED, {&last_, 1}) : 0;
  }

 private:
  struct Letter {
    char32_t character = 0;
    int start = 0;
    int end = 0;
  };

  struct Letters {
    const Letter* first;
    int count;
  };

  bool join(char32_t character, int end) {
    const auto joined = compose(last_.character, character);
    if (joined) last_ = {*joined, last_.start, end};
    return joined.has_value();
  }

  // The bigram that ends with the last letter, which no mark can change any more.
  int settle() {
    if (count_ < 2) return 0;
    const std::array<Letter, 2> pair{before_, last_};
    return emit(0, {pair.data(), 2});
  }

  int emit(int flags, Letters letters) {
    std::array<char, 8> token{};
    int bytes = 0;
    for (int i = 0; i < letters.count; ++i) bytes += encode(letters.first[i].character, token.data() + bytes);
    return sink_(context_, flags, token.data(), bytes, letters.first[0].start, letters.first[letters.count - 1].end);
  }

  Tokenizer::Purpose purpose_;
  void* context_;
  Tokenizer::Sink sink_;
  Letter before_;
  Letter last_;
  int count_ = 0;
};

// How many of the next bytes are ASCII, eight at a time: nothing in them is for us.
std::size_t ascii_span(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end + sizeof(std::uint64_t) <= text.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + end, sizeof word);
    if ((word & 0x8080808080808080ULL) != 0) break;
    end += sizeof word;
  }
  return end - at;
}

}  // namespace

class Tokenizer::Unicode61 {
 public:
  explicit Unicode61(fts5_api* api) {
    void* user = nullptr;
    if (api->xFindTokenizer(api, "unicode61", &user, &methods_) != SQLITE_OK) throw DatabaseError(Failure::other, "this SQLite has no unicode61 tokenizer");
    std::array<const char*, 2> options{"remove_diacritics", "2"};
    if (methods_.xCreate(user, options.data(), static_cast<int>(options.size()), &instance_) != SQLITE_OK) {
      throw DatabaseError(Failure::other, "SQLite's unicode61 tokenizer does not know remove_diacritics 2");
    }
  }
  ~Unicode61() { methods_.xDelete(instance_); }
  Unicode61(const Unicode61&) = delete;
  Unicode61& operator=(const Unicode61&) = delete;

  int run(std::string_view text, void* context, Sink sink) {
    return methods_.xTokenize(instance_, context, FTS5_TOKENIZE_DOCUMENT, text.data(), static_cast<int>(text.size()), sink);
  }

 private:
  fts5_tokenizer methods_{};
  Fts5Tokenizer* instance_ = nullptr;
};

Tokenizer::Tokenizer(fts5_api* api) : unicode61_(std::make_unique<Unicode61>(api)) {}
Tokenizer::~Tokenizer() = default;

int Tokenizer::others(std::string_view text, int start, int end, bool wide, void* context, Sink sink) {
  if (start == end) return 0;
  const std::string_view part = text.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start));
  if (!wide) {
    Shifted shifted{context, sink, start};
    return start == 0 ? unicode61_->run(part, context, sink) : unicode61_->run(part, &shifted, shifted_sink);
  }
  std::string folded;
  std::vector<int> origin;
  folded.reserve(part.size());
  origin.reserve(part.size() + 1);
  for (std::size_t at = 0; at < part.size();) {
    const Decoded next = decode(part, at);
    const bool narrowed = next.valid() && is_wide_ascii(next.character);
    for (int i = 0; i < (narrowed ? 1 : next.bytes); ++i) {
      folded += narrowed ? static_cast<char>(narrow(next.character)) : part[at + static_cast<std::size_t>(i)];
      origin.push_back(start + static_cast<int>(at) + i);
    }
    at += static_cast<std::size_t>(next.bytes);
  }
  origin.push_back(end);
  Mapped mapped{context, sink, origin};
  return unicode61_->run(folded, &mapped, mapped_sink);
}

int Tokenizer::tokenize(std::string_view text, Purpose purpose, void* context, Sink sink) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t start = at;
    bool wide = false;
    Decoded next;
    // Up to the next letter of a run. No byte below E1 begins one of ours.
    while (at < text.size()) {
      at += ascii_span(text, at);
      if (at == text.size()) break;
      if (static_cast<unsigned char>(text[at]) < 0xE1) {
        ++at;
        continue;
      }
      next = decode(text, at);
      if (next.valid() && (is_run_letter(next.character) || next.character == boundary_character)) break;
      wide = wide || (next.valid() && is_wide_ascii(next.character));
      at += static_cast<std::size_t>(next.bytes);
    }
    if (const int answer = others(text, static_cast<int>(start), static_cast<int>(at), wide, context, sink); answer != 0) return answer;
    if (at == text.size()) break;

    if (next.character == boundary_character) {
      const int here = static_cast<int>(at);
      at += boundary_token.size();
      if (purpose == Purpose::query) continue;
      const int answer = sink(context, 0, boundary_token.data(), static_cast<int>(boundary_token.size()), here, static_cast<int>(at));
      if (answer != 0) return answer;
      continue;
    }

    Bigrams run(purpose, context, sink);
    while (next.valid() && (is_run_letter(next.character) || is_invisible_mark(next.character))) {
      const int begin = static_cast<int>(at);
      at += static_cast<std::size_t>(next.bytes);
      if (is_invisible_mark(next.character)) {
        run.extend(static_cast<int>(at));
      } else if (const int answer = run.add(fold_letter(next.character), begin, static_cast<int>(at)); answer != 0) {
        return answer;
      }
      if (at == text.size()) break;
      next = decode(text, at);
    }
    if (const int answer = run.finish(); answer != 0) return answer;
  }
  return 0;
}

bool is_single_letter(std::string_view token) {
  if (token.empty()) return false;
  const Decoded first = decode(token, 0);
  return first.valid() && is_run_letter(first.character) && static_cast<std::size_t>(first.bytes) == token.size();
}

namespace {

int create(void* api, const char**, int, Fts5Tokenizer** out) {
  try {
    *out = reinterpret_cast<Fts5Tokenizer*>(new Tokenizer(static_cast<fts5_api*>(api)));
    return SQLITE_OK;
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  } catch (const DatabaseError&) {
    return SQLITE_ERROR;
  }
}

void destroy(Fts5Tokenizer* instance) { delete reinterpret_cast<Tokenizer*>(instance); }

int tokenize(Fts5Tokenizer* instance, void* context, int flags, const char* text, int bytes, Tokenizer::Sink sink) {
  if (text == nullptr || bytes <= 0) return SQLITE_OK;
  try {
    const auto purpose = (flags & FTS5_TOKENIZE_QUERY) != 0 ? Tokenizer::Purpose::query : Tokenizer::Purpose::document;
    return reinterpret_cast<Tokenizer*>(instance)->tokenize({text, static_cast<std::size_t>(bytes)}, purpose, context, sink);
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  }
}

}  // namespace

void register_tokenizer(Connection& connection) {
  fts5_api* api = connection.fts5();
  fts5_tokenizer methods{create, destroy, tokenize};
  if (api->xCreateTokenizer(api, tokenizer_name, api, &methods, nullptr) != SQLITE_OK) {
    throw DatabaseError(Failure::other, "SQLite refused the tokenizer");
  }
}

}  // namespace tidemark::ingest::sqlite
