// Git's pkt-line framing (gitprotocol-common(5)), read from bytes that arrive in any pieces. Pure; nothing that a server sends makes it keep more
// than one line.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tidemark::sync {

// What arrived is not what git servers say.
class ProtocolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct PktLine {
  enum class Kind { data, flush, delimiter, response_end };
  Kind kind = Kind::data;
  std::string_view text;  // of data, without one line end; until the next call

  bool operator==(const PktLine&) const = default;
};

class PktLineReader {
 public:
  void feed(std::string_view bytes);
  // Nothing when the next line is not whole yet. Throws ProtocolError for what is no pkt-line, and for "ERR ..." with the server's words.
  std::optional<PktLine> next();
  bool is_between_lines() const { return taken_ == buffer_.size(); }

 private:
  std::string buffer_;
  std::size_t taken_ = 0;
};

// `text` and a line end as one pkt-line. Throws std::length_error for more than a line holds.
std::string pkt_line(std::string_view text);
inline constexpr std::string_view pkt_flush = "0000";
inline constexpr std::string_view pkt_delimiter = "0001";

}  // namespace tidemark::sync
