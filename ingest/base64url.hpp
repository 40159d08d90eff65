// RFC 4648, section 5, without padding. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidemark::ingest {

std::string base64url(std::string_view bytes);
// Nothing for what base64url() does not make.
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace tidemark::ingest
