#include "ingest/elasticsearch/bulk_encoder.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "ingest/elasticsearch/sample_documents.hpp"
#include "ingest/fingerprint.hpp"

namespace tidemark::ingest::elasticsearch {
namespace {

using nlohmann::json;

const DocumentContext context{.source = "docs", .origin = "https://example.org/docs.git", .ref = "main"};

std::vector<json> lines_of(std::string_view body) {
  std::vector<json> lines;
  while (!body.empty()) {
    const std::size_t end = body.find('\n');
    REQUIRE(end != std::string_view::npos);
    lines.push_back(json::parse(body.substr(0, end)));
    body.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace

TEST_CASE("a bulk is lines of JSON, an action and a document each, in the order given") {
  const BulkEncoder encoder(context, 3'000);
  EncodedBulk bulk;
  encoder.append(bulk, sample_document("a.md"));
  encoder.append(bulk, Removal{{"b.md", ""}});
  encoder.append(bulk, sample_stub("c.md"));
  encoder.append_removal(bulk, "stranger\"\n");
  const auto lines = lines_of(bulk.body);
  const auto action = [](const std::string& id) { return json{{"_id", id}, {"version", 3'000}, {"version_type", "external_gte"}}; };
  REQUIRE(lines.size() == 6);
  CHECK(lines[0] == json{{"index", action(document_id("docs", "a.md", ""))}});
  CHECK(lines[1]["path"] == "a.md");
  CHECK(lines[2] == json{{"delete", action(document_id("docs", "b.md", ""))}});
  CHECK(lines[3] == json{{"index", action(document_id("docs", "c.md", ""))}});
  CHECK(lines[4]["kind"] == "quarantined");
  CHECK(lines[4]["generation"] == 3'000);
  CHECK(lines[5] == json{{"delete", action("stranger\"\n")}});
}

TEST_CASE("each operation's place in the body is known, so that a batch can be cut") {
  const BulkEncoder encoder(context, 1'000);
  EncodedBulk bulk;
  encoder.append(bulk, sample_document("a.md"));
  encoder.append(bulk, Removal{{"b.md", ""}});
  encoder.append(bulk, sample_document("c.md"));
  REQUIRE(bulk.operations.size() == 3);
  CHECK(bulk.operations[0].begin == 0);
  CHECK(bulk.operations[0].end == bulk.operations[1].begin);
  CHECK(bulk.operations[1].end == bulk.operations[2].begin);
  CHECK(bulk.operations[2].end == bulk.body.size());
  CHECK_FALSE(bulk.operations[0].removal);
  CHECK(bulk.operations[1].removal);
  CHECK(lines_of(std::string_view(bulk.body).substr(bulk.operations[2].begin)).size() == 2);
}

TEST_CASE("a document that cannot be written leaves the bulk as it was") {
  const BulkEncoder encoder(context, 1'000);
  EncodedBulk bulk;
  encoder.append(bulk, sample_document("a.md"));
  const std::string before = bulk.body;
  Document invalid = sample_document("b.md");
  invalid.content.sections.back().code = "\xff";
  Document two_lines = sample_document("b.md");
  two_lines.content.front_matter = "{}\n{\"delete\":{\"_id\":\"a\"}}";
  Document no_json = sample_document("b.md");
  no_json.content.front_matter = "{\"a\":}";
  Document no_object = sample_document("b.md");
  no_object.content.front_matter = "[]";
  for (const Document& bad : {invalid, two_lines, no_json, no_object}) {
    CHECK_THROWS_AS(encoder.append(bulk, bad), std::invalid_argument);
    CHECK(bulk.body == before);
    CHECK(bulk.operations.size() == 1);
  }
  CHECK_THROWS_AS(encoder.append_removal(bulk, "\xff"), std::invalid_argument);
  CHECK(bulk.body == before);
}

TEST_CASE("what keeps removals from making an index is an update of what does not exist") {
  const auto lines = lines_of(BulkEncoder::guard());
  REQUIRE(lines.size() == 2);
  CHECK(lines[0]["update"]["_id"].get<std::string>().size() != document_id("docs", "a.md", "").size());
  CHECK(lines[1] == json{{"doc", json::object()}});
}

}  // namespace tidemark::ingest::elasticsearch
