// Names and numbers of signals, as --sync-on-signal takes them. Pure.
#pragma once

#include <optional>
#include <string_view>

namespace tidemark::sync {

// "SIGHUP", "HUP", "1"; nothing for what is no signal.
std::optional<int> parse_signal(std::string_view text);

// May a handler be given to it? Not to those that end the process or that the system or we use otherwise.
bool is_free_signal(int signal);

}  // namespace tidemark::sync
