// libcurl for this folder's .cpp files: its handles with owners, and what all of our requests have in common.
#pragma once

#include <curl/curl.h>

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "daemon/http_client.hpp"

namespace tidemark::curl {

using Headers = std::map<std::string, std::string>;

struct HeaderList {
  // Throws std::invalid_argument for a name or value with a line break.
  explicit HeaderList(const Headers& headers);
  curl_slist* get() const { return list_.get(); }

 private:
  void append(const std::string& line);
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> list_{nullptr, curl_slist_free_all};
};

// The head of an answer, filled line by line from libcurl's callback; an interim answer's is forgotten when the next begins.
struct Head {
  int status = 0;
  Headers headers;  // names in lower case; of a repeated header the last, of www-authenticate all
  bool is_complete = false;
  bool is_too_large = false;

  // CURLOPT_HEADERFUNCTION, with the object as its data.
  static std::size_t take(char* data, std::size_t, std::size_t count, void* head) noexcept;

 private:
  bool take_line(std::string_view line);
  std::size_t bytes_ = 0;
};

// One easy handle, used for one transfer after the other, on a multi handle, which keeps the connections and, unlike the easy interface, can be woken
// to stop.
class Transfers {
 public:
  Transfers();
  ~Transfers() { end(); }
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

  CURL* easy() const { return easy_.get(); }

  template <typename T>
  void set(CURLoption option, T value) {
    check_option(curl_easy_setopt(easy_.get(), option, value));
  }

  // Forgets the last transfer's options and sets those of every request: method, URL, headers, body; no redirects followed, no signals, http(s)
  // alone.
  void prepare(const std::string& method, const std::string& url, const HeaderList& headers, std::string_view body, Head& head);
  // TLS with `files`; a CA file is read again after `authorities_seconds`.
  void use(const TlsFiles& files, long authorities_seconds);

  // The transfer is under way between begin() and end(); end() may be repeated.
  void begin();
  void end() noexcept;
  bool is_under_way() const { return is_under_way_; }

  // Works on the transfer until it is done, `pause` says so, or `stop` is requested: then nothing is given.
  template <typename Pause>
  std::optional<CURLcode> run(const std::stop_token& stop, int longest_wait_ms, Pause pause) {
    const std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi_.get()); });
    while (!stop.stop_requested()) {
      if (const auto code = step()) return code;
      if (pause()) return std::nullopt;
      wait(longest_wait_ms);
    }
    return std::nullopt;
  }

  // What ended a transfer, in libcurl's words and the system's.
  std::string reason(CURLcode code) const;

 private:
  static void check_option(CURLcode code);
  std::optional<CURLcode> step();
  void wait(int longest_ms);

  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy_{nullptr, curl_easy_cleanup};
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_{nullptr, curl_multi_cleanup};
  std::array<char, CURL_ERROR_SIZE> error_{};
  bool is_under_way_ = false;
};

}  // namespace tidemark::curl
