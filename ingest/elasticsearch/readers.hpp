// What readers ask of the index: over the reader alias, from any thread, whatever the reconcile loop does.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ingest/elasticsearch/connection.hpp"
#include "ingest/elasticsearch/names.hpp"
#include "ingest/elasticsearch/schema.hpp"
#include "ingest/engine.hpp"

namespace tidemark::ingest::elasticsearch {

class Readers {
 public:
  Readers(Connection& connection, std::string alias) : connection_(connection), alias_(std::move(alias)) {}

  // From the reconcile loop, as it learns them.
  void use(const IndexNames& names);
  void use(const SchemaChoice& choice);
  void use_live(const std::string& physical);

  std::string kind() const;
  bool ready();
  SearchResult search(const SearchQuery& query);
  DocumentPage documents(const DocumentPageQuery& query);
  std::optional<Document> document(const DocumentKey& key);
  std::vector<Quarantined> quarantine(std::size_t limit);

 private:
  struct Place {
    std::string source;    // "" while it is not known
    std::string physical;  // "" while there is none
    SchemaChoice choice;
  };
  Place place() const;
  Response ask(const std::string& path, const std::string& body);
  std::optional<std::string> search_in(const std::string& index, const std::string& body);

  Connection& connection_;
  const std::string alias_;
  mutable std::mutex mutex_;
  Place place_;
};

}  // namespace tidemark::ingest::elasticsearch
