#include "sync/process_list.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace tidemark::sync {

namespace {

void hide(char* text) { std::memset(text, '*', std::strlen(text)); }

// "https://user:secret@host/x"; up to the last '@', as a secret may hold one or a slash.
void hide_user(char* text) {
  char* const scheme = std::strstr(text, "://");
  char* const end = scheme == nullptr ? nullptr : std::strrchr(scheme, '@');
  if (end != nullptr) std::fill(scheme + 3, end, '*');
}

bool is_ours(std::string_view name) { return name.starts_with("GITSYNC_") || name.starts_with("GIT_SYNC_"); }

}  // namespace

bool is_secret_variable(std::string_view name) {
  if (!name.starts_with("GIT") || name.ends_with("_FILE")) return false;
  constexpr std::array<std::string_view, 7> words{"PASSWORD", "CREDENTIAL", "PRIVATE_KEY", "TOKEN", "SECRET", "ASKPASS_URL", "WEBHOOK_URL"};
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return name.find(word) != std::string_view::npos; });
}

void hide_secrets(int argc, char** argv, char** environment) {
  constexpr std::array<std::string_view, 4> flags{"--password", "--credential", "--askpass-url", "--webhook-url"};
  for (int i = 1; i < argc; i++) {
    const std::string_view argument = argv[i];
    const auto equals = argument.find('=');
    const bool is_secret = std::ranges::find(flags, argument.substr(0, equals)) != flags.end();
    if (is_secret && equals != std::string_view::npos)
      hide(argv[i] + equals + 1);
    else if (is_secret && i + 1 < argc)
      hide(argv[++i]);
    else
      hide_user(argv[i]);
  }
  for (char** entry = environment; *entry != nullptr; ++entry) {
    char* const equals = std::strchr(*entry, '=');
    if (equals == nullptr) continue;
    const std::string_view name(*entry, static_cast<std::size_t>(equals - *entry));
    if (is_secret_variable(name))
      hide(equals + 1);
    else if (is_ours(name))
      hide_user(equals + 1);
  }
}

}  // namespace tidemark::sync
