// Bytes as hexadecimal text in lower case, which sorts as the bytes do. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidemark {

std::string hex(std::string_view bytes);
// Nothing for what hex() does not make.
std::optional<std::string> from_hex(std::string_view text);

}  // namespace tidemark
