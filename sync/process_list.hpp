// What other processes of the machine may see of ours: the arguments and the environment that it was started with.
#pragma once

#include <string_view>

namespace tidemark::sync {

// A variable of ours or git-sync's whose value is a secret; the name of a file of one is not.
bool is_secret_variable(std::string_view name);

// Puts asterisks in the place of secrets where /proc/PID/cmdline and /proc/PID/environ have them. Whoever needs them has a copy; proxies' passwords
// stay, since libcurl reads them there. Before other threads are started.
void hide_secrets(int argc, char** argv, char** environment);

}  // namespace tidemark::sync
