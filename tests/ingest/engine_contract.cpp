#include "ingest/engine_contract.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "ingest/engine_contract_promises.hpp"

namespace tidemark::ingest::test {

git::Oid oid(unsigned number) {
  std::array<unsigned char, git::Oid::size> raw{};
  for (std::size_t i = 0; i < 4; ++i) raw[i] = static_cast<unsigned char>(number >> (8 * i));
  raw.back() = 1;
  return git::Oid::from_raw(raw.data());
}

SourceIdentity test_source() { return {.name = "handbook", .origin = "git.example/team/handbook"}; }

Checkpoint checkpoint(unsigned commit) {
  return {.commit = oid(commit), .tree = oid(commit + 1'000'000), .committed_at = 1'700'000'000 + commit, .settings = "5e77", .parser_version = 1};
}

Document page(const std::string& path, const std::string& content, unsigned version) {
  Document document;
  document.key.path = path;
  document.oid = oid(version);
  document.fingerprint = digest(path + content + std::to_string(version));
  document.size = static_cast<std::int64_t>(content.size());
  document.content.kind = parser::Kind::page;
  document.content.title = "untitled";
  document.content.lang = "en";
  document.content.sections = {{.anchor = "top", .level = 1, .heading = "heading", .breadcrumb = "heading", .content = content, .code = ""}};
  document.generation = 1'000;
  document.revision = oid(7);
  document.committed_at = 1'700'000'000;
  return document;
}

void commit_run(Engine& engine, Mode mode, std::int64_t generation, const std::vector<Operation>& operations, unsigned commit) {
  const auto run = engine.begin({.mode = mode, .generation = generation, .source = test_source()});
  for (const Settled& settled : run->apply(operations)) CHECK_MESSAGE(settled.outcome == Settled::Outcome::applied, settled.reason);
  run->commit(checkpoint(commit));
}

std::vector<Listed> listed(Engine& engine) {
  std::vector<Listed> all;
  engine.list([&](const Listed& one) {
    all.push_back(one);
    return true;
  });
  return all;
}

std::vector<std::string> found(Engine& engine, const std::string& text) {
  SearchQuery query;
  query.text = text;
  query.limit = max_search_limit;
  std::vector<std::string> paths;
  const SearchResult result = engine.search(query);
  for (const Hit& hit : result.hits) paths.push_back(hit.path);
  CHECK(result.total == static_cast<std::int64_t>(paths.size()));
  return paths;
}


Removal removal(const std::string& path) { return {.key = {.path = path, .fragment = ""}}; }

Quarantined quarantined(const std::string& path, const std::string& reason, unsigned version) {
  return {.key = {.path = path, .fragment = ""}, .oid = oid(version), .fingerprint = digest(path + reason), .reason = reason, .revision = oid(7)};
}

Paths paths_of(const std::vector<Listed>& all) {
  Paths paths;
  for (const Listed& one : all) paths.push_back(one.key.path);
  return paths;
}

Paths paths_of(const DocumentPage& page) {
  Paths paths;
  for (const DocumentRow& row : page.rows) paths.push_back(row.key.path);
  return paths;
}

// Paths that upset databases: bytes that are not UTF-8, quotes, patterns, very long ones, prefixes of one another. In byte order, as git sorts.
const Paths odd_paths{"\x01",        "\t.md",   "\n.md", " .md",           "\"quoted\".md", "%.md",         "'; DROP TABLE document; --.md", "-x.md",      "A.md",
                      "A.md.md",     "Z.md",    "_.md",  "a",              "a.md",          "a/b.md",       "a0.md",                         "caf\xC3\xA9.md", "cafe\xCC\x81.md",
                      std::string(4'096, 'd'), "docs/\\.md", "\x7f.md", "\xE6\x97\xA5.md", "\xF0\x9F\x90\x99.md", "\xfe\xff.md", "\xff.md"};

void check_engine_contract(const EngineFactory& make) {
  const auto index = make();
  check_promises_of_runs(*index);
  check_promises_of_readers(*index);
}

}  // namespace tidemark::ingest::test
