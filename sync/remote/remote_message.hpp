// What a git server says beside its answers (sideband 2), for the sentence about a failure. Keeps only the end of it.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace tidemark::sync {

class RemoteMessage {
 public:
  void append(std::string_view text) {
    constexpr std::size_t max_bytes = 500;
    text_ += text;
    if (text_.size() > max_bytes) text_.erase(0, text_.size() - max_bytes);
  }
  void clear() { text_.clear(); }

  // Its last line, unless that is progress.
  std::string last_words() const {
    std::string text = text_;
    std::ranges::replace(text, '\r', '\n');
    while (!text.empty() && text.back() == '\n') text.pop_back();
    text.erase(0, text.rfind('\n') + 1);
    const bool is_progress =
        text.find('%') != std::string::npos || text.ends_with("done.") || text.starts_with("Total ") || text.starts_with("Enumerating ");
    return is_progress ? "" : text;
  }

 private:
  std::string text_;
};

}  // namespace tidemark::sync
