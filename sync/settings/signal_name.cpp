#include "sync/settings/signal_name.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstring>
#include <system_error>

namespace tidemark::sync {

std::optional<int> parse_signal(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size())
    return number > 0 && ::sigabbrev_np(number) != nullptr ? std::optional(number) : std::nullopt;
  if (text.starts_with("SIG")) text.remove_prefix(3);
  for (int signal = 1; signal < NSIG; signal++) {
    const char* name = ::sigabbrev_np(signal);
    if (name != nullptr && text == name) return signal;
  }
  return std::nullopt;
}

bool is_free_signal(int signal) {
  constexpr std::array<int, 12> taken{SIGKILL, SIGSTOP, SIGTERM, SIGINT, SIGCHLD, SIGPIPE, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
  return std::find(taken.begin(), taken.end(), signal) == taken.end();
}

}  // namespace tidemark::sync
