#include "bare_client.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace tidemark::bench {

namespace {

std::size_t append(char* data, std::size_t, std::size_t size, void* to) {
  static_cast<std::string*>(to)->append(data, size);
  return size;
}

curl_slist* headers(const char* content_type) { return curl_slist_append(curl_slist_append(nullptr, content_type), "Expect:"); }

}  // namespace

BareClient::BareClient(std::string base_url)
    : base_url_(std::move(base_url)),
      curl_(curl_easy_init()),
      json_(headers("Content-Type: application/json")),
      ndjson_(headers("Content-Type: application/x-ndjson")) {
  if (curl_ == nullptr) throw std::runtime_error("cannot start libcurl");
}

BareClient::~BareClient() {
  curl_easy_cleanup(curl_);
  curl_slist_free_all(static_cast<curl_slist*>(json_));
  curl_slist_free_all(static_cast<curl_slist*>(ndjson_));
}

const std::string& BareClient::call(std::string_view method, const std::string& path, std::string_view body) {
  const std::string url = base_url_ + path;
  const std::string verb(method);
  answer_.clear();
  curl_easy_reset(curl_);
  curl_easy_setopt(curl_, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl_, CURLOPT_CUSTOMREQUEST, verb.c_str());
  curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl_, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(curl_, CURLOPT_BUFFERSIZE, 512L * 1024);
  curl_easy_setopt(curl_, CURLOPT_UPLOAD_BUFFERSIZE, 1024L * 1024);
  curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, &append);
  curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &answer_);
  if (!body.empty()) {
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, path.find("/_bulk") == std::string::npos ? json_ : ndjson_);
  }
  const CURLcode code = curl_easy_perform(curl_);
  if (code != CURLE_OK) throw std::runtime_error(fmt::format("{} {}: {}", method, url, curl_easy_strerror(code)));
  long status = 0;
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) throw std::runtime_error(fmt::format("{} {} was answered with {}: {}", method, url, status, answer_.substr(0, 500)));
  ++traffic_.requests;
  traffic_.bytes_sent += static_cast<std::int64_t>(body.size());
  traffic_.bytes_received += static_cast<std::int64_t>(answer_.size());
  return answer_;
}

}  // namespace tidemark::bench
