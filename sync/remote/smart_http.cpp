// libgit2 asks for a stream, writes a whole request into it (none to list the refs), and reads the answer. The next request begins when it has read
// enough of the last one.
#include "sync/remote/smart_http.hpp"

#include <exception>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>

namespace tidemark::sync {

namespace {

// What we have and want, in as many words as libgit2 uses: a few hundred bytes a ref.
constexpr std::size_t max_request_bytes = 64 * 1024 * 1024;
// A million refs; libgit2 keeps them all.
constexpr std::size_t max_listing_bytes = 64 * 1024 * 1024;

}  // namespace

// Both begin with what libgit2 knows of them; nothing is thrown into it.
struct SmartHttp::Subtransport {
  git_smart_subtransport parent = {};
  SmartHttp* http = nullptr;

  static int make(git_smart_subtransport** out, git_transport*, void* param);
  static int action(git_smart_subtransport_stream** out, git_smart_subtransport* transport, const char* url, git_smart_service_t service);
  static int close(git_smart_subtransport* transport) {
    of(transport)->http->remote_.end();
    return 0;
  }
  static void free(git_smart_subtransport* transport) { delete of(transport); }
  static Subtransport* of(git_smart_subtransport* transport) { return reinterpret_cast<Subtransport*>(transport); }
};

struct SmartHttp::Stream {
  git_smart_subtransport_stream parent = {};
  SmartHttp* http = nullptr;
  bool lists_refs = false;
  bool is_sent = false;
  std::string request;
  std::optional<std::string> prepared;  // the answer, when it is known
  std::size_t taken = 0;                // of that, or of the server's

  static Stream* of(git_smart_subtransport_stream* stream) { return reinterpret_cast<Stream*>(stream); }

  static int read(git_smart_subtransport_stream* stream, char* buffer, std::size_t size, std::size_t* count) {
    Stream* self = of(stream);
    return self->guarded([&] {
      const std::stop_token stop = self->http->stop_();
      *count = self->prepared ? self->read_prepared(buffer, size) : self->read_answer(buffer, size, stop);
      self->taken += *count;
      if (self->lists_refs && self->taken > max_listing_bytes) throw std::length_error("the server lists more refs than fit into memory");
    });
  }

  static int write(git_smart_subtransport_stream* stream, const char* data, std::size_t size) {
    Stream* self = of(stream);
    return self->guarded([&] {
      if (self->request.size() + size > max_request_bytes) throw std::length_error("there are too many refs to ask for");
      self->request.append(data, size);
    });
  }

  static void free(git_smart_subtransport_stream* stream) {
    Stream* self = of(stream);
    if (self->is_sent) self->http->remote_.end();
    delete self;
  }

  std::size_t read_prepared(char* buffer, std::size_t size) const { return prepared->copy(buffer, size, taken); }

  std::size_t read_answer(char* buffer, std::size_t size, const std::stop_token& stop) {
    if (!std::exchange(is_sent, true)) send(stop);
    return http->remote_.read(buffer, size, stop);
  }

  void send(const std::stop_token& stop) {
    if (lists_refs)
      http->remote_.ask_for_refs(GitProtocol::v0, stop);
    else
      http->remote_.ask_upload_pack(std::move(request), GitProtocol::v0, stop);
  }

  template <typename Work>
  int guarded(Work work) noexcept {
    try {
      work();
      return 0;
    } catch (const std::exception& error) {
      return http->fail(error);
    }
  }
};

int SmartHttp::fail(const std::exception& error) noexcept {
  git_error_set_str(GIT_ERROR_HTTP, error.what());
  try {
    failed_(error.what());
  } catch (const std::exception&) {
    // libgit2 has the words too.
  }
  return -1;
}

int SmartHttp::Subtransport::make(git_smart_subtransport** out, git_transport*, void* param) {
  auto* self = new (std::nothrow) Subtransport;
  if (!self) return -1;
  self->parent.action = action;
  self->parent.close = close;
  self->parent.free = free;
  self->http = static_cast<SmartHttp*>(param);
  *out = &self->parent;
  return 0;
}

int SmartHttp::Subtransport::action(git_smart_subtransport_stream** out, git_smart_subtransport* transport, const char*,
                                    git_smart_service_t service) {
  if (service != GIT_SERVICE_UPLOADPACK_LS && service != GIT_SERVICE_UPLOADPACK) {
    git_error_set_str(GIT_ERROR_HTTP, "nothing is ever pushed");
    return -1;
  }
  auto* stream = new (std::nothrow) Stream;
  if (!stream) return -1;
  stream->parent.subtransport = transport;
  stream->parent.read = Stream::read;
  stream->parent.write = Stream::write;
  stream->parent.free = Stream::free;
  stream->http = of(transport)->http;
  stream->lists_refs = service == GIT_SERVICE_UPLOADPACK_LS;
  if (stream->lists_refs) stream->prepared = std::exchange(stream->http->prepared_, std::nullopt);
  *out = &stream->parent;
  return 0;
}

SmartHttp::SmartHttp(HttpRemote& remote, std::function<std::stop_token()> stop, std::function<void(const std::string&)> failed)
    : remote_(remote), stop_(std::move(stop)), failed_(std::move(failed)) {}

int SmartHttp::make_transport(git_transport** out, git_remote* owner) {
  git_smart_subtransport_definition definition = {Subtransport::make, 1, this};
  return git_transport_smart(out, owner, &definition);
}

}  // namespace tidemark::sync
