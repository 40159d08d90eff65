// An index of ours on a real server, filled by the bulk encoder and asked by the search request.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/http_client.hpp"
#include "ingest/elasticsearch/bulk_decoder.hpp"
#include "ingest/elasticsearch/bulk_encoder.hpp"
#include "ingest/elasticsearch/schema.hpp"
#include "ingest/elasticsearch/search_request.hpp"
#include "support/search_server.hpp"

namespace tidemark::testing {

namespace es = ingest::elasticsearch;

// What each server of the tests can analyze by, best first.
inline std::vector<es::CjkAnalysis> analyses_of(const std::string& url) {
  HttpClient client;
  const auto analyzes = [&](const char* body) {
    const HttpAnswer answer = client.call({.method = "POST", .url = url + "/_analyze", .headers = {{"Content-Type", "application/json"}}, .body = body});
    return answer.status == 200;
  };
  std::vector<es::CjkAnalysis> found;
  if (analyzes(R"({"tokenizer":"kuromoji_tokenizer","char_filter":["icu_normalizer"],"text":"a"})")) found.push_back(es::CjkAnalysis::kuromoji);
  if (analyzes(R"({"tokenizer":"standard","filter":["cjk_width","lowercase","cjk_bigram"],"text":"a"})")) found.push_back(es::CjkAnalysis::cjk);
  found.push_back(es::CjkAnalysis::standard);
  return found;
}

class RealIndex {
 public:
  RealIndex(const SharedSearchServer& server, es::CjkAnalysis cjk)
      : url_(server.url),
        name_("parser-test-" + std::string(es::name_of(cjk))),
        choice_{.product = server.name.starts_with("opensearch") ? es::Product::opensearch : es::Product::elasticsearch, .cjk = cjk},
        encoder_({.source = "docs", .origin = "https://example.org/docs.git", .ref = "main"}, 1'000) {
    ask("DELETE", "/" + name_);
    const es::IndexMeta meta{.alias = "docs", .source = "docs", .schema = es::schema_hash(choice_), .version = es::schema_version, .physical = name_};
    const HttpAnswer made = ask("PUT", "/" + name_, es::create_index_body(choice_, meta, name_ + ".fill"));
    REQUIRE_MESSAGE(made.status == 200, made.body);
  }
  ~RealIndex() { ask("DELETE", "/" + name_); }
  RealIndex(const RealIndex&) = delete;
  RealIndex& operator=(const RealIndex&) = delete;

  const es::SchemaChoice& choice() const { return choice_; }
  const std::string& name() const { return name_; }

  es::BulkAnswer write(const std::vector<ingest::Operation>& operations) {
    es::EncodedBulk bulk;
    for (const auto& operation : operations) encoder_.append(bulk, operation);
    const HttpAnswer answer = ask("POST", "/" + name_ + ".fill/_bulk?require_alias=true&refresh=true", bulk.body);
    REQUIRE_MESSAGE(answer.status == 200, answer.body);
    std::string problem;
    auto decoded = es::decode_bulk(answer.body, operations.size(), problem);
    REQUIRE_MESSAGE(decoded, problem);
    return *decoded;
  }

  ingest::SearchResult search(const ingest::SearchQuery& query) {
    const std::string body = es::search_body(choice_.product, choice_, query);
    const HttpAnswer answer = ask("POST", "/" + name_ + "/_search", body);
    REQUIRE_MESSAGE(answer.status == 200, query.text << " " << answer.body << body);
    last_answer = answer.body;
    return es::read_search(answer.body);
  }
  ingest::SearchResult search(const std::string& text) {
    ingest::SearchQuery query;
    query.text = text;
    query.limit = 100;
    return search(query);
  }
  std::set<std::string> found(const std::string& text) {
    std::set<std::string> paths;
    for (const auto& hit : search(text).hits) paths.insert(hit.path);
    return paths;
  }

  HttpAnswer ask(const std::string& method, const std::string& path, const std::string& body = {}) {
    const bool lines = path.find("_bulk") != std::string::npos;
    return client_.call({.method = method,
                         .url = url_ + path,
                         .headers = {{"Content-Type", lines ? "application/x-ndjson" : "application/json"}},
                         .body = body,
                         .timeout = std::chrono::seconds(120),
                         .max_response_bytes = 64 * 1024 * 1024});
  }

  std::string last_answer;

 private:
  std::string url_;
  std::string name_;
  es::SchemaChoice choice_;
  es::BulkEncoder encoder_;
  HttpClient client_;
};

inline ingest::Document document_of(const std::string& path, std::vector<parser::Section> sections) {
  ingest::Document document;
  document.key.path = path;
  document.fingerprint = ingest::digest(path);
  document.revision = git::Oid::parse(std::string(40, 'b')).value();
  document.content.title = "Untitled";
  document.content.sections = std::move(sections);
  return document;
}

inline parser::Section section_of(const std::string& heading, const std::string& content, const std::string& code = "") {
  return {.anchor = heading, .level = 2, .heading = heading, .breadcrumb = heading, .content = content, .code = code};
}

inline ingest::Document prose(const std::string& path, const std::string& text) { return document_of(path, {section_of("", text)}); }

// Runs `test` on every server with every analysis that it has.
template <typename Test>
void on_every_index(Test test) {
  for (const auto& name : search_server_names()) {
    const SharedSearchServer server = shared_search_server(name);
    for (const es::CjkAnalysis cjk : analyses_of(server.url)) {
      CAPTURE(name);
      CAPTURE(es::name_of(cjk));
      RealIndex index(server, cjk);
      test(index);
    }
  }
}

}  // namespace tidemark::testing
