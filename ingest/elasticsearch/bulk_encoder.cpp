#include "ingest/elasticsearch/bulk_encoder.hpp"

#include <fmt/format.h>

#include <variant>

#include "ingest/fingerprint.hpp"
#include "ingest/json_text.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

// Undoes what was appended to the body unless the operation has become whole.
class Appended {
 public:
  explicit Appended(EncodedBulk& bulk) : bulk_(bulk), begin_(bulk.body.size()) {}
  Appended(const Appended&) = delete;
  Appended& operator=(const Appended&) = delete;
  ~Appended() {
    if (!whole_) bulk_.body.resize(begin_);
  }
  void finish(bool removal) {
    bulk_.body += '\n';
    bulk_.operations.push_back({.begin = begin_, .end = bulk_.body.size(), .removal = removal});
    whole_ = true;
  }

 private:
  EncodedBulk& bulk_;
  std::size_t begin_;
  bool whole_ = false;
};

void append_action(std::string& body, std::string_view action, std::string_view id, std::int64_t version) {
  body += "{\"";
  body += action;
  body += "\":{\"_id\":";
  append_json_string(body, id);
  body += ",\"version\":";
  const fmt::format_int digits(version);
  body.append(digits.data(), digits.size());
  body += ",\"version_type\":\"external_gte\"}}";
}

}  // namespace

void BulkEncoder::append(EncodedBulk& bulk, const Operation& operation) const {
  const auto id_of = [&](const DocumentKey& key) { return document_id(context_.source, key.path, key.fragment); };
  if (const auto* removal = std::get_if<Removal>(&operation)) {
    append_removal(bulk, id_of(removal->key));
    return;
  }
  Appended appended(bulk);
  if (const auto* document = std::get_if<Document>(&operation)) {
    append_action(bulk.body, "index", id_of(document->key), generation_);
    bulk.body += '\n';
    append_document(bulk.body, *document, generation_, context_);
  } else {
    const auto& stub = std::get<Quarantined>(operation);
    append_action(bulk.body, "index", id_of(stub.key), generation_);
    bulk.body += '\n';
    append_stub(bulk.body, stub, generation_, context_);
  }
  appended.finish(false);
}

void BulkEncoder::append_removal(EncodedBulk& bulk, std::string_view id) const {
  Appended appended(bulk);
  append_action(bulk.body, "delete", id, generation_);
  appended.finish(true);
}

std::string_view BulkEncoder::guard() { return "{\"update\":{\"_id\":\"tidemark-guard\"}}\n{\"doc\":{}}\n"; }

}  // namespace tidemark::ingest::elasticsearch
