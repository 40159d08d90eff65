// A page of a listing: its request, and its answer read as it is scanned, without a tree of its JSON. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark::ingest::elasticsearch {

inline constexpr int listing_page = 10'000;  // rows; the greatest window of an index

struct ListingRow {
  std::string id;
  std::optional<std::int64_t> version;  // of the document, as the engine counts
  // What the document's fields say: each is there if it has exactly one value of its kind.
  std::optional<std::string> path_key;
  std::optional<std::string> fragment_key;
  std::optional<std::string> fingerprint;
  std::optional<std::string> kind;
  std::optional<std::int64_t> generation;
  std::optional<std::int64_t> written_with;  // the field `version`
};

std::string listing_path();
// The rows that have a key, in its order. `after`: the sort values of the last row of the page before, as JSON; "" for the first page.
std::string listing_body(std::string_view point_in_time, std::string_view keep_alive, std::string_view after);
// The others, in any order, but no more than a page of them: only somebody else writes such ones. One sorted listing of all would overlook some: on
// later pages Lucene may skip what lacks the field (seen with OpenSearch 3), and a page that begins after such a row is refused.
std::string keyless_body(std::string_view point_in_time, std::string_view keep_alive);

// What the next page's request needs, by a quick look at an answer that has not been read yet.
struct NextPage {
  std::string point_in_time;  // "" if the answer names none: as before
  std::string after;          // the sort values of the last row, "" if they are not there
  bool expected = false;      // this page is full
};
NextPage next_page(std::string_view answer);

struct ListingPage {
  std::size_t rows = 0;
  bool whole = false;  // valid JSON, every shard answered in time
};

// Calls `visit` with each row in the order of the answer, until it returns false. What the rows are good for is known at the end: those of a page that
// is not whole must not be acted upon.
ListingPage read_listing_page(std::string_view answer, const std::function<bool(const ListingRow&)>& visit);

}  // namespace tidemark::ingest::elasticsearch
