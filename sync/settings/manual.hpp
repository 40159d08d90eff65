// What --man prints.
#pragma once

#include <string>

namespace tidemark::sync {

// `help` is what --help prints: the flags, their defaults and variables.
std::string manual(const std::string& help);

}  // namespace tidemark::sync
