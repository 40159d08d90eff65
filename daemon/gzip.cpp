#include "daemon/gzip.hpp"

#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>
#include <stdexcept>

namespace tidemark {

namespace {

class Deflater {
 public:
  Deflater() {
    constexpr int gzip_window_bits = 15 + 16;
    constexpr int default_memory = 8;
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, gzip_window_bits, default_memory, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  }
  ~Deflater() { deflateEnd(&stream); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  z_stream stream{};
};

}  // namespace

std::string gzipped(std::string_view bytes) {
  if (bytes.size() > std::numeric_limits<uInt>::max() / 2) throw std::length_error("too much to be packed at once");
  Deflater deflater;
  auto& stream = deflater.stream;
  std::string out;
  stream.next_in = reinterpret_cast<const Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  int result = Z_OK;
  while (result != Z_STREAM_END) {
    const auto done = out.size();
    out.resize(done + std::max<std::size_t>(16 * 1024, bytes.size() / 4));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + done);
    stream.avail_out = static_cast<uInt>(out.size() - done);
    result = deflate(&stream, Z_FINISH);
    out.resize(out.size() - stream.avail_out);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) throw std::runtime_error("zlib could not pack a body");
  }
  return out;
}

}  // namespace tidemark
