// gzip (RFC 1952) of what is sent. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tidemark {

// As one member, at zlib's fastest level: bodies are packed for the network's sake, and the time is the sender's.
std::string gzipped(std::string_view bytes);

}  // namespace tidemark
