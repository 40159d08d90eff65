#include "sync/remote/pkt_line.hpp"

#include <fmt/core.h>

#include "daemon/text.hpp"

namespace tidemark::sync {

namespace {

constexpr std::size_t length_digits = 4;
constexpr std::size_t max_line = 65520;

// -1 for what is no hexadecimal number.
int length_of(std::string_view digits) {
  int length = 0;
  for (const char digit : digits) {
    int value = 0;
    if (digit >= '0' && digit <= '9')
      value = digit - '0';
    else if (digit >= 'a' && digit <= 'f')
      value = digit - 'a' + 10;
    else if (digit >= 'A' && digit <= 'F')
      value = digit - 'A' + 10;
    else
      return -1;
    length = length * 16 + value;
  }
  return length;
}

}  // namespace

void PktLineReader::feed(std::string_view bytes) {
  buffer_.erase(0, taken_);
  taken_ = 0;
  buffer_ += bytes;
}

std::optional<PktLine> PktLineReader::next() {
  const std::string_view rest = std::string_view(buffer_).substr(taken_);
  if (rest.size() < length_digits) return std::nullopt;
  const int length = length_of(rest.substr(0, length_digits));
  if (length < 0 || length == 3 || static_cast<std::size_t>(length) > max_line) {
    throw ProtocolError("the server does not speak git's protocol: it says '" + one_line(rest.substr(0, 60)) + "'");
  }
  if (length < static_cast<int>(length_digits)) {
    taken_ += length_digits;
    constexpr PktLine::Kind kinds[] = {PktLine::Kind::flush, PktLine::Kind::delimiter, PktLine::Kind::response_end};
    return PktLine{kinds[length], {}};
  }
  if (rest.size() < static_cast<std::size_t>(length)) return std::nullopt;
  taken_ += static_cast<std::size_t>(length);
  std::string_view text = rest.substr(length_digits, static_cast<std::size_t>(length) - length_digits);
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.starts_with("ERR ")) throw ProtocolError("the server says: " + one_line(text.substr(4), 500));
  return PktLine{PktLine::Kind::data, text};
}

std::string pkt_line(std::string_view text) {
  const std::size_t length = length_digits + text.size() + 1;
  if (length > max_line) throw std::length_error("too long for a pkt-line");
  return fmt::format("{:04x}{}\n", length, text);
}

}  // namespace tidemark::sync
