#include "sync/listen/secret_lines.hpp"

#include <algorithm>
#include <string_view>

#include "daemon/error.hpp"
#include "daemon/settings.hpp"

namespace tidemark::sync {

namespace {

constexpr std::size_t max_lines = 16;

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.emplace_back(line);
  }
  return lines;
}

}  // namespace

std::vector<std::string> SecretLines::read() {
  const std::lock_guard lock(mutex_);
  const auto now = FileStamp::of(path_);
  if (now && now == stamp_) return lines_;
  stamp_.reset();
  lines_ = lines_of(read_whole_secret_file(path_));
  if (lines_.empty()) throw TransientError("the secret file '" + path_ + "' is empty");
  if (lines_.size() > max_lines) throw TransientError("the secret file '" + path_ + "' has more than 16 lines, which are a secret each");
  stamp_ = now;
  return lines_;
}

}  // namespace tidemark::sync
