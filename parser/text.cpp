// The order of the guesses: a byte order mark, NUL (binary), valid UTF-8, UTF-8 with a few damaged places, what uchardet recognises and iconv
// converts.
#include "parser/text.hpp"

#include <fmt/format.h>
#include <iconv.h>
#include <uchardet.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>

#include "parser/utf8.hpp"

namespace tidemark::parser {
namespace {

constexpr std::size_t few = 100;  // one damaged place in so many is damage; more is another encoding or no text at all

bool without_nul(std::string_view bytes) { return bytes.find('\0') == std::string_view::npos; }
Skipped nul_found(std::string_view bytes) { return {fmt::format("binary: a NUL byte at offset {}", bytes.find('\0'))}; }

std::string with_line_feeds(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\r') {
      result.push_back(text[at]);
    } else if (at + 1 == text.size() || text[at + 1] != '\n') {
      result.push_back('\n');
    }
  }
  return result;
}

Text finished(std::string_view valid) { return valid.find('\r') == std::string_view::npos ? Text::of(valid) : Text::of(with_line_feeds(valid)); }
Text finished(std::string valid) { return valid.find('\r') == std::string::npos ? Text::of(std::move(valid)) : Text::of(with_line_feeds(valid)); }

void report_replaced(std::size_t places, Problems& problems) {
  if (places > 0) problems.add(fmt::format("text: {} places that are not valid in its encoding were replaced by U+FFFD", places));
}

std::variant<Text, Skipped> from_utf16(std::string_view bytes, bool big_endian, Problems& problems) {
  const auto unit = [&](std::size_t at) {
    const auto first = static_cast<unsigned char>(bytes[at]), second = static_cast<unsigned char>(bytes[at + 1]);
    return static_cast<char32_t>(big_endian ? first << 8 | second : second << 8 | first);
  };
  std::string text;
  text.reserve(bytes.size());
  std::size_t replaced = bytes.size() % 2;
  for (std::size_t at = 2; at + 1 < bytes.size(); at += 2) {
    char32_t c = unit(at);
    if (c == 0) return Skipped{fmt::format("binary: a NUL character at offset {} of UTF-16 text", at)};
    if (c >= 0xD800 && c <= 0xDBFF && at + 3 < bytes.size() && (unit(at + 2) & 0xFC00) == 0xDC00) {
      c = 0x10000 + ((c - 0xD800) << 10) + (unit(at + 2) - 0xDC00);
      at += 2;
    }
    if (c >= 0xD800 && c <= 0xDFFF) ++replaced;
    utf8::append(text, c);
  }
  if (bytes.size() % 2) utf8::append(text, utf8::replacement);
  report_replaced(replaced, problems);
  return finished(std::move(text));
}

// Guesses from what follows the beginning of the line at `from`; slow, so that a part has to do.
std::string recognised_encoding(std::string_view bytes, std::size_t from) {
  constexpr std::size_t sample_bytes = 128 * 1024;
  const std::size_t line_end = bytes.rfind('\n', from);
  bytes = bytes.substr(line_end == std::string_view::npos ? 0 : line_end, sample_bytes);
  const std::unique_ptr<uchardet, decltype(&uchardet_delete)> detector(uchardet_new(), &uchardet_delete);
  if (!detector || uchardet_handle_data(detector.get(), bytes.data(), bytes.size()) != 0) return {};
  uchardet_data_end(detector.get());
  std::string name = uchardet_get_charset(detector.get());
  // What is called Shift_JIS is nearly always Windows-31J, a superset.
  return name == "SHIFT_JIS" ? "CP932" : name;
}

struct Converted {
  std::string text;
  std::size_t replaced = 0;
};

std::optional<Converted> convert(std::string_view bytes, const std::string& encoding) {
  const iconv_t converter = iconv_open("UTF-8", encoding.c_str());
  if (converter == reinterpret_cast<iconv_t>(-1)) return std::nullopt;
  const auto close = [](void* opened) { iconv_close(static_cast<iconv_t>(opened)); };
  const std::unique_ptr<void, decltype(close)> closed(converter, close);
  Converted result;
  char buffer[16 * 1024];
  char* in = const_cast<char*>(bytes.data());  // iconv does not write there
  std::size_t left = bytes.size();
  bool more = true;
  while (more) {
    char* out = buffer;
    std::size_t room = sizeof buffer;
    const std::size_t done = left > 0 ? iconv(converter, &in, &left, &out, &room) : iconv(converter, nullptr, nullptr, &out, &room);
    const int error = errno;
    more = left > 0 || (done == static_cast<std::size_t>(-1) && error == E2BIG);
    result.text.append(buffer, static_cast<std::size_t>(out - buffer));
    if (done != static_cast<std::size_t>(-1) || error == E2BIG) continue;
    if (left == 0) break;
    utf8::append(result.text, utf8::replacement);  // EILSEQ, or EINVAL at the end
    ++result.replaced;
    ++in;
    --left;
    more = left > 0;
  }
  return result;
}

// Bytes that no text has: control characters other than white space and escape.
bool looks_binary(std::string_view bytes) {
  const auto control = std::count_if(bytes.begin(), bytes.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && !(byte >= '\t' && byte <= '\r') && byte != 0x1B;
  });
  return static_cast<std::size_t>(control) * few > bytes.size();
}

// ISO-2022-JP says in ASCII where Japanese begins.
constexpr std::string_view iso_2022_escape = "\x1B$";

}  // namespace

std::variant<Text, Skipped> decode_text(std::string_view bytes, Problems& problems) {
  if (bytes.starts_with("\xFF\xFE")) return from_utf16(bytes, false, problems);
  if (bytes.starts_with("\xFE\xFF")) return from_utf16(bytes, true, problems);
  if (!without_nul(bytes)) return nul_found(bytes);
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);

  const std::size_t invalid = utf8::first_invalid(bytes);
  const std::size_t escape = bytes.find(iso_2022_escape);
  if (invalid == std::string_view::npos && escape == std::string_view::npos) return finished(bytes);

  utf8::Scrubbed scrubbed = utf8::scrub(bytes);
  const auto beyond_ascii =
      static_cast<std::size_t>(std::count_if(bytes.begin(), bytes.end(), [](char c) { return static_cast<signed char>(c) < 0; }));
  if (invalid != std::string_view::npos && scrubbed.replaced * few <= beyond_ascii) {
    report_replaced(scrubbed.replaced, problems);
    return finished(std::move(scrubbed.text));
  }
  if (invalid != std::string_view::npos && looks_binary(bytes))
    return Skipped{fmt::format("binary: control characters, and not UTF-8 from offset {}", invalid)};
  if (const std::string encoding = recognised_encoding(bytes, std::min(invalid, escape));
      !encoding.empty() && encoding != "ASCII" && encoding != "UTF-8") {
    std::optional<Converted> converted = convert(bytes, encoding);
    if (converted && converted->replaced * few <= beyond_ascii && utf8::first_invalid(converted->text) == std::string::npos &&
        without_nul(converted->text)) {
      report_replaced(converted->replaced, problems);
      return finished(std::move(converted->text));
    }
  }
  if (scrubbed.replaced * few > bytes.size()) return Skipped{fmt::format("binary: in no known text encoding (not UTF-8 from offset {})", invalid)};
  report_replaced(scrubbed.replaced, problems);
  return finished(std::move(scrubbed.text));
}

}  // namespace tidemark::parser
