// Documents that use every field, and such as have done others harm.
#pragma once

#include <string>
#include <utility>

#include "ingest/document.hpp"

namespace tidemark::ingest::elasticsearch {

inline git::Oid sample_oid(char digit) { return git::Oid::parse(std::string(40, digit)).value(); }

inline Document sample_document(std::string path) {
  Document document;
  document.key = {.path = std::move(path), .fragment = ""};
  document.oid = sample_oid('a');
  document.fingerprint = digest(document.key.path);
  document.size = 1'234;
  document.content = {.kind = parser::Kind::page,
                      .title = "Bicycles \"and\" 計算機",
                      .description = "Two wheels\nand a table",
                      .lang = "en",
                      .tags = {"wheels", "a, b"},
                      .date = "2019-09-27T01:00:00Z",
                      .draft = true,
                      .url = "/bicycles/",
                      .id = "page-1",
                      .front_matter = R"({"author":{"name":"Ann"},"count":3,"list":["x",null,true]})",
                      .problems = {"front matter, line 3: no idea"},
                      .sections = {{.anchor = "", .level = 0, .heading = "", .breadcrumb = "", .content = "Before.\n", .code = ""},
                                   {.anchor = "one", .level = 1, .heading = "One", .breadcrumb = "One", .content = "They ride bicycles.\n", .code = "int x = 1;\n"},
                                   {.anchor = "two", .level = 2, .heading = "Two", .breadcrumb = "One > Two", .content = "", .code = "\ttab\u2028"}}};
  document.generation = 2'000;
  document.revision = sample_oid('b');
  document.committed_at = 1'569'546'000;
  return document;
}

inline Quarantined sample_stub(std::string path) {
  const Fingerprint fingerprint = digest(path);
  return {.key = {.path = std::move(path), .fragment = ""}, .oid = sample_oid('c'), .fingerprint = fingerprint, .reason = "binary: a NUL byte at offset 12", .revision = sample_oid('d')};
}

inline bool same(const Document& a, const Document& b) {
  return a.key == b.key && a.oid == b.oid && a.fingerprint == b.fingerprint && a.size == b.size && a.content == b.content && a.generation == b.generation &&
         a.revision == b.revision && a.committed_at == b.committed_at;
}

}  // namespace tidemark::ingest::elasticsearch
