// cpp-httplib's Server is used for one request at a time over our own Stream: sockets, time and memory stay ours. Its own routing is passed by, since
// that runs std::regex over the path.
#include "daemon/http_exchange.hpp"

#include <fmt/format.h>
#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>

#include "daemon/net_socket.hpp"

namespace tidemark {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t flush_bytes = 64 * 1024;
constexpr std::size_t framing_bytes = 64 * 1024;

class SocketStream final : public httplib::Stream {
 public:
  SocketStream(HttpConnection& connection, const HttpExchange::Bounds& bounds)
      : connection_(connection),
        read_deadline_(Clock::now() + bounds.read_timeout),
        write_timeout_(bounds.write_timeout),
        left_(2 * static_cast<std::size_t>(bounds.max_body_bytes) + framing_bytes) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }

  ssize_t read(char* data, size_t size) override {
    if (at_ == connection_.input.size() && !fill()) return -1;
    const std::size_t count = std::min(size, connection_.input.size() - at_);
    std::copy_n(connection_.input.data() + at_, count, data);
    at_ += count;
    return static_cast<ssize_t>(count);
  }

  ssize_t write(const char* data, size_t size) override {
    output_.append(data, size);
    if (output_.size() >= flush_bytes && !flush()) return -1;
    return failed_ ? -1 : static_cast<ssize_t>(size);
  }

  // Head and body leave in one piece where they can.
  bool flush() {
    if (!write_deadline_) write_deadline_ = Clock::now() + write_timeout_;
    std::string_view left = output_;
    while (!left.empty() && !failed_) {
      const ssize_t sent = ::send(connection_.socket, left.data(), left.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        left.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        failed_ = wait_for(connection_.socket, POLLOUT, -1, *write_deadline_) != Waited::ready;
      } else {
        failed_ = errno != EINTR;
      }
    }
    output_.clear();
    return !failed_;
  }

  // The request's bytes leave the connection; what came after them stays.
  void finish() { connection_.input.erase(0, at_); }

  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  int socket() const override { return -1; }  // the library compares it with FD_SETSIZE, which poll does not know

 private:
  bool fill() {
    connection_.input.clear();
    at_ = 0;
    if (!output_.empty() && !flush()) return false;  // "100 Continue"
    if (left_ == 0) return false;
    while (wait_for(connection_.socket, POLLIN, connection_.interrupt, read_deadline_) == Waited::ready) {
      connection_.input.resize(16 * 1024);
      const ssize_t received = ::recv(connection_.socket, connection_.input.data(), connection_.input.size(), 0);
      const int error = errno;
      connection_.input.resize(static_cast<std::size_t>(std::max<ssize_t>(received, 0)));
      left_ -= std::min(left_, connection_.input.size());
      if (received > 0) return true;
      if (received == 0 || (error != EAGAIN && error != EWOULDBLOCK && error != EINTR)) return false;
    }
    return false;
  }

  HttpConnection& connection_;
  const Clock::time_point read_deadline_;
  const Duration write_timeout_;
  std::optional<Clock::time_point> write_deadline_;
  std::size_t left_;  // bytes of the body and what frames it: the library keeps a chunk's size line in memory, however long it is
  std::size_t at_ = 0;
  std::string output_;
  bool failed_ = false;
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// How a request's body is delimited (RFC 9112 section 6), and what is refused before a byte of it is read.
struct Framing {
  bool has_body = false;
  bool must_close = false;  // bytes of a body may be left on the connection
  std::optional<HttpResponse> refusal;
};

Framing refused(int status, std::string_view type, std::string_view title, std::string_view detail) {
  return {false, true, problem(status, type, title, detail)};
}

Framing framing_of(const httplib::Request& request, std::int64_t max_body_bytes) {
  const auto count = [&](const char* name) { return request.headers.count(name); };
  const std::string coding = lower(request.get_header_value("Transfer-Encoding"));
  const bool takes_body = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (count("Content-Length") > 1 || count("Transfer-Encoding") > 1 || count("Host") > 1 || (count("Content-Length") > 0 && !coding.empty())) {
    return refused(400, "bad-request", "Bad Request", "The request's Host, Content-Length or Transfer-Encoding is said twice.");
  }
  if (!coding.empty() && coding != "chunked") return refused(501, "unknown-encoding", "Not Implemented", "The transfer encoding is not known.");
  std::uint64_t length = 0;
  if (count("Content-Length") > 0) {
    const std::string text = request.get_header_value("Content-Length");
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (error != std::errc() || end != text.data() + text.size())
      return refused(400, "bad-request", "Bad Request", "Content-Length is not a number.");
  }
  const bool sends_body = length > 0 || !coding.empty();
  if (!sends_body) return {};
  if (!takes_body) return {false, true, std::nullopt};
  if (length > static_cast<std::uint64_t>(max_body_bytes)) {
    return refused(413, "body-too-large", "Content Too Large", fmt::format("A body may have {} bytes.", max_body_bytes));
  }
  const bool is_multipart = lower(request.get_header_value("Content-Type")).starts_with("multipart/");
  if (is_multipart || count("Content-Encoding") > 0) {
    return refused(415, "unsupported-body", "Unsupported Media Type", "Send the body neither compressed nor in parts.");
  }
  return {true, !coding.empty(), std::nullopt};
}

RawRequest raw_request(const httplib::Request& request, int socket) {
  RawRequest raw{request.method, request.target, {}, {}, local_host(socket), socket};
  for (const auto& [name, value] : request.headers) {
    const std::string key = lower(name);
    const bool made_by_library = key == "remote_addr" || key == "remote_port" || key == "local_addr" || key == "local_port";
    if (!made_by_library) raw.headers.emplace(key, value);
  }
  return raw;
}

void fill_response(httplib::Response& out, HttpResponse response) {
  out.status = response.status;
  for (const auto& [name, value] : response.headers) out.set_header(name.c_str(), value);
  if (!response.body.empty()) out.set_header("Content-Type", response.content_type);
  out.body = std::move(response.body);
}

// What the calling thread is serving; the library's handlers are told only of the request.
struct Serving {
  int socket = -1;
  Framing framing;
};
thread_local Serving serving;

}  // namespace

struct HttpExchange::Implementation final : httplib::Server {
  Implementation(Bounds b, HttpExchange::Check c, HttpExchange::Handler h) : bounds(b), check(std::move(c)), handler(std::move(h)) {
    set_keep_alive_timeout(std::chrono::ceil<std::chrono::seconds>(bounds.idle_timeout).count());
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      auto& framing = serving.framing;
      if (framing.has_body) return HandlerResponse::Unhandled;
      fill_response(response, framing.refusal ? std::move(*framing.refusal) : handler(raw_request(request, serving.socket)));
      return HandlerResponse::Handled;
    });
    const auto with_body = [this](const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& reader) {
      RawRequest raw = raw_request(request, serving.socket);
      bool too_large = false;
      const bool complete = reader([&](const char* data, size_t size) {
        too_large = size > static_cast<std::size_t>(bounds.max_body_bytes) - raw.body.size();
        if (!too_large) raw.body.append(data, size);
        return !too_large;
      });
      if (too_large) {
        fill_response(response, problem(413, "body-too-large", "Content Too Large", fmt::format("A body may have {} bytes.", bounds.max_body_bytes)));
      } else if (!complete) {
        fill_response(response, problem(400, "bad-request", "Bad Request", "The body did not arrive whole."));
      } else {
        fill_response(response, handler(raw));
      }
    };
    Post("/", httplib::Server::HandlerWithContentReader(with_body));
    Put("/", httplib::Server::HandlerWithContentReader(with_body));
    Patch("/", httplib::Server::HandlerWithContentReader(with_body));
    // The library's own refusals: a broken request line or header, a URI over 8 KiB.
    set_error_handler(HandlerWithResponse([](const httplib::Request&, httplib::Response& response) {
      if (!response.body.empty()) return HandlerResponse::Unhandled;
      const bool too_long = response.status == 414;
      fill_response(response, problem(response.status, too_long ? "uri-too-long" : "bad-request", too_long ? "URI Too Long" : "Bad Request",
                                      too_long ? "The request's URI is over 8 KiB." : "The request could not be read."));
      return HandlerResponse::Handled;
    }));
  }

  // Later versions of the library want to be told the two addresses.
  template <typename AnyStream>
  bool process(AnyStream& stream, const std::function<void(httplib::Request&)>& setup) {
    bool closed = false;
    if constexpr (requires { this->process_request(stream, false, closed, setup); }) {
      return this->process_request(stream, false, closed, setup);
    } else {
      return this->process_request(stream, std::string(), 0, std::string(), 0, false, closed, setup);
    }
  }

  const Bounds bounds;
  const HttpExchange::Check check;
  const HttpExchange::Handler handler;
};

HttpExchange::HttpExchange(Bounds bounds, Check check, Handler handler)
    : implementation_(std::make_unique<Implementation>(bounds, std::move(check), std::move(handler))) {}
HttpExchange::~HttpExchange() = default;

bool HttpExchange::serve(HttpConnection& connection, bool close_afterwards) const {
  auto& self = *implementation_;
  SocketStream stream(connection, self.bounds);
  bool keep = false;
  serving = {connection.socket, refused(400, "bad-request", "Bad Request", "The request could not be read.")};
  const auto setup = [&](httplib::Request& request) {
    Framing& framing = serving.framing;
    framing = framing_of(request, self.bounds.max_body_bytes);
    if (!framing.refusal) framing.refusal = self.check(raw_request(request, connection.socket));
    if (framing.refusal && framing.has_body) framing = {false, true, std::move(framing.refusal)};
    const bool asks_to_close = request.version == "HTTP/1.0" || lower(request.get_header_value("Connection")).find("close") != std::string::npos;
    keep = !close_afterwards && !asks_to_close && !framing.must_close;
    request.headers.erase("Connection");
    if (!keep) request.headers.emplace("Connection", "close");
    // Without a length there is no body; the library would read until the end of the connection.
    if (!framing.has_body) {
      request.headers.erase("Transfer-Encoding");
      request.headers.erase("Content-Length");
      request.headers.emplace("Content-Length", "0");
    }
    request.headers.erase("Accept-Encoding");  // answers are small: never compressed
    request.ranges.clear();
    request.path = "/";
  };
  const bool written = self.process(stream, setup) && stream.flush();
  stream.flush();
  stream.finish();
  if (serving.framing.must_close) {
    // Closing over unread bytes would reset the connection and take the answer from the peer.
    ::shutdown(connection.socket, SHUT_WR);
    const auto deadline = Clock::now() + std::chrono::seconds(1);
    std::string rest(64 * 1024, '\0');
    for (int reads = 0; reads < 64 && wait_for(connection.socket, POLLIN, connection.interrupt, deadline) == Waited::ready; ++reads) {
      if (::recv(connection.socket, rest.data(), rest.size(), 0) <= 0) break;
    }
  }
  return written && keep;
}

void refuse(int socket, const HttpResponse& response) {
  const std::string text = fmt::format("HTTP/1.1 {} Refused\r\nConnection: close\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
                                       response.status, response.content_type, response.body.size(), response.body);
  // A peer that does not take it has no use for it either: the connection is closed next.
  static_cast<void>(::send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

}  // namespace tidemark
